"""Figures of chains that draw from a Gaussian mixture; what theory says of them: `predictions`, `ladders`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.events.sampling import LOST

# Fewer draws of one chain than this give no split R̂ and no effective sample size.
_FEWEST_DRAWS = 8


def alive(y: Tensor) -> Tensor:
    """Return which chains are finite and not beyond 1e6 data units.

    Args:
        y: The copies with shape (B, k, *event).

    Returns:
        Truth values with shape (B,).
    """
    return (y.abs() < LOST).flatten(1).all(1)


def within_std(x: Tensor, rho: Tensor) -> float:
    """Return the standard deviation of points about the means of their modes.

    Args:
        x: Points with shape (n, d).
        rho: Probability of each mode given the chain of each point, with shape (n, J), as
            `GaussianMixture.responsibilities` gives it for ȳ and its noise σ/√k. For exact chains its mean is the
            weights of the modes, and its mean times a function of ȳ that function's mean in a mode, whether modes
            overlap or not.

    Returns:
        The root of the variance pooled over modes and coordinates; NaN where no mode has two points.
    """
    counts = rho.sum(0)
    means = rho.T @ x / counts.clamp(min=torch.finfo(x.dtype).tiny)[:, None]
    squares = torch.cdist(x, means, compute_mode="donot_use_mm_for_euclid_dist").square()
    # One degree of freedom per mode and coordinate goes into the mode's mean; a mode without two points counts nothing.
    there = counts > 1
    freedom = (counts - 1)[there].sum().item() * x.shape[1]
    return math.sqrt((rho * squares)[:, there].sum().item() / freedom) if freedom else math.nan


def residual_inflation(y: Tensor, sigma: float) -> float:
    """Return the variance of the residuals y_i − ȳ over its value for exact sampling, σ²(1 − 1/k).

    Args:
        y: Copies with shape (..., k, d), of one or of many states.
        sigma: Noise of one copy.

    Returns:
        The ratio, averaged over everything given; NaN for k = 1 or without any state.
    """
    k = y.shape[-2]
    if k == 1 or not y.numel():
        return math.nan
    y = y.double()
    residuals = y - y.mean(-2, keepdim=True)
    return residuals.square().mean().item() / (sigma**2 * (1 - 1 / k))


def split_r_hat(draws: Tensor) -> Tensor:
    """Return split R̂ of each coordinate, by arviz-stats.

    Args:
        draws: Kept draws with shape (n, B, d).

    Returns:
        R̂ with shape (d,), float64; NaN where there are too few draws, or none of them moves.
    """
    return _by_arviz("rhat", draws, method="split")


def effective_size(draws: Tensor) -> Tensor:
    """Return the effective sample size of the mean of each coordinate over all chains, by arviz-stats.

    Args:
        draws: Kept draws with shape (n, B, d).

    Returns:
        The size with shape (d,), float64; NaN where there are too few draws.
    """
    return _by_arviz("ess", draws, method="mean")


def _by_arviz(name: str, draws: Tensor, method: str) -> Tensor:
    if len(draws) < _FEWEST_DRAWS or not draws.shape[1] or not bool(torch.isfinite(draws).all()):
        return torch.full((draws.shape[-1],), math.nan, dtype=torch.float64)
    # Imported where it is used: it takes about a second.
    from arviz_stats.base.array import array_stats

    values = getattr(array_stats, name)(draws.double().numpy(), chain_axis=1, draw_axis=0, method=method)
    return torch.as_tensor(values, dtype=torch.float64)
