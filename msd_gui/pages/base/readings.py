"""Severity of the number of surviving chains."""

from __future__ import annotations

import math

LEAST_SURVIVAL = 0.98
"""Least expected share of surviving chains."""
_CHANCE = 0.05
# Beyond so many standard deviations the binomial sum is not needed.
_SURELY = 8.0


def survival_severity(lived: int, count: int) -> str:
    """Return ``error`` if significantly fewer than 98 % of the chains survived (one-sided level 5 %), else empty."""
    dead, share = count - lived, 1 - LEAST_SURVIVAL
    expected = count * share
    if dead <= expected:
        return ""
    if dead > expected + _SURELY * math.sqrt(expected * LEAST_SURVIVAL) + 1:
        return "error"
    fewer = sum(
        math.exp(
            math.lgamma(count + 1)
            - math.lgamma(n + 1)
            - math.lgamma(count - n + 1)
            + n * math.log(share)
            + (count - n) * math.log(LEAST_SURVIVAL)
        )
        for n in range(dead)
    )
    return "error" if 1 - fewer <= _CHANCE else ""
