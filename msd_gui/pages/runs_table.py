"""The list of runs as Qt's tables see it: rows that follow the events, sorted and searched by plain Python keys.

A proxy model would ask Python for every comparison, which at 2 000 runs takes tenths of a second; sorting their keys
at once takes two milliseconds.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from msd_engine.events import RunRow
from msd_gui.pages.readings import number
from msd_gui.views.cells import ALIGNED_RIGHT
from msd_gui.views.run_cells import CAPTION, PICTURE

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


def span(seconds: float) -> str:
    """Return a span of time in few letters: ``8.1 s``, ``2:05 min`` or ``3:20 h``; a dash for NaN."""
    if math.isnan(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d} h"


def count(value: int) -> str:
    """Return a whole number in few letters: ``950``, ``12.3 k`` or ``4.56 M``; a dash for 0."""
    if not value:
        return "–"
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return str(value)


def moment(seconds: float) -> str:
    """Return a moment as date and time of this place; empty for NaN."""
    return "" if math.isnan(seconds) else datetime.fromtimestamp(seconds).astimezone().strftime("%d %b %Y  %H:%M")


def percent(share: float) -> str:
    """Return a share in percent; a dash for NaN."""
    return "–" if math.isnan(share) else f"{100 * share:.3g} %"


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: Its heading.
        help: What it means.
        key: What it is sorted by.
        words: What it shows.
        width_px: Its width at first.
        right: Whether it is set to the right, as numbers are.
    """

    title: str
    help: str
    key: Callable[[RunRow], Any]
    words: Callable[[RunRow], str]
    width_px: int
    right: bool = True


def _caption(row: RunRow) -> str:
    place = f"of “{row.sweep_title}”" if row.sweep else row.folder
    parts = [place, moment(row.created), *(f"#{tag}" for tag in row.tags)]
    return "  ·  ".join(part for part in parts if part)


COLUMNS = (
    Column("Run", "Name, folder, date and tags", lambda row: row.name.casefold(), attrgetter("name"), 264, False),
    Column("Data", "Data that it learns", attrgetter("data"), attrgetter("data"), 88, False),
    Column("k", "Number of copies that the denoiser sees", attrgetter("k"), lambda row: str(row.k or "–"), 34),
    Column("Size", "Parameters of the network", attrgetter("parameters"), lambda row: count(row.parameters), 62),
    Column("Steps", "Training steps", attrgetter("step"), lambda row: f"{row.step:,}", 62),
    Column("Time", "Time of training", attrgetter("elapsed_s"), lambda row: span(row.elapsed_s), 74),
    Column("Error", "Last held-out error ‖x̂ − x‖²", attrgetter("held_out"), lambda row: number(row.held_out, 4), 66),
    Column("Yield", "Share of the chains that lived", attrgetter("alive"), lambda row: percent(row.alive), 56),
    Column(
        "Distance",
        "Distance of the samples from the data, by the features that the details name",
        attrgetter("distance"),
        lambda row: number(row.distance),
        66,
    ),
    Column("Created", "When it was begun", attrgetter("created"), lambda row: moment(row.created), 0, False),
    Column(
        "Status", "How it stands; a run in training is followed", attrgetter("status"), attrgetter("status"), 96, False
    ),
)
CREATED = next(place for place, column in enumerate(COLUMNS) if column.title == "Created")
STATUS = next(place for place, column in enumerate(COLUMNS) if column.title == "Status")


def _alignment(column: Column) -> int:
    across = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
    return int((across | Qt.AlignmentFlag.AlignVCenter).value)


# Plain numbers: comparing Qt's own words takes several times as long.
_ALIGNMENTS = tuple(_alignment(column) for column in COLUMNS)
_DISPLAY = int(Qt.ItemDataRole.DisplayRole)
_ALIGNMENT = int(Qt.ItemDataRole.TextAlignmentRole)
_TOOL_TIP = int(Qt.ItemDataRole.ToolTipRole)


def _searched(row: RunRow) -> str:
    words = (row.name, row.folder, row.data, f"k={row.k}", row.status, row.note, *(f"#{tag}" for tag in row.tags))
    comparison = ("comparison", row.sweep_title) if row.sweep else ()
    return " ".join((*words, *comparison)).casefold()


def _told_of(row: RunRow) -> str:
    """Return the tool tip of a run's name: what there is no room for in its cell."""
    place = f"A run of the comparison “{row.sweep_title}”" if row.sweep else ""
    parts = (row.name, place, f"Folder {row.folder}" if row.folder else "", row.note)
    return "\n".join(part for part in parts if part)


