"""Sliced score matching along directions whose coordinates are ±1 with equal probability."""

from __future__ import annotations

import torch
from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.objectives.objective import Given, Losses
from msd_engine.objectives.sliced import loss_along


def loss(denoiser: LearnedDenoiser, x: Tensor, y: Tensor, sigma: Tensor, given: Given) -> Losses:
    """Return the losses of a batch, as `Objective.loss`."""
    # A standard normal number is negative with probability ½.
    v = torch.where(given.draw(tuple(x.shape[1:])) < 0, -1.0, 1.0)
    return loss_along(v, denoiser, x, y, sigma)
