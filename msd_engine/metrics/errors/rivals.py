"""Whether seeds tell the best of several rivals from the others."""

from __future__ import annotations

from collections.abc import Sequence

from msd_engine.metrics.errors.student import interval

_MOST_NAMES = 2


def told_apart(differences: Sequence[float], rivals: int) -> bool:
    """Return whether a rival is worse than the best beyond chance.

    The same values chose the best, so that every pair of rivals may become the one that is compared: the 95 % interval
    of the mean difference has joint coverage over all pairs (C. E. Bonferroni).

    Args:
        differences: The rival's value less that of the best, by seed, at least one; larger is worse.
        rivals: Number of rivals with the best, at least two.
    """
    return interval(differences, rivals * (rivals - 1) // 2).low > 0


def names(titles: Sequence[str]) -> str:
    """Return two titles at most, or how many others there are."""
    return f"{len(titles)} others" if len(titles) > _MOST_NAMES else " and ".join(titles)
