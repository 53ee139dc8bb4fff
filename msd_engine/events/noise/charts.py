"""Plots of a comparison of white and coloured noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from msd_engine.events.noise.comparison import NOISE_TITLES, Noise, NoiseCurve, NoiseTable, Spread
from msd_engine.events.plots import Axis, Curve, Curves, Key


def by_steps(table: NoiseTable, colours: Mapping[Noise, str]) -> list[Curves]:
    """Return a plot of each figure by the number of steps, for both noises."""
    found = []
    for title, group in groupby(table.rows, key=lambda row: row.title):
        rows = list(group)
        curves = []
        for noise, name in NOISE_TITLES.items():
            spreads: list[Spread] = [getattr(row, noise) for row in rows]
            mean, low, high = (np.array([getattr(one, end) for one in spreads]) for end in ("mean", "low", "high"))
            known = np.isfinite(low) & np.isfinite(high)
            low, high = np.where(known, low, mean), np.where(known, high, mean)
            x = np.array([row.steps for row in rows], np.float64)
            curves.append(Curve(name, x, mean, colours[noise], low=low, high=high, dots=True))
        ticks = tuple(float(row.steps) for row in rows)
        found.append(Curves(title, Axis("steps", log=True, ticks=ticks), Axis(title), tuple(curves)))
    return found


def losses(curves: Sequence[NoiseCurve], colours: Mapping[Noise, str]) -> Curves:
    """Return the plot of the held-out losses of all trainings, a line each."""
    found, named = [], set()
    for (noise, _seed), group in groupby(curves, key=lambda one: (one.noise, one.seed)):
        points = list(group)
        steps, loss = (np.array([getattr(one, name) for one in points], np.float64) for name in ("step", "loss"))
        found.append(Curve(NOISE_TITLES[noise], steps, loss, colours[noise]))
        named.add(noise)
    legend = tuple(Key("line", colours[noise], NOISE_TITLES[noise]) for noise in NOISE_TITLES if noise in named)
    return Curves("Held-out loss", Axis("steps"), Axis("noise that stays", log=True), tuple(found), legend)
