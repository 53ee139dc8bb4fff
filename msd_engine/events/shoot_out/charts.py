"""Charts of a shoot-out: each measure against the evaluations."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from msd_engine.events.plots import Axis, Curve, Curves
from msd_engine.events.shoot_out.table import EXACT, MEASURES, Measure, ShootOutRow, ShootOutTable

_X = "evaluations of the denoiser for one chain"


def charts(table: ShootOutTable, colours: Sequence[str], exact: str) -> list[Curves]:
    """Return a chart of each measure that the data have, with intervals over seeds.

    Args:
        table: The table.
        colours: Colours of the contenders by number; those beyond repeat them with dashes.
        exact: Colour of exact draws.
    """
    measures: list[Measure] = ["distance", "weight_error"] if table.has_modes else ["distance"]
    return [_chart(table, measure, colours, exact) for measure in measures]


def _chart(table: ShootOutTable, measure: Measure, colours: Sequence[str], exact: str) -> Curves:
    contenders = dict.fromkeys(row.contender for row in table.rows)
    curves = []
    for number in contenders:
        rows = [row for row in table.rows if row.contender == number]
        x, mean, low, high = _columns(rows, measure)
        style = "dash" if number >= len(colours) else "line"
        colour = colours[number % len(colours)]
        curves.append(Curve(rows[0].title, x, mean, colour, style, low, high, dots=True))  # type: ignore[arg-type]
    if table.exact is not None and table.rows:
        x = np.array([min(row.evaluations for row in table.rows), max(row.evaluations for row in table.rows)], float)
        level = np.full(2, table.exact.quality[measure].mean)
        curves.append(Curve(EXACT, x, level, exact, "dotted", across=True))
    ticks = tuple(float(budget) for budget in dict.fromkeys(row.budget for row in table.rows))
    words = MEASURES[measure]
    return Curves(words[0].upper() + words[1:], Axis(_X, log=True, ticks=ticks), Axis(words, log=True), tuple(curves))


def _columns(rows: Sequence[ShootOutRow], measure: Measure) -> tuple[np.ndarray, ...]:
    """Return evaluations, means and the ends of the intervals; without an interval its ends are the mean."""
    found = [row.quality[measure] for row in rows]
    mean = np.array([one.mean for one in found])
    # A logarithmic axis has no room for ends at or below zero.
    low = np.array([one.low if one.low > 0 else one.mean for one in found])
    high = np.array([one.high if math.isfinite(one.high) else one.mean for one in found])
    return np.array([row.evaluations for row in rows], float), mean, low, high
