"""Implicit score matching E λ(tr ∇s(ȳ) + ½‖s(ȳ)‖²) with the exact trace (Hyvärinen and Dayan 2005)."""

from __future__ import annotations

import torch
from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.objectives.objective import Given, Losses
from msd_engine.objectives.scores import dot, losses, with_slopes


def loss(denoiser: LearnedDenoiser, x: Tensor, y: Tensor, sigma: Tensor, _given: Given) -> Losses:
    """Return the losses of a batch, as `Objective.loss`, without random numbers; one derivative per coordinate."""
    score, slope = with_slopes(denoiser, y, sigma)
    axes = torch.eye(x[0].numel(), dtype=x.dtype, device=x.device)
    trace = torch.stack([slope(axis.reshape(x.shape[1:]).expand_as(x)) for axis in axes]).sum(dim=0)
    return losses(x, y, sigma, score, trace + dot(score, score) / 2)
