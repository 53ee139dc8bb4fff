"""Student's t: intervals for the mean of a few values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean with its interval; infinite for a single value.

    Attributes:
        mean: The mean.
        low: Lower end.
        high: Upper end.
    """

    mean: float
    low: float
    high: float


def quantile(freedom: int, tests: int = 1) -> float:
    """Return the half width of a 95 % interval in standard errors, by Student's t.

    Args:
        freedom: Degrees of freedom, at least 1.
        tests: Number of intervals with joint coverage (C. E. Bonferroni).
    """
    # Imported here: the import is slow.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - (1 - _LEVEL) / (2 * tests)))


def interval(values: Sequence[float], tests: int = 1) -> Interval:
    """Return the mean of independent values with its 95 % interval by Student's t; infinite for one value.

    Args:
        values: At least one.
        tests: Number of intervals with joint coverage.
    """
    mean, n = float(np.mean(values)), len(values)
    half = quantile(n - 1, tests) * float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return Interval(mean, mean - half, mean + half)
