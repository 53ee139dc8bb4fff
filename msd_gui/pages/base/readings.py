"""How a number of living chains is shown."""

from __future__ import annotations

import math

LEAST_SURVIVAL = 0.98
"""Share of chains that are to live."""
_CHANCE = 0.05
# So many standard deviations above what is expected, nothing need be summed up.
_SURELY = 8.0


def survival_severity(lived: int, count: int) -> str:
    """Return how a number of living chains is shown: as an error where surely fewer than 98 of 100 live.

    Where 98 of 100 live, so few of a sampling do by chance in one of 20 samplings at most.
    """
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
