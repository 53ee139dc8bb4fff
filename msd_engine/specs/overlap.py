"""How far the draws of two neighbouring levels meet, two ways (NCSNv2, arXiv:2006.09011, technique 2; theory §6).

A draw at noise σ lies at the distance σχ_d from its datum, nearly always in the shell σ(√d ± 3/√2). *Down*: NCSNv2's C,
the share of a level's draws in the shell of the level above, with the paper's normal law N(√d, 1/2) of χ_d (d = 64,
γ = 1.3: .69; .67 by the exact law). *Up*: the share of a level's draws in the shell of the level below, which is
smaller (.40), by the exact law. In few dimensions the shell is a ball that holds every smaller draw: for d ≤ 4 C is
above .99 for every γ and says nothing; the share up does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

_LARGEST_RATIO = 100.0
_NORMAL = NormalDist()


def down(ratio: float, dim: int) -> float:
    """Return NCSNv2's C: the share of a level's draws in the shell of the level above, whose radii are taken as normal.

    Args:
        ratio: γ = σ_i/σ_{i+1}, at least 1.
        dim: Numbers d in one datum.

    Returns:
        Φ(√(2d) (γ − 1) + 3γ) − Φ(√(2d) (γ − 1) − 3γ).
    """
    apart = math.sqrt(2 * dim) * (ratio - 1)
    return _NORMAL.cdf(apart + 3 * ratio) - _NORMAL.cdf(apart - 3 * ratio)


def up(ratio: float, dim: int) -> float:
    """Return the share of a level's draws in the shell of the level below, by the exact law of their radii.

    Args:
        ratio: γ = σ_i/σ_{i+1}, at least 1.
        dim: Numbers d in one datum.

    Returns:
        P(|γ χ_d − √d| < 3/√2).
    """
    inner, outer = max(0.0, math.sqrt(dim) - 3 / math.sqrt(2)), math.sqrt(dim) + 3 / math.sqrt(2)
    return _beyond(inner / ratio, dim) - _beyond(outer / ratio, dim)


def largest_ratio(share_at: Callable[[float, int], float], share: float, dim: int) -> float:
    """Return the largest ratio of neighbouring levels at which a share of draws is still reached.

    Args:
        share_at: `down` or `up`.
        share: The share, in (0, 1).
        dim: Numbers in one datum.

    Returns:
        The ratio, more than 1; 100 where the share is reached at any.
    """
    low, high = 0.0, math.log(_LARGEST_RATIO)
    if share_at(_LARGEST_RATIO, dim) > share:
        return _LARGEST_RATIO
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if share_at(math.exp(middle), dim) > share else (low, middle)
    return math.exp(low)


def _beyond(radius: float, dim: int) -> float:
    """Return P(χ_d > radius), a finite sum for a whole d: Q(a + 1, x) = Q(a, x) + xᵃ e⁻ˣ/Γ(a + 1), x = radius²/2."""
    if radius <= 0:
        return 1.0
    x = radius**2 / 2
    powers, log_factorials = _terms(dim)
    rest = math.erfc(math.sqrt(x)) if dim % 2 else 0.0
    return rest + float(np.exp(powers * math.log(x) - x - log_factorials).sum())


@cache
def _terms(dim: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    powers = np.arange(dim // 2, dtype=np.float64) + dim % 2 / 2
    return powers, np.array([math.lgamma(power + 1) for power in powers])
