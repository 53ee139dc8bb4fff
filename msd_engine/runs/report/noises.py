"""Write a comparison of white and coloured noise as one self-contained HTML page."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from msd_engine.events.noise import NOISE_TITLES, NoiseCurve, NoiseRow, NoiseTable
from msd_engine.events.noise.charts import by_steps, losses
from msd_engine.events.plots import Curves
from msd_engine.runs.report.charts import svg_of
from msd_engine.runs.report.settings import Line, listed, settings_of
from msd_engine.runs.report.template import rendered
from msd_engine.specs import ExperimentSpec
from msd_engine.specs.reproduction import Noise, NoisesSpec

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
    plan = content.plan
    compared = [
        Line("seeds", "Seeds", listed(plan.seeds), "", ""),
        Line("steps", "Steps of a chain", listed(plan.steps), listed((1000, 100, 50, 20, 10)), ""),
        Line("chains", "Samples", f"{plan.chains:,}", "50,000", ""),
    ]
    return rendered(
        "noises.html",
        content=content,
        titles=NOISE_TITLES,
        groups=[
            (title, [_cells(row) for row in rows])
            for title, rows in groupby(content.table.rows, key=lambda row: row.title)
        ],
        pictures={key: base64.b64encode(png).decode() for key, png in content.grids.items()},
        charts=[
            ("Figures by steps, mean and 95 % interval over seeds.", svg_of(by_steps(content.table, COLOURS))),
            (
                "Share of the noise that stays on held-out images, by training step.",
                svg_of([losses(content.curves, COLOURS)]),
            ),
            ("Power of data and noise by spatial frequency.", svg_of([content.spectra])),
        ],
        settings=[("Comparison", compared), *settings_of(plan.base, content.whole)],
    )


def _cells(row: NoiseRow) -> tuple[str, ...]:
    published = ["" if math.isnan(value) else f"{value:.2f}" for value in row.published]
    return (f"{row.steps}", *(one.words for one in (row.white, row.coloured, row.gap)), *published)
