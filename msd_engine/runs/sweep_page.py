"""A comparison of numbers of copies as one HTML page that needs no other file: charts, table, samples and settings."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from msd_engine.events.sweep import SweepTable, TableRow
from msd_engine.runs.manifest import Manifest
from msd_engine.runs.sweep_charts import Curve, chart
from msd_engine.specs import Spec, SweepSpec, declarations
from msd_engine.specs.sweep import MODE_TITLES, SweepResult

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2125; background: #fff; max-width: 68rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #e2e5e9; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; }
.finding { border-left: 4px solid #0072b2; padding: .3rem .9rem; margin: .6rem 0; background: #f3f7fa; }
.changed td { background: #fff6e5; } .note { color: #5a636b; font-size: .9rem; }
.grids { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; max-width: 12.3rem; }
figcaption { font-size: .85rem; color: #5a636b; }
figure img { width: 12.3rem; image-rendering: pixelated; display: block; } svg { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
"""


@dataclass(frozen=True, eq=False)
class Grid:
    """Samples of one run.

    Attributes:
        mode: The mode.
        k: Number of copies.
        png: The picture.
        caption: One line below it.
    """

    mode: str
    k: int
    png: bytes
    caption: str


@dataclass(frozen=True, eq=False)
class PageContent:
    """What stands on the page.

    Attributes:
        spec: The comparison.
        whole: The comparison at full size, whose settings stand beside.
        budget: One sentence on the budget.
        told: The table with its findings.
        results: How each run ended.
        curves: Held-out curves.
        grids: Pictures of samples.
        manifests: What each run says of the machine that it was made on.
    """

    spec: SweepSpec
    whole: SweepSpec
    budget: str
    told: SweepTable
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
    told = content.told
    unit = "Errors are sums over the pixels of images in [−1, 1]; the report does not say its unit, so compare ratios."
    floor = (
        "Exact: the least possible error, that of the exact posterior mean — for images that over the training images, "
        "measured on training images, which no network that generalises can reach at small noise."
    )
    parts = [
        f"<h1>{escape(title)}</h1><p class=note>{escape(content.budget)} {told.done} of {told.total} runs done.</p>",
        *(f"<p class=finding>{escape(sentence)}</p>" for sentence in told.findings),
        "<h2>Final errors</h2>" + _results_table(told.rows),
        f"<p class=note>{escape(unit)} {escape(floor)} ± is the standard deviation over seeds.</p>",
        _svg("errors", content),
        "<h2>As training went on</h2>" + _svg("curves", content) if content.curves else "",
        "<h2>By noise</h2>" + _svg("bands", content),
        _grids(content.grids),
        "<h2>Every setting</h2>" + _settings(content.spec, content.whole),
        "<h2>Every run</h2>" + _runs(content),
    ]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )


def _svg(name: str, content: PageContent) -> str:
    text = chart(name, content.told.rows, content.curves).decode()
    return text[text.index("<svg") :]


def _results_table(rows: Sequence[TableRow]) -> str:
    head = ("mode", "k", "seeds", "steps", "error", "ratio k/1", "exact", "exact k/1", "report", "report k/1")
    lines = []
    for row in rows:
        cells = (
            MODE_TITLES[row.mode], row.k, row.seeds, _number(row.steps, 0), _spread(row.error, row.spread),
            _spread(row.ratio, row.ratio_spread), *(_number(value) for value in (row.floor, row.floor_ratio)),
            *(_number(value) for value in (row.reported, row.reported_ratio)),
        )  # fmt: skip
        lines.append(cells)
    return _table(head, lines)


def _grids(grids: Sequence[Grid]) -> str:
    if not grids:
        return ""
    text = "<h2>Samples</h2>"
    for mode in dict.fromkeys(grid.mode for grid in grids):
        text += f"<h3>{escape(MODE_TITLES[mode])}</h3><div class=grids>"  # type: ignore[index]
        for grid in grids:
            if grid.mode == mode:
                data = base64.b64encode(grid.png).decode()
                image = f'<img alt="samples for k = {grid.k}" src="data:image/png;base64,{data}">'
                text += f"<figure>{image}<figcaption>{escape(grid.caption)}</figcaption></figure>"
        text += "</div>"
    return text


def _settings(spec: SweepSpec, whole: SweepSpec) -> str:
    head = "<tr><th>setting</th><th>here</th><th>the report</th><th>unit</th></tr>"
    lines = []
    lists = (("k", spec.ks, whole.ks), ("seeds", spec.seeds, whole.seeds), ("modes", spec.modes, whole.modes))
    rows: list[tuple[str, Any, Any, str]] = [(name, _listed(a), _listed(b), "") for name, a, b in lists]
    varied = {"training.k": "as listed; the ladder is said of", "training.seed": "as listed; written"}
    for declared in declarations(spec.base):
        words = varied.get(declared.path, "")
        here, there = (f"{words} {_get(base, declared.path)}".strip() for base in (spec.base, whole.base))
        rows.append((f"{declared.path} ({declared.title})", here, there, declared.unit))
    for name, here, there, unit in rows:
        changed = " class=changed" if here != there else ""
        lines.append(
            f"<tr{changed}>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in (name, here, there, unit)) + "</tr>"
        )
    note = "<p class=note>What differs from the report is marked. Every run's own settings stand in its folder.</p>"
    return f"<div class=wide><table>{head}{''.join(lines)}</table></div>{note}"


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


def _get(base: Spec, path: str) -> Any:
    value = base.get(path)
    return f"{value:.6g}" if isinstance(value, float) else value


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values))


def _spread(value: float, spread: float) -> str:
    return _number(value) if math.isnan(spread) else f"{_number(value)} ± {_number(spread)}"


def _number(value: float, digits: int = 3) -> str:
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"
