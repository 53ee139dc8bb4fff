"""Figures of chains that sample a Gaussian mixture; theory: `predictions`, `ladders`."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.target import Target
from msd_engine.events import chain_figures
from msd_engine.events.sampling import LOST

# Directions of a sliced distance, and numbers of points that it compares at most.
_DIRECTIONS, _MOST_POINTS = 16, 1000
# With a chance of 1 in 20 another exact draw lies above the largest of 19.
_EXACT_DRAWS = 19

# Fewer draws of one chain than this give no split R̂ and no effective sample size.
_FEWEST_DRAWS = 8
# Share of a mode's own draws inside its ellipse.
_INSIDE = 0.995


def alive(y: Tensor) -> Tensor:
    """Return which chains are finite and not beyond 1e6 data units.

    Args:
        y: The copies with shape (B, k, *event).

    Returns:
        Truth values with shape (B,).
    """
    return (y.abs() < LOST).flatten(1).all(1)


def off_the_data(mixture: GaussianMixture, x: Tensor, noise: float) -> Tensor:
    """Return which samples lie outside of the 99.5 % ellipse of every mode: of exact samples at most 0.5 %.

    Args:
        mixture: The target.
        x: Samples with shape (n, d).
        noise: Standard deviation of their isotropic noise, 0 for samples without noise.

    Returns:
        Truth values with shape (n,).
    """
    # Imported here: the import is slow.
    from scipy.special import gammaincinv

    away = torch.einsum("njd,jde->nje", x[:, None] - mixture.means, mixture.axes)
    distances = (away.square() / (mixture.eigenvalues + noise**2)).sum(-1)
    return (distances > 2 * float(gammaincinv(mixture.dim / 2, _INSIDE))).all(1)


def within_std(x: Tensor, rho: Tensor) -> float:
    """Return `chain_figures.within_std` of points (n, d) and probabilities (n, J)."""
    return chain_figures.within_std(x.double().numpy(), rho.double().numpy())


def residual_inflation(y: Tensor, sigma: float) -> float:
    """Return `chain_figures.residual_inflation` of copies with shape (..., k, d)."""
    return chain_figures.residual_inflation(y.double().numpy(), sigma)


def sliced_distance(x: Tensor, data: Tensor, most: int = _MOST_POINTS) -> float:
    """Return the sliced Wasserstein distance between two sets of points (Bonneel et al. 2015, JMIV 51).

    It is the mean over 16 fixed directions of the Wasserstein distance W₁ of the projections, by scipy.

    Args:
        x: Points with shape (n, d), n > 0.
        data: Points with shape (m, d), m > 0.
        most: Number of points of either that count, from the first on.

    Returns:
        The distance in the units of the points.
    """
    from scipy.stats import wasserstein_distance

    directions = torch.randn(x.shape[1], _DIRECTIONS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    directions /= directions.norm(dim=0)
    both = ((part[:most].double() @ directions).T.numpy() for part in (x, data))
    return float(np.mean([wasserstein_distance(a, b) for a, b in zip(*both, strict=True)]))


def exact_distance(target: Target, data: Tensor, n: int, k: int, sigma: float, *, jump: bool) -> float:
    """Return what `sliced_distance` of n exact samples to data stays below in 19 of 20 samplings.

    Args:
        target: The data distribution.
        data: Draws from it with shape (m, d).
        n: Number of samples.
        k: Number of copies.
        sigma: Noise of one copy at the end of the chains.
        jump: Whether a sample is x̂; otherwise it is ȳ, with noise σ/√k.
    """
    generator, denoiser = torch.Generator().manual_seed(1), target.denoiser()
    found = 0.0
    for _ in range(_EXACT_DRAWS):
        x = target.sample(min(n, _MOST_POINTS), generator)
        noise = torch.randn(len(x), k, *x.shape[1:], generator=generator, dtype=x.dtype)
        y = x.unsqueeze(1) + sigma * noise
        found = max(found, sliced_distance(denoiser(y, sigma).mean if jump else y.mean(1), data))
    return found


def stayed(first: Tensor, last: Tensor) -> float:
    """Return the share of chains that end in the mode where they began.

    Args:
        first: Probabilities of the modes given the first draw of each chain, with shape (B, J).
        last: The same given its last draw; NaN results without draws.
    """
    if not len(first) or not len(last):
        return math.nan
    return float(np.mean(first.numpy().argmax(1) == last.numpy().argmax(1)))


def split_r_hat(draws: Tensor) -> Tensor:
    """Return split R̂ of each coordinate, by arviz-stats.

    Args:
        draws: Kept draws with shape (n, B, d).

    Returns:
        R̂ with shape (d,), float64; NaN for too few or constant draws.
    """
    return _by_arviz("rhat", draws, method="split")


def effective_size(draws: Tensor) -> Tensor:
    """Return the effective sample size of the mean of each coordinate over all chains, by arviz-stats.

    Args:
        draws: Kept draws with shape (n, B, d).

    Returns:
        The size with shape (d,), float64; NaN for too few draws.
    """
    return _by_arviz("ess", draws, method="mean")


def _by_arviz(name: str, draws: Tensor, method: str) -> Tensor:
    if len(draws) < _FEWEST_DRAWS or not draws.shape[1] or not bool(torch.isfinite(draws).all()):
        return torch.full((draws.shape[-1],), math.nan, dtype=torch.float64)
    # Imported here: the import needs about a second.
    from arviz_stats.base.array import array_stats

    # Chains that stand still have no variance within.
    with np.errstate(divide="ignore", invalid="ignore"):
        values = getattr(array_stats, name)(draws.double().numpy(), chain_axis=1, draw_axis=0, method=method)
    return torch.as_tensor(values, dtype=torch.float64)
