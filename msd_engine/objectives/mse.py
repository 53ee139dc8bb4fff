"""The report's objective E‖x̂(y_1..y_k; σ) − x‖², weighed over σ by the output; its minimiser is the posterior mean."""

from __future__ import annotations

from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.objectives.objective import Draw, Losses


def loss(denoiser: LearnedDenoiser, x: Tensor, y: Tensor, sigma: Tensor, _draw: Draw) -> Losses:
    """Return the squared errors of a batch.

    Args:
        denoiser: What is trained.
        x: Clean data with shape (B, *event).
        y: Their copies with shape (B, k, *event).
        sigma: Noise of one copy with shape (B,).
        _draw: Unused: nothing else is left to chance.
    """
    error = squared_error(denoiser.estimate(y, sigma), x)
    return Losses(error * denoiser.weight(sigma), error)


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return ‖x̂ − x‖² of each datum.

    Args:
        x_hat: Estimates with shape (B, *event).
        x: Clean data with shape (B, *event).

    Returns:
        Squared errors, summed over the event, with shape (B,).
    """
    return (x_hat - x).square().flatten(1).sum(dim=1)
