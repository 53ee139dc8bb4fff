"""What the score matching objectives share: λ = σ_eff², derivatives of the score along directions, and the report.

The score is s = s(ȳ) with the residuals y_i − ȳ held, which are independent of ȳ: each identity for the score of a
density holds for the density of ȳ. With λ(σ_eff) = σ_eff² all noises weigh about equally, as in NCSN
(arXiv:1907.05600); at one noise it is a constant factor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.objectives.mse import squared_error
from msd_engine.objectives.objective import Losses


def variance(sigma: Tensor, y: Tensor) -> Tensor:
    """Return σ_eff² = σ²/k with shape (B,), for noises (B,) of copies (B, k, *event)."""
    return sigma.square() / y.shape[1]


def scaled(by: Tensor, values: Tensor) -> Tensor:
    """Return values (B, *event) times numbers (B,)."""
    return values * by.reshape(-1, *(1 for _ in values.shape[1:]))


def dot(one: Tensor, other: Tensor) -> Tensor:
    """Return the inner products with shape (B,) of vectors (B, *event)."""
    return (one * other).flatten(1).sum(dim=1)


def with_slopes(denoiser: LearnedDenoiser, y: Tensor, sigma: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return the score of ȳ with shape (B, *event), and a function for its slopes.

    The function maps directions v with shape (B, *event) to vᵀ∇s v with shape (B,).
    """
    nothing = torch.zeros_like(y[:, 0])
    found: Any = torch.func.vjp(lambda shift: denoiser.score(y + shift.unsqueeze(1), sigma), nothing)
    score, pull = found
    return score, lambda v: dot(pull(v)[0], v)


def losses(x: Tensor, y: Tensor, sigma: Tensor, score: Tensor, unweighted: Tensor) -> Losses:
    """Return λ times a loss (B,) for the optimiser, and ‖x̂ − x‖² of x̂ = ȳ + σ_eff² s for the curve.

    Args:
        x: Clean data with shape (B, *event).
        y: Their copies with shape (B, k, *event).
        sigma: Noise of one copy with shape (B,).
        score: The learned score of ȳ with shape (B, *event).
        unweighted: Loss of each datum with shape (B,), such as ½‖s − ∇log p‖².
    """
    square = variance(sigma, y)
    x_hat = y.mean(dim=1) + scaled(square, score)
    return Losses(square * unweighted, squared_error(x_hat, x))
