"""Write a comparison of white and coloured noise as one self-contained HTML page."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from msd_engine.events import plots
from msd_engine.events.noise import NoiseCurve, NoiseRow, NoiseTable, Spread
from msd_engine.events.plots import Axis, Curves
from msd_engine.runs.report.charts import svg_of
from msd_engine.runs.report.settings import Line, listed, settings_of
from msd_engine.specs import ExperimentSpec
from msd_engine.specs.reproduction import NOISE_TITLES, Noise, NoisesSpec

COLOURS: dict[Noise, str] = {"white": "#0072b2", "coloured": "#d55e00"}


@dataclass(frozen=True, eq=False)
class NoisePage:
    """Content of the page.

    Attributes:
        plan: The comparison.
        whole: The experiment of the paper, whose settings are listed beside.
        budget: One sentence on the budget.
        table: The table with its finding.
        curves: Measurements of the trainings.
        grids: PNG pictures of the samples of the first seed, by noise and number of steps.
        spectra: Spectra of the data and of both noises.
        machine: The machine.
    """

    plan: NoisesSpec
    whole: ExperimentSpec
    budget: str
    table: NoiseTable
    curves: Sequence[NoiseCurve]
    grids: Mapping[tuple[Noise, int], bytes]
    spectra: Curves
    machine: str


def noise_page(content: NoisePage) -> str:
    """Return the HTML text of the page."""
    environment = Environment(loader=PackageLoader(__package__, "."), autoescape=True, undefined=StrictUndefined)
    plan = content.plan
    compared = [
        Line("seeds", "Seeds", listed(plan.seeds), "", ""),
        Line("steps", "Steps of a chain", listed(plan.steps), listed((1000, 100, 50, 20, 10)), ""),
        Line("chains", "Samples", f"{plan.chains:,}", "50,000", ""),
    ]
    text = environment.get_template("noises.html").render(
        content=content,
        titles=NOISE_TITLES,
        groups=[
            (title, [_cells(row) for row in rows])
            for title, rows in groupby(content.table.rows, key=lambda row: row.title)
        ],
        pictures={key: base64.b64encode(png).decode() for key, png in content.grids.items()},
        charts=[
            ("Distances and shares by steps, mean and 95 % interval over seeds.", svg_of(by_steps(content.table))),
            ("Share of the noise that stays on held-out images, by training step.", svg_of([losses(content.curves)])),
            ("Power of data and noise by spatial frequency.", svg_of([content.spectra])),
        ],
        settings=[("Comparison", compared), *settings_of(plan.base, content.whole)],
    )
    return text + "\n"


def by_steps(table: NoiseTable) -> list[Curves]:
    """Return a plot of each figure by the number of steps, for both noises."""
    found = []
    for title, group in groupby(table.rows, key=lambda row: row.title):
        rows = list(group)
        curves = []
        for noise, name in NOISE_TITLES.items():
            spreads: list[Spread] = [getattr(row, noise) for row in rows]
            mean, low, high = (np.array([getattr(one, end) for one in spreads]) for end in ("mean", "low", "high"))
            known = np.isfinite(low) & np.isfinite(high)
            ends = {"low": np.where(known, low, mean), "high": np.where(known, high, mean)}
            x = np.array([row.steps for row in rows], np.float64)
            curves.append(plots.Curve(name, x, mean, COLOURS[noise], dots=True, **ends))
        ticks = tuple(float(row.steps) for row in rows)
        found.append(Curves(title, Axis("steps", log=True, ticks=ticks), Axis(title), tuple(curves)))
    return found


def losses(curves: Sequence[NoiseCurve]) -> Curves:
    """Return the plot of the held-out losses of all trainings, a line each."""
    found, named = [], set()
    for (noise, _seed), group in groupby(curves, key=lambda one: (one.noise, one.seed)):
        points = list(group)
        steps, loss = (np.array([getattr(one, name) for one in points], np.float64) for name in ("step", "loss"))
        found.append(plots.Curve(NOISE_TITLES[noise], steps, loss, COLOURS[noise]))
        named.add(noise)
    legend = tuple(plots.Key("line", COLOURS[noise], NOISE_TITLES[noise]) for noise in NOISE_TITLES if noise in named)
    return Curves("Held-out loss", Axis("steps"), Axis("share of the noise that stays", log=True), tuple(found), legend)


def _cells(row: NoiseRow) -> tuple[str, ...]:
    published = ["" if math.isnan(value) else f"{value:.2f}" for value in row.published]
    return (f"{row.steps}", *(spread_words(one) for one in (row.white, row.coloured, row.gap)), *published)


def spread_words(spread: Spread) -> str:
    """Return a mean with its interval in words."""
    if not spread.seeds:
        return "–"
    if math.isinf(spread.high):
        return f"{spread.mean:.3g}"
    return f"{spread.mean:.3g} ({spread.low:.3g} to {spread.high:.3g})"
