"""Distances between two sets of feature vectors: the Fréchet distance of their Gaussians and the kernel distance.

Fréchet, with means μ and covariances C (D. C. Dowson and B. V. Landau 1982; on Inception's features it is the FID of
M. Heusel et al. 2017, arXiv:1706.08500): |μ_a − μ_b|² + tr(C_a + C_b − 2 (C_b^½ C_a C_b^½)^½).

Kernel (M. Bińkowski et al. 2018, arXiv:1801.01401): the unbiased estimate of the squared maximum mean discrepancy with
k(u, v) = (u·v/F + 1)³, which may be negative. With the kernel exp(−|u − v|²/(2h²)) it ranks small sets more surely
(S. Jayasumana et al. 2024, arXiv:2401.09603).

Own code instead of torchmetrics: its kernel distance uses the global generator, and neither of its distances keeps the
inputs of an interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from msd_engine.metrics.errors.student import quantile

Features = NDArray[np.float64]

_LEVEL = 0.95
_NORMAL = 1.959964  # half width of a normal distribution's 95 % interval
_ROWS = 512


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The number.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float = math.nan
    high: float = math.nan


class FrechetReference:
    """The Gaussian of the reference features.

    Args:
        features: Real features with shape (n, F), more than F of them.
    """

    def __init__(self, features: Features) -> None:
        self._features = features
        self._mean, self._covariance = _moments(features)
        values, self._vectors = np.linalg.eigh(self._covariance)
        self._scales = np.sqrt(np.clip(values, 0.0, None))
        self._root = self._vectors * self._scales @ self._vectors.T

    def distance(self, features: Features) -> float:
        """Return the squared Fréchet distance, as is usual, of at least two features with shape (n, F)."""
        mean, covariance = _moments(features)
        inner = np.linalg.eigvalsh(self._root @ covariance @ self._root)
        cross = np.sqrt(np.clip(inner, 0.0, None)).sum()
        apart = np.square(mean - self._mean).sum()
        return float(apart + np.trace(covariance) + np.trace(self._covariance) - 2.0 * cross)

    def variance(self, features: Features) -> float:
        """Return the variance of the distance of a set due to the choice of the reference, to first order.

        With T = C^-½ (C^½ C_a C^½)^½ C^-½ a real vector z about its mean changes the distance by 1/n of
        2 z·(μ − μ_a) + zᵀ(1 − T)z, less its mean: the infinitesimal jackknife.

        Args:
            features: Features with shape (n, F), at least two.
        """
        mean, covariance = _moments(features)
        values, vectors = np.linalg.eigh(self._root @ covariance @ self._root)
        centred = self._features - self._mean
        known = self._scales > 1e-6 * self._scales[-1]
        white = centred @ (self._vectors[:, known] / self._scales[known]) @ self._vectors[:, known].T
        mapped = white @ (vectors * np.clip(values, 0.0, None) ** 0.25)
        moved = 2.0 * centred @ (self._mean - mean) + np.square(centred).sum(axis=1) - np.square(mapped).sum(axis=1)
        return float(moved.var() / len(moved))

    def resampled(self, features: Features, rounds: int, draws: np.random.Generator) -> Iterator[float]:
        """Yield the distances of bootstrap sets, one at a time."""
        for _ in range(rounds):
            yield self.distance(features[draws.integers(len(features), size=len(features))])


def centred_interval(value: float, resampled: list[float], further: float = 0.0) -> Estimate:
    """Return the interval of a number from its values for resampled sets.

    Resampling makes a set narrower and shifts its Fréchet distance up, so only the spread of the resampled values
    counts: Student's t of their standard deviation, since quantiles of so few values are too narrow.

    Args:
        value: The number for the set itself.
        resampled: The number for bootstrap sets, at least two.
        further: Variance of the number from another source.

    Returns:
        The number with its 95 % interval.
    """
    spread = math.sqrt(float(np.var(resampled, ddof=1)) + further)
    half = quantile(len(resampled) - 1) * spread
    return Estimate(value, value - half, value + half)


def kernel_distance(features: Features, reference: Features, width: float = math.inf) -> Estimate:
    """Return the kernel distance of two sets.

    Args:
        features: Features with shape (n, F), n ≥ 3.
        reference: Real features with shape (m, F), m ≥ 3.
        width: h of a Gaussian kernel; infinite for the cubic kernel.

    Returns:
        The unbiased estimate; its interval is that of the jackknife over both sets, in closed form.
    """
    n, m = len(features), len(reference)
    value, variance = 0.0, 0.0
    for some, others in ((features, reference), (reference, features)):
        sums, itself = _kernel_sums(some, some, width)
        across, _ = _kernel_sums(some, others, width)
        within, size = sums - itself, len(some)
        value += float(within.sum()) / (size * (size - 1)) - float(across.sum()) / (n * m)
        # The estimate without each vector of this set in turn, up to a shared constant.
        without = (within.sum() - 2.0 * within) / ((size - 1) * (size - 2))
        without -= 2.0 * (across.sum() - across) / ((size - 1) * len(others))
        variance += (size - 1) / size * float(np.square(without - without.mean()).sum())
    half = _NORMAL * math.sqrt(variance)
    return Estimate(value, value - half, value + half)


def share(hits: int, n: int) -> Estimate:
    """Return the share hits/n with its 95 % interval after E. B. Wilson (1927)."""
    p, z2 = hits / n, _NORMAL**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _NORMAL / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # Rounding must not exclude a share of 0 or 1.
    return Estimate(p, min(max(centre - half, 0.0), p), max(min(centre + half, 1.0), p))


def share_ratio(hits: int, n: int, real_hits: int, real_n: int, tests: int = 1) -> Estimate:
    """Return the ratio of two shares with its 95 % interval, normal in the logarithm (D. Katz et al. 1978).

    Args:
        hits: Hits among the samples.
        n: Number of samples.
        real_hits: Hits among the real ones, at least one.
        real_n: Number of real ones.
        tests: Number of intervals with joint coverage.
    """
    value = (hits / n) / (real_hits / real_n)
    # Half a hit more, so that zero hits have a logarithm.
    some, real = hits + 0.5, real_hits + 0.5
    error = math.sqrt(max(0.0, 1 / some - 1 / (n + 0.5)) + max(0.0, 1 / real - 1 / (real_n + 0.5)))
    reach = NormalDist().inv_cdf(1 - (1 - _LEVEL) / (2 * tests)) * error
    centre = some / (n + 0.5) * (real_n + 0.5) / real
    return Estimate(value, min(value, centre * math.exp(-reach)), max(value, centre * math.exp(reach)))


def _moments(features: Features) -> tuple[Features, Features]:
    return features.mean(axis=0), np.cov(features, rowvar=False)


def _kernel_sums(a: Features, b: Features, width: float) -> tuple[Features, Features]:
    """Return Σ_j k(a_i, b_j) and k(a_i, a_i) for every i, a few rows at a time."""
    features = a.shape[1]
    squares = np.square(a).sum(axis=1)
    parts = []
    for start in range(0, len(a), _ROWS):
        products = a[start : start + _ROWS] @ b.T
        if math.isinf(width):
            parts.append(((products / features + 1.0) ** 3).sum(axis=1))
        else:
            apart = squares[start : start + _ROWS, None] + np.square(b).sum(axis=1) - 2.0 * products
            parts.append(np.exp(-np.clip(apart, 0.0, None) / (2.0 * width**2)).sum(axis=1))
    return np.concatenate(parts), (squares / features + 1.0) ** 3 if math.isinf(width) else np.ones(len(a))
