"""Columns of the list of runs: their texts for runs and comparisons, and their sort keys."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from PySide6.QtCore import Qt

from msd_engine.events import RunRow
from msd_gui.pages.runs.comparison import Comparison
from msd_gui.widgets.controls.numbers import duration, number


def count(value: int) -> str:
    """Abbreviate a whole number: ``950``, ``12.3 k`` or ``4.56 M``; a dash for 0."""
    if not value:
        return "–"
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return str(value)


def moment(seconds: float) -> str:
    """Format a time stamp as local date and time; empty for NaN."""
    return "" if math.isnan(seconds) else datetime.fromtimestamp(seconds).astimezone().strftime("%d %b %Y  %H:%M")


def percent(share: float) -> str:
    """Format a share in percent; a dash for NaN."""
    return "–" if math.isnan(share) else f"{100 * share:.3g} %"


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: Heading.
        help: Tool tip of the heading.
        key: Returns the sort key.
        words: Returns the text for a run.
        width_px: Initial width.
        right: Whether texts align to the right, as numbers do.
        whole: Returns the text for a comparison; None to use `words`.
    """

    title: str
    help: str
    key: Callable[[RunRow], Any]
    words: Callable[[RunRow], str]
    width_px: int
    right: bool = True
    whole: Callable[[Comparison], str] | None = None

    def shown(self, row: RunRow) -> str:
        """Return the text for a run or a comparison."""
        return self.whole(row) if self.whole and isinstance(row, Comparison) else self.words(row)


def _at_least(words: Callable[[RunRow], str]) -> Callable[[Comparison], str]:
    """Prefix the least value among the runs of a comparison with ≥."""

    def in_words(row: Comparison) -> str:
        least = words(row)
        return least if least == "–" or len(row.runs) == 1 else f"≥ {least}"

    return in_words


def _error(row: RunRow) -> str:
    # Keep trailing zeros, so that the digits of a column align.
    return f"{row.held_out:#.4g}".rstrip(".") if math.isfinite(row.held_out) else number(row.held_out)


def _rough_error(row: RunRow) -> str:
    return number(row.held_out)


def _survival(row: RunRow) -> str:
    return percent(row.alive)


def _rough_survival(row: RunRow) -> str:
    return "–" if math.isnan(row.alive) else f"{100 * row.alive:.0f} %"


def _distance(row: RunRow) -> str:
    return number(row.distance)


_LEAST = "for a comparison the least among its runs"

COLUMNS = (
    Column("Run", "Name, folder, date and tags", lambda row: row.name.casefold(), attrgetter("name"), 264, False),
    Column("Data", "Training data", attrgetter("data"), attrgetter("data"), 88, False),
    Column(
        "k",
        "Number of copies in the denoiser's input",
        attrgetter("k"),
        lambda row: str(row.k or "–"),
        44,
        whole=lambda row: row.span_of_k,
    ),
    Column("Size", "Parameters of the network", attrgetter("parameters"), lambda row: count(row.parameters), 62),
    Column("Steps", "Training steps", attrgetter("step"), lambda row: f"{row.step:,}", 62),
    Column("Time", "Time of training", attrgetter("elapsed_s"), lambda row: duration(row.elapsed_s), 74),
    Column(
        "Error",
        f"Last held-out error ‖x̂ − x‖²; {_LEAST}",
        attrgetter("held_out"),
        _error,
        80,
        whole=_at_least(_rough_error),
    ),
    Column(
        "Survival",
        f"Share of surviving chains; {_LEAST}",
        attrgetter("alive"),
        _survival,
        72,
        whole=_at_least(_rough_survival),
    ),
    Column(
        "Distance",
        f"Distance of the samples from the data; the details name its features; {_LEAST}",
        attrgetter("distance"),
        _distance,
        70,
        whole=_at_least(_distance),
    ),
    Column("Created", "Start of the training", attrgetter("created"), lambda row: moment(row.created), 0, False),
    Column("Status", "State of the run, updated while training", attrgetter("status"), attrgetter("status"), 96, False),
)
CREATED = next(place for place, column in enumerate(COLUMNS) if column.title == "Created")
STATUS = next(place for place, column in enumerate(COLUMNS) if column.title == "Status")


def _alignment(column: Column) -> int:
    across = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
    return int((across | Qt.AlignmentFlag.AlignVCenter).value)


# Plain integers: comparing Qt's enums takes several times as long.
ALIGNMENTS = tuple(_alignment(column) for column in COLUMNS)


def cells(row: RunRow) -> tuple[str, ...]:
    """Return the texts of all cells of a run or a comparison, and last the caption below its name."""
    return (*(column.shown(row) for column in COLUMNS), _caption(row))


def _caption(row: RunRow) -> str:
    runs = row.runs if isinstance(row, Comparison) else (row,)
    copied = any(run.elsewhere for run in runs)
    # Runs of a comparison stand below its line, so they need no folder; that of a copy is long and says little.
    place = row.how_many if isinstance(row, Comparison) else "" if row.sweep or copied else row.folder
    parts = [place, "a copy" if copied else "", moment(row.created), *(f"#{tag}" for tag in row.tags)]
    return "  ·  ".join(part for part in parts if part)


def tooltip_of(row: RunRow) -> str:
    """Return the tool tip of a name, with the details that do not fit in its cell."""
    if isinstance(row, Comparison):
        return f"The comparison “{row.name}”: {row.how_many}\nFolder {row.path}"
    place = f"A run of the comparison “{row.sweep_title}”" if row.sweep else ""
    copied = f"A copy of {row.elsewhere}" if row.elsewhere else ""
    parts = (row.name, place, copied, f"Folder {row.folder}" if row.folder else "", row.note)
    return "\n".join(part for part in parts if part)


_WRITTEN = (
    *("path", "name", "data", "k", "parameters", "step", "elapsed_s", "held_out", "alive", "distance", "features"),
    *("status", "created", "tags", "note", "sweep"),
)


def table_text(rows: Iterable[RunRow]) -> str:
    """Format runs as CSV in full precision: a line of names and a line for each run; unknown values are empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_WRITTEN)
    for row in rows:
        values = [" ".join(row.tags) if name == "tags" else getattr(row, name) for name in _WRITTEN]
        writer.writerow("" if value != value else value for value in values)
    return buffer.getvalue()
