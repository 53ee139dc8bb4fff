"""A comparison of numbers of copies as one HTML page that needs no other file: charts, table, samples and settings."""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from msd_engine.events.sweep import SweepTable, TableRow
from msd_engine.events.verdicts import ALIVE, in_words
from msd_engine.runs.manifest import Manifest
from msd_engine.runs.report.charts import Curve, chart
from msd_engine.runs.report.settings import settings_table
from msd_engine.specs import SamplingSpec, SweepSpec
from msd_engine.specs.sweep import MODE_TITLES, DrawnSamples, Mode, SweepResult

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2125; background: #fff; max-width: 68rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #e2e5e9; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; }
.finding { border-left: 4px solid #0072b2; padding: .3rem .9rem; margin: .6rem 0; background: #f3f7fa; }
.changed td { background: #fff6e5; } .note { color: #5a636b; font-size: .9rem; }
.grids { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; }
.grids figure { max-width: 12.3rem; } figcaption { margin-top: .3rem; }
figcaption { font-size: .85rem; color: #5a636b; }
.grids img { width: 12.3rem; image-rendering: pixelated; display: block; } svg { max-width: 100%; height: auto; }
.marked { position: relative; } .marked svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.marked circle { fill: #d55e00; stroke: #fff; stroke-width: 1; }
.wide { overflow-x: auto; } .unit { text-align: left !important; color: #5a636b; }
.settings th.part { padding-top: 1rem; color: #0072b2; } .settings td:first-child code { color: #5a636b; }
code { font-size: .85em; } sub { line-height: 0; } h3 { font-size: 1rem; margin-bottom: .4rem; }
"""


@dataclass(frozen=True, eq=False)
class Grid:
    """Samples of one k in one mode.

    Attributes:
        mode: The mode.
        k: Number of copies.
        png: The picture.
        sampling: What they were drawn with.
        drawn: How their chains ended.
    """

    mode: Mode
    k: int
    png: bytes
    sampling: SamplingSpec
    drawn: DrawnSamples


@dataclass(frozen=True, eq=False)
class PageContent:
    """What stands on the page.

    Attributes:
        spec: The comparison.
        whole: The comparison at full size, whose settings stand beside.
        budget: One sentence on the budget.
        table: The table with its findings.
        results: How each run ended.
        curves: Held-out curves.
        grids: Pictures of samples.
        manifests: What each run says of the machine that it was made on.
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
        content: What stands on it.

    Returns:
        The HTML text.
    """
    title = content.spec.title or content.spec.base.title
    table = content.table
    unit = (
        "Errors are the mean over held-out images and over the law of σ of ‖x̂ − x‖², summed over the pixels of images "
        "in [−1, 1]; the report does not say its unit, so compare ratios."
    )
    floor = (
        "Exact: the least possible error, that of the exact posterior mean — for images that over the training images, "
        "measured on training images, which no network that generalises can reach at small noise."
    )
    claim = (
        "<b>The report’s claim:</b> the more noisy copies k of an image a denoiser sees, the smaller its error "
        "(Table 1, figures 4 and 6), with the same noise σ on each copy."
    )
    parts = [
        f"<h1>{escape(title)}</h1><p class=note>{escape(content.budget)} {table.done} of {table.total} runs done.</p>",
        f"<p>{claim}</p>",
        *(f"<p class=finding>{escape(sentence)}</p>" for sentence in (*table.findings, *_of_chains(content))),
        "<h2>Final errors</h2>" + _results_table(table.rows, content.grids),
        f"<p class=note>{escape(unit)} {escape(floor)} ± is the standard deviation over seeds. Yield: share of the "
        "chains below that lived.</p>",
        _chart("errors", content, "Final error against k, and its ratio to that of k = 1. Both axes of the first chart "
               "and that of k are logarithmic."),
    ]  # fmt: skip
    if content.curves:
        caption = (
            "Held-out error of every run against steps and against time; time is what a larger k costs. Between two "
            "points no measurement was made."
        )
        parts.append("<h2>As training went on</h2>" + _chart("curves", content, caption))
    caption = (
        "Final error in bands of σ_eff = σ/√k, the noise of the mean of the copies, and dotted that of the exact "
        "posterior mean over the training images. Where the lines of all k lie on each other, k matters through σ/√k "
        "alone."
    )
    parts += [
        "<h2>By noise</h2>" + _chart("bands", content, caption),
        _grids(content.grids),
        "<h2>Every setting</h2>" + settings_table(content.spec, content.whole),
        "<h2>Every run</h2>" + _runs(content),
    ]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    body = "\n".join(part for part in parts if part)
    body = body.replace("σ_eff", "σ<sub>eff</sub>")
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )


def _of_chains(content: PageContent) -> list[str]:
    """Say how many chains lived, and what became of the report's complaint."""
    shown = [grid for grid in content.grids if grid.drawn.verdicts]
    if not shown:
        return []
    survival = {grid: _lived(grid.drawn) / len(grid.drawn.verdicts) for grid in shown}
    least, most = (pick(shown, key=survival.__getitem__) for pick in (min, max))
    total, grey = (sum(count(grid) for grid in shown) for count in (_chains, _monochrome))
    sentence = f"Of {total:,} chains {sum(_lived(grid.drawn) for grid in shown):,} lived"
    if survival[least] < survival[most]:
        fewest, best = (f"({_percent(survival[grid])}) for {_named(grid)}" for grid in (least, most))
        sentence += f", fewest {fewest} and most {best}"
    sentence += f"; {f'{grey:,}' if grey else 'none'} ended in one colour"
    if content.spec.base.data.name == "cifar-10":
        most_did = "as most did in the report" if 2 * grey > total else "where most did in the report"
        sentence += f", {most_did}"
    return [f"{sentence}."]


def _chains(grid: Grid) -> int:
    return len(grid.drawn.verdicts)


def _monochrome(grid: Grid) -> int:
    return _dead(grid.drawn).get("monochrome", 0)


def _named(grid: Grid) -> str:
    return f"k = {grid.k}" if grid.k == 1 else f"k = {grid.k} with the {MODE_TITLES[grid.mode]}"


def _chart(name: str, content: PageContent, caption: str) -> str:
    text = chart(name, content.table.rows, content.curves).decode()
    return f"<figure>{text[text.index('<svg') :]}<figcaption>{escape(caption)}</figcaption></figure>"


def _results_table(rows: Sequence[TableRow], grids: Sequence[Grid]) -> str:
    head = ("mode", "k", "seeds", "steps", "error", "ratio k/1", "exact", "exact k/1", "report", "report k/1", "yield")
    found = {(grid.mode, grid.k): grid.drawn for grid in grids if grid.drawn.verdicts}
    lines = []
    for row in rows:
        drawn = found.get((row.mode, row.k))
        cells = (
            MODE_TITLES[row.mode], row.k, row.seeds, _number(row.steps, 0), _spread(row.error, row.spread),
            _spread(row.ratio, row.ratio_spread), *(_number(value) for value in (row.floor, row.floor_ratio)),
            *(_number(value) for value in (row.reported, row.reported_ratio)),
            "–" if drawn is None else _percent(_lived(drawn) / len(drawn.verdicts)),
        )  # fmt: skip
        lines.append(cells)
    return _table(head, lines)


def _grids(grids: Sequence[Grid]) -> str:
    if not grids:
        return ""
    text = "<h2>Samples</h2>"
    for mode in dict.fromkeys(grid.mode for grid in grids):
        text += f"<h3>{escape(MODE_TITLES[mode][:1].upper() + MODE_TITLES[mode][1:])}</h3><div class=grids>"
        text += "".join(_grid(grid) for grid in grids if grid.mode == mode) + "</div>"
    drawn = grids[0].drawn
    how = (
        f"off the data in the eyes of {drawn.features}"
        if drawn.features
        else f"— which was not asked here — off the data. {drawn.left_out}"
    )
    note = (
        "All drawn from the run of the first seed, with the same chain seed. A chain has lived that is neither blown "
        f"up, nor monochrome, nor saturated, nor {how.rstrip('.')}. A dot marks a dead one; it tells the reason under "
        "the mouse."
    )
    return text + f"<p class=note>{escape(note)}</p>"


def _grid(grid: Grid) -> str:
    sampling, drawn = grid.sampling, grid.drawn
    lines = [f"<b>k = {grid.k}</b>"]
    if drawn.verdicts:
        lines[0] += f": {_lived(drawn)} of {len(drawn.verdicts)} lived"
        lines += [in_words(_dead(drawn))] if _dead(drawn) else []
    lines.append(
        f"σ {sampling.sigma_1:.4g} → {sampling.sigma_L:.3g}, "
        f"{sampling.levels} levels × {sampling.steps_per_level} steps"
    )
    lines.append(f"r = {sampling.step_ratio:.3g}, ε = {sampling.epsilon:.3g}")
    data = base64.b64encode(grid.png).decode()
    image = f'<img alt="samples for k = {grid.k}" src="data:image/png;base64,{data}">'
    return (
        f"<figure><div class=marked>{image}{_marks(grid)}</div><figcaption>{'<br>'.join(lines)}</figcaption></figure>"
    )


def _lived(drawn: DrawnSamples) -> int:
    return drawn.verdicts.count(ALIVE)


def _dead(drawn: DrawnSamples) -> dict[str, int]:
    """Return how many chains were lost to each reason, the commonest first."""
    return dict(Counter(verdict for verdict in drawn.verdicts if verdict != ALIVE).most_common())


def _marks(grid: Grid) -> str:
    """Return a dot in the corner of each cell whose chain died, which tells the reason under the mouse."""
    # Width and height stand in the first chunk of a PNG.
    width, height = (int.from_bytes(grid.png[place : place + 4], "big") for place in (16, 20))
    verdicts = grid.drawn.verdicts
    columns = math.ceil(math.sqrt(len(verdicts))) if verdicts else 1
    side = (width + 1) / columns
    marks = [
        f'<circle cx="{(place % columns + 1) * side - 8:g}" cy="{place // columns * side + 7:g}" r="5">'
        f"<title>{escape(verdict)}</title></circle>"
        for place, verdict in enumerate(verdicts)
        if verdict != ALIVE
    ]
    return f'<svg viewBox="0 0 {width} {height}">{"".join(marks)}</svg>' if marks else ""


def _runs(content: PageContent) -> str:
    lines = []
    for result in content.results:
        error = math.nan if result.error is None else result.error
        lines.append((result.name, result.step, _number(result.elapsed_s, 1), _number(error), result.text))
    machines = dict.fromkeys(
        f"{manifest.device}, {manifest.threads} threads; "
        + ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
        for manifest in content.manifests
    )
    made = "".join(f"<p class=note>Made on {escape(machine)}.</p>" for machine in machines)
    return _table(("run", "steps", "seconds", "error", "outcome"), lines) + made


def _table(head: Iterable[str], lines: Iterable[Iterable[Any]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in line) + "</tr>" for line in lines)
    return f"<div class=wide><table><tr>{top}</tr>{body}</table></div>"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _spread(value: float, spread: float) -> str:
    return _number(value) if math.isnan(spread) else f"{_number(value)} ± {_number(spread)}"


def _number(value: float, digits: int = 3) -> str:
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"
