"""Sliced score matching E λ(vᵀ∇s v + ½(vᵀs)²) along random directions v with E vvᵀ = I (Song et al. 2020, UAI).

With less variance ½(vᵀs)² becomes its mean ½‖s‖². Both have the minimiser of implicit score matching.
"""

from __future__ import annotations

from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.objectives.objective import Losses
from msd_engine.objectives.scores import dot, losses, with_slopes


def loss_along(
    v: Tensor, denoiser: LearnedDenoiser, x: Tensor, y: Tensor, sigma: Tensor, *, reduced: bool = False
) -> Losses:
    """Return the losses of a batch along given directions.

    Args:
        v: The directions with shape (B, *event).
        denoiser: The denoiser in training.
        x: Clean data with shape (B, *event).
        y: Their copies with shape (B, k, *event).
        sigma: Noise of one copy with shape (B,).
        reduced: Replace ½(vᵀs)² by its mean over v.
    """
    score, slope = with_slopes(denoiser, y, sigma)
    square = dot(score, score) if reduced else dot(v, score).square()
    return losses(x, y, sigma, score, slope(v) + square / 2)