class RunsModel(QAbstractTableModel):
    """All runs, those that the search lets through in the order of one column."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: dict[str, RunRow] = {}
        self._words: dict[str, str] = {}
        self._cells: dict[str, tuple[str, ...]] = {}
        self._shown: list[RunRow] = []
        self._places: dict[str, int] = {}
        # All of them, newest first; None where that has to be found out.
        self._newest: list[RunRow] | None = None
        self._search: list[str] = []
        self._column, self._down = CREATED, True

    # -- what the page says --------------------------------------------------------------------------------------------

    def take(self, rows: Iterable[RunRow], gone: Iterable[str] = ()) -> None:
        """Take new and changed runs, and forget those that are gone."""
        for row in rows:
            self._all[row.path] = row
            self._words.pop(row.path, None)
            self._cells.pop(row.path, None)
        for path in gone:
            self._all.pop(path, None)
            self._cells.pop(path, None)
            self._words.pop(path, None)
        self._newest = None
        self._arrange()

    def search(self, text: str) -> None:
        """Show the runs that hold every word of a text."""
        self._search = text.casefold().split()
        self._arrange()

    def row(self, index: Index) -> RunRow:
        """Return the run at an index."""
        return self._shown[index.row()]

    def find(self, path: str) -> RunRow | None:
        """Return a run by its path, shown or not."""
        return self._all.get(path)

    def index_of(self, path: str) -> QModelIndex:
        """Return where a run is shown; an invalid index where it is not."""
        place = self._places.get(path)
        return QModelIndex() if place is None else self.index(place, 0)

    def paths(self) -> list[str]:
        """Return the paths of all runs, shown or not."""
        return list(self._all)

    def every(self) -> list[RunRow]:
        """Return all runs, shown or not."""
        return list(self._all.values())

    def in_training(self, sweep: str) -> bool:
        """Return whether a run of a comparison is being trained; False for the folder of none."""
        return bool(sweep) and any(row.sweep == sweep and row.status == "running" for row in self._all.values())

    def shown(self) -> list[RunRow]:
        """Return the runs that are shown, from top to bottom."""
        return list(self._shown)

    @property
    def total(self) -> int:
        """Number of runs, shown or not."""
        return len(self._all)

    # -- what the table asks -------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Return the number of runs that are shown."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the heading of a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section].title
            case Qt.ItemDataRole.ToolTipRole:
                return COLUMNS[section].help
            case Qt.ItemDataRole.TextAlignmentRole:
                return _ALIGNMENTS[section]
            case _:
                return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if role == _DISPLAY:
            return self._cells_of(self._shown[index.row()])[index.column()]
        if role == ALIGNED_RIGHT:
            return COLUMNS[index.column()].right
        if role == _ALIGNMENT:
            return _ALIGNMENTS[index.column()]
        if role == _TOOL_TIP:
            row = self._shown[index.row()]
            return row.problem or (_told_of(row) if index.column() == 0 else "") or None
        if role == PICTURE:
            return self._shown[index.row()].thumbnail
        if role == CAPTION:
            return self._cells_of(self._shown[index.row()])[-1]
        return None

    def _cells_of(self, row: RunRow) -> tuple[str, ...]:
        """Return the words of all cells of a run and the caption below its name, made once."""
        cells = self._cells.get(row.path)
        if cells is None:
            cells = self._cells[row.path] = (*(column.words(row) for column in COLUMNS), _caption(row))
        return cells

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; what is not known stands at the end. Without a column the newest stand first."""
        self._column = column if column >= 0 else CREATED
        self._down = column < 0 or order == Qt.SortOrder.DescendingOrder
        self._arrange()

    # -- keeping order -------------------------------------------------------------------------------------------------

    def _arranged(self) -> list[RunRow]:
        if self._newest is None:
            self._newest = sorted(self._all.values(), key=_age)
        rows = self._newest
        for word in self._search:
            rows = [row for row in rows if word in self._words_of(row)]
        if self._column == CREATED and self._down:
            return rows
        key = COLUMNS[self._column].key
        keys = [key(row) for row in rows]
        # The numbers are sorted in place of the rows: equal runs stay newest first, whatever the direction.
        known = [place for place, value in enumerate(keys) if not _unknown(value)]
        known.sort(key=keys.__getitem__, reverse=self._down)
        unknown = [row for row, value in zip(rows, keys, strict=True) if _unknown(value)]
        return [rows[place] for place in known] + unknown

    def _words_of(self, row: RunRow) -> str:
        words = self._words.get(row.path)
        if words is None:
            words = self._words[row.path] = _searched(row)
        return words

    def _arrange(self) -> None:
        """Bring what is shown up to date, telling views as little as possible, so that selections stay."""
        wanted = self._arranged()
        before, places = self._shown, self._places
        if len(wanted) == len(before) and all(row.path == old.path for row, old in zip(wanted, before, strict=True)):
            changed = [place for place, (row, old) in enumerate(zip(wanted, before, strict=True)) if row is not old]
            self._shown = wanted
            if changed:
                self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(COLUMNS) - 1))
            return
        # What comes is added at the end, and what goes is brought there first: telling of each stretch where rows
        # come or go would take views tenths of a second.
        added = [row for row in wanted if row.path not in places]
        if added:
            self.beginInsertRows(QModelIndex(), len(before), len(before) + len(added) - 1)
            self._shown = before + added
            self.endInsertRows()
        kept = {row.path for row in wanted}
        gone = [row for row in before if row.path not in kept]
        self._reorder(wanted + gone)
        if gone:
            self.beginRemoveRows(QModelIndex(), len(wanted), len(wanted) + len(gone) - 1)
            self._set_shown(wanted)
            self.endRemoveRows()

    def _reorder(self, wanted: list[RunRow]) -> None:
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        paths = [self._shown[index.row()].path for index in held]
        self._set_shown(wanted)
        moved = [self.index(self._places[path], index.column()) for path, index in zip(paths, held, strict=True)]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()

    def _set_shown(self, rows: list[RunRow]) -> None:
        self._shown = rows
        self._places = {row.path: place for place, row in enumerate(rows)}


def _age(row: RunRow) -> float:
    return -row.created if row.created == row.created else math.inf


def _unknown(key: Any) -> bool:
    return bool(key != key) or key == ""


_WRITTEN = (
    *("path", "name", "data", "k", "parameters", "step", "elapsed_s", "held_out", "alive", "distance", "features"),
    *("status", "created", "tags", "note", "sweep"),
)


def table_text(rows: Iterable[RunRow]) -> str:
    """Return runs as CSV, with every figure in full precision.

    Args:
        rows: The runs.

    Returns:
        A line of names and a line for each run; what is not known is an empty cell.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_WRITTEN)
    for row in rows:
        cells = [" ".join(row.tags) if name == "tags" else getattr(row, name) for name in _WRITTEN]
        writer.writerow("" if cell != cell else cell for cell in cells)
    return buffer.getvalue()
