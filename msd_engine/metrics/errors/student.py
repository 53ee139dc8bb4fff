"""Student's t: how far the mean of a few values may be from the truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean with its interval; infinite where there are too few values for one.

    Attributes:
        mean: The mean.
        low: Lower end.
        high: Upper end.
    """

    mean: float
    low: float
    high: float


def quantile(freedom: int, tests: int = 1) -> float:
    """Return how many standard errors a 95 % interval reaches to each side.

    Args:
        freedom: Degrees of freedom, at least 1.
        tests: How many intervals are to hold the truth together (C. E. Bonferroni).

    Returns:
        The quantile of Student's t.
    """
    # Imported here: it takes a while.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - (1 - _LEVEL) / (2 * tests)))


def interval(values: Sequence[float], tests: int = 1) -> Interval:
    """Return the mean of independent values with its 95 % interval.

    Args:
        values: At least one.
        tests: How many intervals are to hold the truth together.

    Returns:
        The interval, by Student's t; infinite for one value.
    """
    mean, n = float(np.mean(values)), len(values)
    half = quantile(n - 1, tests) * float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return Interval(mean, mean - half, mean + half)
