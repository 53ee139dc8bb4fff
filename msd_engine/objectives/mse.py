"""The report's objective E‖x̂(y_1..y_k; σ) − x‖², weighted over σ by the output; the posterior mean minimises it."""

from __future__ import annotations

from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.objectives.objective import Given, Losses


def loss(denoiser: LearnedDenoiser, x: Tensor, y: Tensor, sigma: Tensor, _given: Given) -> Losses:
    """Return the squared errors of a batch, as `Objective.loss`, without random numbers."""
    error = squared_error(denoiser.estimate(y, sigma), x)
    return Losses(error * denoiser.weight(sigma, y.shape[1]), error)


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return ‖x̂ − x‖² with shape (B,), summed over the event, of estimates and data with shape (B, *event)."""
    return (x_hat - x).square().flatten(1).sum(dim=1)
