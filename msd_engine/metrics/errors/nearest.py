"""The verdict on a comparison of objectives: which score is nearest to the truth, where, and at what cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msd_engine.events.scores.table import PLACE_WORDS, ScoreRow, Spread
from msd_engine.metrics.errors.rivals import names, told_apart


def verdict(rows: Sequence[ScoreRow]) -> str:
    """Return one sentence on the rivals, which are not told the truth; empty where none is measured.

    At each place the nearest is the one with the least mean error. Others count as alike if the logarithms of
    the ratios of the errors, seed by seed, do not tell them apart from it.

    Args:
        rows: The table.
    """
    rivals = [row for row in rows if not row.uses_exact] or list(rows)
    found = {place: _nearest(rivals, place) for place in PLACE_WORDS}
    first = found.pop("data")
    if not first:
        return ""
    best, *alike = first
    seeds = len(best.by_seed["data"])
    sentence = f"Where the data are, {best.title} is nearest to the exact score (error {_figure(best.errors['data'])})"
    sentence += f" at {best.step_ms:.2g} ms a step"
    if alike:
        sentence += f", but {seeds} seeds do not tell {names([row.title for row in alike])} from it"
    elif seeds == 1 and len(rivals) > 1:
        sentence += ", by one seed alone"
    rest = [f"{PLACE_WORDS[place]} {_brief(rows, place)}" for place, rows in found.items() if rows]
    return f"{sentence}; {', '.join(rest)}." if rest else f"{sentence}."


def _nearest(rivals: Sequence[ScoreRow], place: str) -> list[ScoreRow]:
    """Return the rival with the least mean error at a place, and those that the seeds do not tell apart from it."""
    known = sorted(
        (row for row in rivals if math.isfinite(row.errors[place].mean)), key=lambda row: row.errors[place].mean
    )
    if not known:
        return []
    best, *others = known
    return [best, *(row for row in others if _alike(best, row, place, len(known)))]


def _alike(best: ScoreRow, other: ScoreRow, place: str, rivals: int) -> bool:
    """Return whether several seeds leave open which of two is nearer; one seed says nothing about chance."""
    ours, theirs = best.by_seed[place], other.by_seed[place]
    shared = [seed for seed in ours if seed in theirs]
    if len(shared) < 2:
        return False
    return not told_apart([math.log(theirs[seed] / ours[seed]) for seed in shared], rivals)


def _brief(rows: Sequence[ScoreRow], place: str) -> str:
    alike = f"; {len(rows) - 1} alike" if len(rows) > 1 else ""
    return f"{rows[0].title} ({rows[0].errors[place].mean:.3f}{alike})"


def _figure(spread: Spread) -> str:
    interval_words = f", 95 % {spread.low:.3f} to {spread.high:.3f}" if math.isfinite(spread.high) else ""
    return f"{spread.mean:.3f}{interval_words}"
