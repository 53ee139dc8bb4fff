"""How a number of living chains is shown."""

from __future__ import annotations

LEAST_SURVIVAL = 0.98
"""Share of chains that are to live."""


def survival_severity(lived: int, count: int) -> str:
    """Return how a number of living chains is shown: as an error where fewer than 98 of 100 have lived."""
    return "error" if lived < LEAST_SURVIVAL * count else ""
