"""Figures of one state of chains in the plane, by numpy alone: the engine reports them, pages show them at any step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.sampling import LOST, Modes

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StateFigures:
    """Figures of one state of chains; NaN where too few of them live.

    Attributes:
        mode_weights: Mean probability of each mode given ȳ and its noise, with shape (J,).
        within_std: Standard deviation of the points about the means of their modes, where the noise is white.
        residual_inflation: Variance of y_i − ȳ over σ²(1 − 1/k).
        lived: Number of living chains.
        chains: Number of chains.
    """

    mode_weights: Array
    within_std: float
    residual_inflation: float
    lived: int
    chains: int


def figures_of_state(
    y: NDArray[np.float32], x_hat: NDArray[np.float32] | None, sigma: float, modes: Modes, noise: float = 0.0
) -> StateFigures:
    """Return the figures of one state.

    Args:
        y: The copies with shape (B, k, d), in data units.
        x_hat: The posterior means with shape (B, d); None where the samples are ȳ.
        sigma: Noise of one copy by the ladder.
        modes: The mixture.
        noise: Noise of one copy that the denoiser gets; 0 for `sigma`.

    Returns:
        The figures, those of `ChainReport` for the same state.
    """
    # NaN fails the comparison.
    living = (np.abs(y) < LOST).all(axis=(1, 2))
    lived, copies = int(living.sum()), y[living].astype(np.float64)
    means = copies.mean(axis=1)
    rho = responsibilities(modes, means, (noise or sigma) / math.sqrt(y.shape[1]))
    x = means if x_hat is None else x_hat[living].astype(np.float64)
    root = np.linalg.cholesky(np.linalg.inv(modes.noise))
    return StateFigures(
        mode_weights=rho.mean(axis=0) if lived else np.full(len(modes.weights), math.nan),
        within_std=within_std(x @ root, rho),
        residual_inflation=residual_inflation(copies @ root, sigma),
        lived=lived,
        chains=len(y),
    )


def responsibilities(modes: Modes, x: Array, tau: float) -> Array:
    """Return the probabilities of the modes given points with shape (n, d) and noise τ, with shape (n, J)."""
    if not len(modes.weights):
        return np.zeros((len(x), 0))
    covariances = modes.covariances + tau**2 * modes.noise
    away = x[:, None] - modes.means
    distances = np.einsum("njd,jde,nje->nj", away, np.linalg.inv(covariances), away)
    logs = np.log(modes.weights) - 0.5 * (distances + np.linalg.slogdet(covariances)[1])
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def within_std(x: Array, rho: Array) -> float:
    """Return the standard deviation of points about the means of their modes.

    Args:
        x: Points with shape (n, d).
        rho: Probability of each mode given the chain of each point, with shape (n, J), from ȳ and its noise σ/√k. For
            exact chains its mean is the weights of the modes, and its mean times a function of ȳ that function's mean
            in a mode, whether modes overlap or not.

    Returns:
        The root of the variance pooled over modes and coordinates; NaN where no mode has two points.
    """
    counts = rho.sum(axis=0)
    means = rho.T @ x / np.maximum(counts, np.finfo(float).tiny)[:, None]
    squares = np.square(x[:, None] - means).sum(axis=2)
    # One degree of freedom per mode and coordinate goes into the mode's mean; a mode without two points counts nothing.
    there = counts > 1
    freedom = float((counts - 1)[there].sum()) * x.shape[1]
    return math.sqrt(float((rho * squares)[:, there].sum()) / freedom) if freedom else math.nan


@lru_cache(maxsize=64)
def exact_weight_error(weights: tuple[float, ...], draws: int, chance: float = 0.95) -> float:
    """Return what the largest error of the shares of exact draws in the modes stays at or below, with a given chance.

    The counts of the modes are multinomial: independent Poisson counts, given their sum (Levin 1981, Annals of
    Statistics 9, 1123). Shares that are means of probabilities, as `mode_weights`, vary less than counts.

    Args:
        weights: Weights of the modes, which sum to 1.
        draws: Number of draws; NaN is returned for none.
        chance: The chance.
    """
    if not draws:
        return math.nan
    means = draws * np.array([weight for weight in weights if weight > 0])
    low, high = 0.0, float(np.max(1 - means / draws, initial=0.0))
    # Errors change in steps of 1/n and less.
    while high - low > 0.05 / draws:
        middle = (low + high) / 2
        low, high = (low, middle) if _chance_within(middle, means, draws) >= chance else (middle, high)
    return high


def _chance_within(error: float, means: Array, draws: int) -> float:
    """Return the chance that the share of every mode is within an error of its weight."""
    first = np.maximum(np.ceil(means - error * draws - 1e-9), 0).astype(int)
    last = np.minimum(np.floor(means + error * draws + 1e-9), draws).astype(int)
    if (first > last).any() or not first.sum() <= draws <= last.sum():
        return 0.0
    # The law of the sum of truncated counts, by the product of their transforms.
    length = int((last - first).sum()) + 1
    product = np.ones(length // 2 + 1, complex)
    for mean, least, most in zip(means, first, last, strict=True):
        product *= np.fft.rfft(_poisson(np.arange(least, most + 1), mean), length)
    truncated = np.fft.irfft(product, length)[draws - first.sum()]
    return float(truncated / _poisson(np.array([draws]), float(draws))[0])


def _poisson(counts: NDArray[np.int64], mean: float) -> Array:
    """Return the chances of counts of a Poisson law."""
    logs = np.array([math.lgamma(count + 1) for count in counts.tolist()])
    return np.asarray(np.exp(counts * math.log(mean) - mean - logs))


def residual_inflation(y: Array, sigma: float) -> float:
    """Return the variance of the residuals y_i − ȳ over its value for exact sampling, σ²(1 − 1/k).

    Args:
        y: Copies with shape (..., k, d), of one or of many states.
        sigma: Noise of one copy.

    Returns:
        The ratio, averaged over everything given; NaN for k = 1, without noise or without any state.
    """
    k = y.shape[-2]
    if k == 1 or not sigma or not y.size:
        return math.nan
    residuals = y - y.mean(axis=-2, keepdims=True)
    return float(np.square(residuals).mean() / (sigma**2 * (1 - 1 / k)))
