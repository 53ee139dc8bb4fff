"""Figures of chains that draw from a Gaussian mixture (theory §3, fact 4).

In one mode with variance λ along an axis the mean copy ȳ is an AR(1) process: with τ² = σ²/k and r = ε/σ² its factor is
1 − h, h = rτ²/(λ + τ²), and its noise has variance 2rτ². Its stationary variance is (λ + τ²)/(1 − h/2): exact for
r → 0, too wide by 1/(1 − h/2) otherwise. The jump x̂ = μ + λ/(λ + τ²) (ȳ − μ) shrinks it by (λ/(λ + τ²))². The
residuals y_i − ȳ have factor 1 − r whatever the data, hence the inflation 1/(1 − r/2) and the wall r = 2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.data.mixture import GaussianMixture

# Beyond this many data units a chain counts as lost, and its numbers are no longer shown.
LOST = 1e6
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


def nearest_modes(x: Tensor, mixture: GaussianMixture) -> Tensor:
    """Return the mode whose mean is nearest to each point.

    Args:
        x: Points with shape (n, d), in the dtype of the mixture.
        mixture: The mixture.

    Returns:
        Indices of modes with shape (n,).
    """
    return torch.cdist(x, mixture.means).argmin(1)


def mode_weights(x: Tensor, mixture: GaussianMixture) -> Tensor:
    """Return the share of the points that are nearest to each mode.

    Args:
        x: Points with shape (n, d), in the dtype of the mixture.
        mixture: The mixture.

    Returns:
        Shares with shape (J,), summing to 1; NaN where there are no points.
    """
    counts = torch.bincount(nearest_modes(x, mixture), minlength=len(mixture.weights))
    return counts.to(x) / counts.sum()


def within_std(x: Tensor, mixture: GaussianMixture) -> float:
    """Return the standard deviation of points about the mean of their nearest mode's points.

    Args:
        x: Points with shape (n, d), in the dtype of the mixture.
        mixture: The mixture.

    Returns:
        The root of the variance pooled over modes and coordinates; NaN where no mode has two points.
    """
    mode = nearest_modes(x, mixture)
    counts = torch.bincount(mode, minlength=len(mixture.weights)).to(x)
    sums = torch.zeros_like(mixture.means).index_add_(0, mode, x)
    centred = x - (sums / counts.clamp(min=1).unsqueeze(1))[mode]
    # One degree of freedom per mode and coordinate goes into the mode's mean.
    freedom = (counts - 1).clamp(min=0).sum().item() * mixture.dim
    return math.sqrt(centred.square().sum().item() / freedom) if freedom else math.nan


def predicted_std(mixture: GaussianMixture, sigma: float, k: int, step_ratio: float, *, jump: bool) -> float:
    """Predict `within_std` of a chain that has reached its stationary state at one noise, for separate modes.

    Args:
        mixture: The mixture.
        sigma: Noise of one copy.
        k: Number of copies.
        step_ratio: r = ε/σ²; 0 gives exact sampling.
        jump: Whether the samples are x̂ (else ȳ).

    Returns:
        The root of Σ_j w_j mean_axes g² (λ + τ²)/(1 − h/2), with g = λ/(λ + τ²) for the jump and 1 without; infinite
        where h ≥ 2.
    """
    tau_squared = sigma**2 / k
    variance = mixture.eigenvalues.double()
    total = variance + tau_squared
    h = step_ratio * tau_squared / total
    if bool((h >= 2).any()):
        return math.inf
    stationary = total / (1 - h / 2)
    if jump:
        stationary = stationary * (variance / total).square()
    return math.sqrt((mixture.weights.double() @ stationary.mean(1)).item())


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
