"""The verdict on a shoot-out: which sampler is best at the largest budget, and whether chance can tell."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msd_engine.events.shoot_out.table import ShootOutRow
from msd_engine.metrics.errors.student import interval

_MOST_NAMES = 2


def verdict(rows: Sequence[ShootOutRow], exact: ShootOutRow) -> str:
    """Return one sentence; empty where nothing is measured.

    The best has the least mean distance to the data at the largest budget. Others count as alike if the interval of
    the difference of the distances, seed by seed, holds 0, with joint coverage of 95 % over the others.

    Args:
        rows: The table.
        exact: The row of exact draws.
    """
    budget = max((row.budget for row in rows), default=0)
    known = [row for row in rows if row.budget == budget and math.isfinite(row.quality["distance"].mean)]
    if not known:
        return ""
    best, *others = sorted(known, key=lambda row: row.quality["distance"].mean)
    seeds = len(best.by_seed["distance"])
    found, truth = best.quality["distance"], exact.quality["distance"]
    sentence = (
        f"With {budget:,} evaluations {best.title} is nearest to the data: sliced Wasserstein distance {found.words}, "
        f"exact draws {truth.words}"
    )
    if not others:
        return f"{sentence}."
    if seeds < 2:
        return f"{sentence}; one seed alone gives no interval: add seeds."
    alike = [row for row in others if _gap(best, row, len(others)) <= 0]
    if not alike:
        return f"{sentence}; its lead over all others is beyond the 95 % intervals of {seeds} seeds."
    return f"{sentence}; {seeds} seeds do not tell {_names(alike)} from it."


def _gap(best: ShootOutRow, other: ShootOutRow, tests: int) -> float:
    """Return the lower end of the interval of the difference of two distances, seed by seed."""
    ours, theirs = best.by_seed["distance"], other.by_seed["distance"]
    return interval([theirs[seed] - ours[seed] for seed in ours if seed in theirs], tests).low


def _names(rows: Sequence[ShootOutRow]) -> str:
    titles = [row.title for row in rows]
    return f"{len(titles)} others" if len(titles) > _MOST_NAMES else " and ".join(titles)
