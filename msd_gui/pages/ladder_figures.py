"""Figures of a geometric ladder and its Langevin steps that follow from the settings alone (theory §3, fact 4; §6)."""

from __future__ import annotations

import math

from msd_engine.specs import SamplingSpec

GOOD_EXCESS = 0.05
"""Excess of s_T²/σ² over its limit that a good choice of T leaves."""


def ladder_ratio(asked: SamplingSpec) -> float:
    """Return γ, the ratio of neighbouring levels of a geometric ladder; 1 for a ladder of one level."""
    if asked.method != "annealed" or asked.levels < 2:
        return 1.0
    return math.exp(math.log(asked.sigma_1 / asked.sigma_L) / (asked.levels - 1))


def overlap(gamma: float, dim: int) -> float:
    """Return NCSNv2's C: the chance that noise of one level lies within three deviations of the next in length."""
    gap = math.sqrt(2 * dim) * (gamma - 1)
    return _normal_cdf(gap + 3 * gamma) - _normal_cdf(gap - 3 * gamma)


def excess(asked: SamplingSpec) -> float:
    """Return how far s_T²/σ² is from its limit 1/(1 − r/2) after the steps of one level."""
    r = asked.step_ratio
    return (1 - r) ** (2 * asked.steps_per_level) * (ladder_ratio(asked) ** 2 - 1 / (1 - r / 2))


def steps_needed(asked: SamplingSpec) -> int:
    """Return the fewest steps per level that leave no more than a good excess."""
    r = asked.step_ratio
    start = abs(ladder_ratio(asked) ** 2 - 1 / (1 - r / 2))
    shrink = abs(1 - r)
    if start <= GOOD_EXCESS or shrink == 0:
        return 1
    return max(1, math.ceil(math.log(GOOD_EXCESS / start) / (2 * math.log(shrink))))


def _normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))
