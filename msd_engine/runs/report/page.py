"""Write a comparison of numbers of copies as one self-contained HTML page: charts, table, samples and settings."""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msd_engine.events.sweep import SweepTable, TableRow, moment
from msd_engine.events.verdicts import ALIVE, in_words
from msd_engine.runs.manifest import Manifest
from msd_engine.runs.report.charts import Curve, chart
from msd_engine.runs.report.settings import settings
from msd_engine.runs.report.template import rendered
from msd_engine.specs import SamplingSpec, SweepSpec
from msd_engine.specs.sweep import MODE_TITLES, DrawnSamples, Mode, SweepResult, mode_words


@dataclass(frozen=True, eq=False)
class Grid:
    """Samples of one k in one mode.

    Attributes:
        mode: The mode.
        k: Number of copies.
        png: The picture.
        sampling: Settings of the sampling.
        drawn: Verdicts on their chains.
    """

    mode: Mode
    k: int
    png: bytes
    sampling: SamplingSpec
    drawn: DrawnSamples

    @property
    def base64(self) -> str:
        """The picture as a data URL."""
        return base64.b64encode(self.png).decode()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, from the first chunk of the PNG."""
        width, height = (int.from_bytes(self.png[place : place + 4], "big") for place in (16, 20))
        return width, height

    @property
    def chains(self) -> int:
        """Number of judged chains."""
        return len(self.drawn.verdicts)

    @property
    def lived(self) -> int:
        """Number of surviving chains."""
        return self.drawn.verdicts.count(ALIVE)

    @property
    def dead(self) -> dict[str, int]:
        """Number of lost chains by reason, the most frequent first."""
        return dict(Counter(verdict for verdict in self.drawn.verdicts if verdict != ALIVE).most_common())

    @property
    def dots(self) -> list[tuple[float, float, str]]:
        """Position in the corner of each cell with a dead chain, and the reason."""
        columns = math.ceil(math.sqrt(self.chains)) if self.chains else 1
        side = (self.size[0] + 1) / columns
        return [
            ((place % columns + 1) * side - 8, place // columns * side + 7, verdict)
            for place, verdict in enumerate(self.drawn.verdicts)
            if verdict != ALIVE
        ]

    @property
    def name(self) -> str:
        """Description in a sentence."""
        return f"k = {self.k}" if self.k == 1 else f"k = {self.k} with the {MODE_TITLES[self.mode]}"


@dataclass(frozen=True, eq=False)
class PageContent:
    """Content of the page.

    Attributes:
        spec: The comparison.
        whole: The comparison at full size, whose settings are listed beside.
        budget: One sentence on the budget.
        table: The table with its findings.
        results: Results of the runs.
        curves: Held-out curves.
        grids: Pictures of samples.
        manifests: Manifests of the runs, with their machines.
    """

    spec: SweepSpec
    whole: SweepSpec
    budget: str
    table: SweepTable
    results: Sequence[SweepResult]
    curves: Sequence[Curve]
    grids: Sequence[Grid]
    manifests: Sequence[Manifest]


def page(content: PageContent) -> str:
    """Make the page.

    Args:
        content: The content.

    Returns:
        The HTML text.
    """
    text = rendered(
        "page.html",
        content=content,
        title=content.spec.title or content.spec.base.title,
        findings=(*content.table.findings, *_of_chains(content)),
        errors=[_errors(row, content.grids) for row in content.table.rows],
        chart=lambda name: _svg(chart(name, content.table.rows, content.curves)),
        moment=moment(content.table.rows),
        mode_titles=MODE_TITLES,
        in_words=in_words,
        settings=settings(content.spec, content.whole),
        runs=[_run(result) for result in content.results],
        machines=dict.fromkeys(map(_machine, content.manifests)),
    )
    return text.replace("σ_eff", "σ<sub>eff</sub>")


def _of_chains(content: PageContent) -> list[str]:
    """Describe the survival of the chains, beside the losses in the report."""
    shown = [grid for grid in content.grids if grid.chains]
    if not shown:
        return []
    least, most = (pick(shown, key=_survival) for pick in (min, max))
    total, grey = sum(grid.chains for grid in shown), sum(grid.dead.get("monochrome", 0) for grid in shown)
    sentence = f"Of {total:,} chains {sum(grid.lived for grid in shown):,} survived"
    if _survival(least) < _survival(most):
        fewest, best = (f"({_percent(_survival(grid))}) for {grid.name}" for grid in (least, most))
        sentence += f", fewest {fewest} and most {best}"
    sentence += f"; {f'{grey:,}' if grey else 'none'} ended in one colour"
    if content.spec.base.data.name == "cifar-10":
        most_did = "as most did in the report" if 2 * grey > total else "where most did in the report"
        sentence += f", {most_did}"
    return [f"{sentence}."]


def _survival(grid: Grid) -> float:
    return grid.lived / grid.chains


def _svg(picture: bytes) -> str:
    text = picture.decode()
    return text[text.index("<svg") :]


def _errors(row: TableRow, grids: Sequence[Grid]) -> tuple[Any, ...]:
    """Return the cells of one mode and k in the table of errors."""
    shown = [grid for grid in grids if grid.chains and (grid.mode, grid.k) == (row.mode, row.k)]
    return (
        mode_words(row.mode, row.fusion), row.k, row.seeds, row.steps_in_words, _spread(row.error, row.spread),
        _spread(row.ratio, row.ratio_spread), *(_number(value) for value in (row.floor, row.floor_ratio)),
        *(_number(value) for value in (row.reported, row.reported_ratio)),
        _percent(_survival(shown[-1])) if shown else "–",
    )  # fmt: skip


def _run(result: SweepResult) -> tuple[Any, ...]:
    error = math.nan if result.error is None else result.error
    return result.name, result.step, _number(result.elapsed_s, 1), _number(error), result.text


def _machine(manifest: Manifest) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    return f"{manifest.device}, {manifest.threads} threads; {versions}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _spread(value: float, spread: float) -> str:
    return _number(value) if math.isnan(spread) else f"{_number(value)} ± {_number(spread)}"


def _number(value: float, digits: int = 3) -> str:
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"
