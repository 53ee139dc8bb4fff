"""The verdict on a shoot-out: which sampler is best at the largest budget, and whether chance can tell."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msd_engine.events.shoot_out.table import ShootOutRow
from msd_engine.metrics.errors.rivals import names, told_apart


def verdict(rows: Sequence[ShootOutRow], exact: ShootOutRow) -> str:
    """Return one sentence; empty where nothing is measured.

    The best has the least mean distance to the data at the largest budget. Others count as alike if the differences of
    the distances, seed by seed, do not tell them apart from it.

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
    alike = [row.title for row in others if not told_apart(_gaps(best, row), len(known))]
    if not alike:
        return f"{sentence}; its lead over all others is beyond the 95 % intervals of {seeds} seeds."
    return f"{sentence}; {seeds} seeds do not tell {names(alike)} from it."


def _gaps(best: ShootOutRow, other: ShootOutRow) -> list[float]:
    """Return the differences of two distances, seed by seed."""
    ours, theirs = best.by_seed["distance"], other.by_seed["distance"]
    return [theirs[seed] - ours[seed] for seed in ours if seed in theirs]
