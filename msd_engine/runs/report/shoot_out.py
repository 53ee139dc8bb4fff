"""A shoot-out of samplers as CSV, Markdown or figure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import replace

from msd_engine.events.figures import SWEEP_SHEET
from msd_engine.events.shoot_out.charts import charts
from msd_engine.events.shoot_out.table import MEASURES, ShootOutRow, ShootOutTable
from msd_engine.runs.report.charts import side_by_side
from msd_engine.specs.search.shoot_out import ShootOutSpec

# Okabe and Ito's colours, which people who see few colours tell apart.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c564b")
_EXACT = "#7f7f7f"
_HEAD = ("sampler", "budget", "evaluations", "levels", "steps per level", "seeds", "lost", "distance", "weight error")
_PLAN = ("contender", "title", "budget", "evaluations", "levels", "steps_per_level")


def csv_text(table: ShootOutTable) -> str:
    """Return the table as CSV: means with the ends of their intervals, then a column for each seed.

    Unknown figures and ends are empty cells; exact draws are the contender -1.
    """
    rows = _rows(table)
    seeds = list(dict.fromkeys(seed for row in rows for seed in row.by_seed["distance"]))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    ends = [f"{measure}_{end}" for measure in MEASURES for end in ("mean", "low", "high")]
    by_seed = [f"{measure}_seed_{seed}" for measure in MEASURES for seed in seeds]
    writer.writerow((*_PLAN, "lost", *ends, *by_seed))
    for row in rows:
        cells = [*(getattr(row, name) for name in _PLAN), row.lost]
        cells += [value for measure in MEASURES for value in vars(row.quality[measure]).values()]
        cells += [row.by_seed[measure].get(seed, math.nan) for measure in MEASURES for seed in seeds]
        writer.writerow("" if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in cells)
    return out.getvalue()


def markdown_text(table: ShootOutTable, spec: ShootOutSpec) -> str:
    """Return the table as Markdown, with its settings above and the verdict below."""
    lines = [list(_HEAD), ["---", *["---:"] * (len(_HEAD) - 1)], *(_cells(row) for row in _rows(table))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    text = "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines)
    return f"{settings_line(spec)}\n\n{text}\n" + (f"\n{table.text}\n" if table.text else "")


def table_text(table: ShootOutTable) -> str:
    """Return the table for people."""
    lines = [list(_HEAD), *(_cells(row) for row in _rows(table))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def figure(table: ShootOutTable, spec: ShootOutSpec, suffix: str) -> bytes:
    """Draw each measure against the evaluations, with the verdict as caption, as ``svg``, ``png`` or ``pdf``."""
    caption = f"{settings_line(spec)} {table.text}"
    return side_by_side(charts(table, _COLOURS, _EXACT), suffix, replace(SWEEP_SHEET, caption=caption))


def settings_line(spec: ShootOutSpec) -> str:
    """Describe what all contenders share, in one sentence."""
    base, chains = spec.base, spec.base.sampling
    source = "the exact score" if chains.source == "exact" else "a trained network"
    return (
        f"{base.title or base.data.name}, k = {base.training.k}, {source}, σ from {chains.ends[0]:g} to "
        f"{chains.sigma_L:g}, {chains.chains:,} chains, seeds {', '.join(map(str, spec.seeds))}; mean ± half of the "
        "95 % interval over seeds."
    )


def _rows(table: ShootOutTable) -> Sequence[ShootOutRow]:
    return table.rows if table.exact is None else (*table.rows, table.exact)


def _cells(row: ShootOutRow) -> list[str]:
    plan = (row.budget, row.evaluations, row.levels, row.steps_per_level)
    numbers = [f"{number:,}" if number else "" for number in plan]
    lost = f"{100 * row.lost:.1f} %" if row.lost else "0"
    figures = [row.quality[measure].words for measure in MEASURES]
    return [row.title, *numbers, f"{len(row.by_seed['distance'])}", lost, *figures]
