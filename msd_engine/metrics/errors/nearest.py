"""The verdict on a comparison of objectives: which score is nearest to the truth, where, and at what cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msd_engine.events.scores.table import PLACE_WORDS, ScoreRow, Spread
from msd_engine.metrics.errors.student import interval

_MOST_NAMES = 2


def verdict(rows: Sequence[ScoreRow]) -> str:
    """Return one sentence on the rivals, which are not told the truth; empty where none is measured.

    At each place the nearest is the one with the least mean error. Others count as alike if the interval of the
    logarithm of the ratio of the errors, seed by seed, holds 0, with joint coverage of 95 % over the rivals.

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
        sentence += f", but {seeds} seeds do not tell {_names(alike)} from it"
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
    return [best, *(row for row in others if _alike(best, row, place, len(others)))]


def _alike(best: ScoreRow, other: ScoreRow, place: str, tests: int) -> bool:
    """Return whether several seeds leave open which of two is nearer; one seed says nothing about chance."""
    ours, theirs = best.by_seed[place], other.by_seed[place]
    shared = [seed for seed in ours if seed in theirs]
    if len(shared) < 2:
        return False
    return interval([math.log(theirs[seed] / ours[seed]) for seed in shared], tests).low <= 0


def _names(rows: Sequence[ScoreRow]) -> str:
    titles = [row.title for row in rows]
    if len(titles) > _MOST_NAMES:
        return f"{len(titles)} others"
    return " and ".join(titles)


def _brief(rows: Sequence[ScoreRow], place: str) -> str:
    alike = f"; {len(rows) - 1} alike" if len(rows) > 1 else ""
    return f"{rows[0].title} ({rows[0].errors[place].mean:.3f}{alike})"


def _figure(spread: Spread) -> str:
    interval_words = f", 95 % {spread.low:.3f} to {spread.high:.3f}" if math.isfinite(spread.high) else ""
    return f"{spread.mean:.3f}{interval_words}"
