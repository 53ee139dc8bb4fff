"""Format the table of a comparison as CSV, with all figures, or Markdown, with the main ones."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Sequence
from typing import Any

from msd_engine.events.sweep import TableRow
from msd_engine.specs.sweep import mode_words

_BANDS = ("band_sigma_eff", "band_error", "band_spread", "band_floor")
_PLAIN = tuple(field.name for field in dataclasses.fields(TableRow) if field.name not in (*_BANDS, "by_seed"))


def csv_text(rows: Sequence[TableRow]) -> str:
    """Return the table as CSV: a line per mode and k, with the bands as further columns.

    Args:
        rows: The table.

    Returns:
        The text; unknown figures are empty cells.
    """
    bands = max((len(row.band_error) for row in rows), default=0)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*_PLAIN, *(f"{name}_{number}" for name in _BANDS for number in range(1, bands + 1))))
    for row in rows:
        cells = [getattr(row, name) for name in _PLAIN]
        for name in _BANDS:
            values = getattr(row, name).tolist()
            cells += values + [math.nan] * (bands - len(values))
        writer.writerow("" if isinstance(cell, float) and math.isnan(cell) else cell for cell in cells)
    return out.getvalue()


def markdown_text(rows: Sequence[TableRow], findings: Sequence[str] = ()) -> str:
    """Return the table as Markdown, with the findings below.

    Args:
        rows: The table.
        findings: Sentences.

    Returns:
        The text.
    """
    head = ["mode", "k", "seeds", "steps", "error", "ratio k/1", "exact", "exact k/1", "report", "report k/1"]
    several = any(row.place for row in rows)
    head += ["over first fusion"] if several else []
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *(_cells(row, several=several) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines)
    return text + "\n" + "".join(f"\n* {sentence}" for sentence in findings) + ("\n" if findings else "")


def json_rows(rows: Sequence[TableRow]) -> list[dict[str, Any]]:
    """Return the table as plain values for JSON; unknown ones are None.

    Args:
        rows: The table.

    Returns:
        One mapping for each row.
    """
    found = []
    for row in rows:
        values = {name: getattr(row, name) for name in _PLAIN} | {name: getattr(row, name).tolist() for name in _BANDS}
        found.append({name: _known(value) for name, value in values.items()})
    return found


def _cells(row: TableRow, *, several: bool) -> list[str]:
    failed = f" (+{row.failed} failed)" if row.failed else ""
    figures = (row.floor, row.floor_ratio, row.reported, row.reported_ratio)
    cells = [
        mode_words(row.mode, row.fusion),
        str(row.k),
        f"{row.seeds}{failed}",
        row.steps_in_words,
        _spread(row.error, row.spread),
        _spread(row.ratio, row.ratio_spread),
        *(_text(value) for value in figures),
    ]
    return cells + ([_spread(row.fusion_ratio, row.fusion_spread)] if several else [])


def _spread(value: float, spread: float) -> str:
    return _text(value) if math.isnan(spread) else f"{_text(value)} ± {_text(spread)}"


def _text(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _known(value: Any) -> Any:
    if isinstance(value, list):
        return [_known(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
