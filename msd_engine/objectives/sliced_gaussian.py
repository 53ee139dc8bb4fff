"""Sliced score matching along directions v ~ N(0, I)."""

from __future__ import annotations

from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.objectives.objective import Given, Losses
from msd_engine.objectives.sliced import loss_along


def loss(denoiser: LearnedDenoiser, x: Tensor, y: Tensor, sigma: Tensor, given: Given) -> Losses:
    """Return the losses of a batch, as `Objective.loss`."""
    return loss_along(given.draw(tuple(x.shape[1:])), denoiser, x, y, sigma)
