"""Qt model of the list of runs: two levels of lines, searched and sorted by a column.

A line is a run, or a comparison with its runs below it. Qt's own items hold them with their sort keys and search text,
so that Qt sorts and searches 2 000 runs in some milliseconds; a model in Python would take tenths of a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRegularExpression,
    QSignalBlocker,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QStandardItem, QStandardItemModel

from msd_engine.events import RunRow
from msd_gui.pages.runs.columns import ALIGNMENTS, COLUMNS, CREATED, cells, tooltip_of
from msd_gui.pages.runs.comparison import Comparison, comparison
from msd_gui.views.runs.cells import CAPTION, PICTURE

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_DISPLAY = int(Qt.ItemDataRole.DisplayRole)
_ALIGNMENT = int(Qt.ItemDataRole.TextAlignmentRole)
_TOOL_TIP = int(Qt.ItemDataRole.ToolTipRole)
_SPOKEN = int(Qt.ItemDataRole.AccessibleTextRole)
# Roles of the items: the run or comparison, its search text, and two sort keys, one in use.
_ROW, _SEARCHED, *_KEYS = range(int(Qt.ItemDataRole.UserRole) + 10, int(Qt.ItemDataRole.UserRole) + 14)


class RunsModel(QSortFilterProxyModel):
    """All runs; views see the found ones, sorted by a column.

    Attributes:
        runs: All runs by path, found or not.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.runs: dict[str, RunRow] = {}
        # All lines by path, with comparisons.
        self._lines: dict[str, RunRow] = {}
        self._items: dict[str, QStandardItem] = {}
        self._cells: dict[str, tuple[RunRow, tuple[str, ...]]] = {}
        self._column, self._down = CREATED, True
        self._source = QStandardItemModel(0, len(COLUMNS), self)
        self.setSourceModel(self._source)
        self.setRecursiveFilteringEnabled(True)
        self.setFilterRole(_SEARCHED)
        self.setSortRole(_KEYS[0])
        super().sort(0, Qt.SortOrder.DescendingOrder)

    # -- for the page --------------------------------------------------------------------------------------------------

    def update_runs(self, rows: Iterable[RunRow], gone: Iterable[str] = ()) -> None:
        """Add or replace runs, and remove those whose paths are gone."""
        new = {row.path: row for row in rows if self.runs.get(row.path) is not row}
        before = {path: self.runs.pop(path) for path in (*new, *gone) if path in self.runs}
        self.runs |= new
        changed = {path for path, row in before.items() if path in new and new[path].sweep == row.sweep}
        self._remove(path for path in before if path not in changed)
        with QSignalBlocker(self._source):
            for path in changed:
                self._fill(self._items[path], new[path])
        tops: list[QStandardItem] = []
        for path in (path for path in new if path not in changed):
            item = self._items[path] = QStandardItem()
            self._fill(item, new[path])
            self._place(item, new[path].sweep, tops)
        sweeps = {row.sweep for row in (*new.values(), *before.values()) if row.sweep in self._items}
        self._remove(sweep for sweep in sweeps if not self._items[sweep].hasChildren())
        with QSignalBlocker(self._source):
            for sweep in sweeps & self._items.keys():
                self._fill_comparison(sweep)
        changed |= {sweep for sweep in sweeps & self._items.keys() if self._items[sweep] not in tops}
        self._source.invisibleRootItem().appendRows(tops)
        self._notify(changed)

    def search(self, text: str) -> None:
        """Find the runs with every word of a text, and their comparisons."""
        words = (f"(?=.*{QRegularExpression.escape(word)})" for word in text.casefold().split())
        every = QRegularExpression.PatternOption.DotMatchesEverythingOption
        self.setFilterRegularExpression(QRegularExpression("".join(words), every))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column with unknown values last; a negative column sorts by newest first."""
        if column < 0:
            column, order = CREATED, Qt.SortOrder.DescendingOrder
        down = order == Qt.SortOrder.DescendingOrder
        if (column, down) == (self._column, self._down):
            # A click on a heading sorts twice: by the indicator, and by the view.
            return
        self._column, self._down = column, down
        # Qt sorts only if the role or the order changes.
        known = _KEYS.index(self.sortRole())
        role = _KEYS[known if order != self.sortOrder() else 1 - known]
        with QSignalBlocker(self._source):
            for path, item in self._items.items():
                item.setData(self._key(self._lines[path]), role)
        self.setSortRole(role)
        super().sort(0, order)

    def row(self, index: Index) -> RunRow:
        """Return the run or comparison at an index."""
        first = index.sibling(index.row(), 0) if index.column() else index
        found: RunRow = super().data(first, _ROW)
        return found

    def lines(self, parent: Index = _NOWHERE) -> list[RunRow]:
        """List the found lines of one level, from top to bottom: below a line, or at the top."""
        return [self.row(self.index(place, 0, parent)) for place in range(self.rowCount(parent))]

    def runs_of(self, line: RunRow) -> list[RunRow]:
        """List the runs of a line: the run itself, or the found runs of a comparison."""
        return self.lines(self.index_of(line.path)) if isinstance(line, Comparison) else [line]

    def comparisons(self) -> list[QModelIndex]:
        """List the indices of the found comparisons, from top to bottom."""
        places = (self.index_of(path) for path in self._lines.keys() - self.runs.keys())
        return sorted(index for index in places if index.isValid())

    def found(self) -> list[RunRow]:
        """List the found runs, from top to bottom, in collapsed comparisons too."""
        return [run for line in self.lines() for run in self.runs_of(line)]

    @property
    def found_count(self) -> int:
        """Number of found runs."""
        return self.rowCount() + sum(self.rowCount(index) - 1 for index in self.comparisons())

    def index_of(self, path: str) -> QModelIndex:
        """Return the index of a run or comparison; invalid if it is not found."""
        item = self._items.get(path)
        return QModelIndex() if item is None else self.mapFromSource(item.index())

    def in_training(self, sweep: str) -> bool:
        """Check whether a run of a comparison is in training; False for an empty folder."""
        return bool(sweep) and any(row.sweep == sweep and row.status == "running" for row in self.runs.values())

    # -- for the view --------------------------------------------------------------------------------------------------

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
                return ALIGNMENTS[section]
            case _:
                return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the content of a cell."""
        if role == _DISPLAY:
            return self._cells_of(self.row(index))[index.column()]
        if role == CAPTION:
            return self._cells_of(self.row(index))[-1]
        if role == PICTURE:
            return self.row(index).thumbnail
        if role == _ALIGNMENT:
            return ALIGNMENTS[index.column()]
        if role == _TOOL_TIP:
            row = self.row(index)
            return row.problem or (tooltip_of(row) if index.column() == 0 else "") or None
        if role == _SPOKEN and index.column() == 0:
            return _spoken(self.row(index))
        return None

    def _cells_of(self, row: RunRow) -> tuple[str, ...]:
        """Return the cached texts of all cells of a line and the caption below its name."""
        known = self._cells.get(row.path)
        if known is None or known[0] is not row:
            known = self._cells[row.path] = (row, cells(row))
        return known[1]

    # -- the items -----------------------------------------------------------------------------------------------------

    def _fill(self, item: QStandardItem, row: RunRow) -> None:
        """Store a run or comparison in an item."""
        self._lines[row.path] = row
        item.setData(row, _ROW)
        # A search finds a comparison through its runs.
        item.setData("" if isinstance(row, Comparison) else row.searched, _SEARCHED)
        item.setData(self._key(row), self.sortRole())

    def _key(self, row: RunRow) -> Any:
        """Return the sort key of a line; Qt puts missing values above all others."""
        key = COLUMNS[self._column].key(row)
        if key == key and key != "":
            return key
        return None if not self._down else "" if isinstance(key, str) else -math.inf

    def _place(self, item: QStandardItem, sweep: str, tops: list[QStandardItem]) -> None:
        """Put a new item below its comparison, or add it to the items for the top level."""
        if not sweep:
            tops.append(item)
            return
        if sweep not in self._items:
            self._items[sweep] = QStandardItem(0, len(COLUMNS))
            tops.append(self._items[sweep])
        self._items[sweep].appendRow(item)

    def _fill_comparison(self, sweep: str) -> None:
        """Update the line of a comparison."""
        item = self._items[sweep]
        runs = sorted((item.child(place).data(_ROW) for place in range(item.rowCount())), key=_age)
        self._fill(item, comparison(runs))

    def _remove(self, paths: Iterable[str]) -> None:
        """Remove lines, adjacent ones together."""
        for above, places in self._levels(paths := list(paths)):
            for _, part in groupby(enumerate(reversed(places)), key=lambda pair: pair[0] + pair[1]):
                beside = [place for _, place in part]
                self._source.removeRows(beside[-1], len(beside), above)
        for path in paths:
            del self._items[path], self._lines[path]
            self._cells.pop(path, None)

    def _notify(self, paths: Iterable[str]) -> None:
        """Notify the views of changed lines, once for each level."""
        for above, places in self._levels(paths):
            first, last = (self._source.index(place, 0, above) for place in (places[0], places[-1]))
            self._source.dataChanged.emit(first, last)

    def _levels(self, paths: Iterable[str]) -> list[tuple[QModelIndex, list[int]]]:
        """Group the sorted positions of lines by level: below each comparison, then at the top."""
        levels: dict[str, list[int]] = {}
        for path in paths:
            line = self._lines[path]
            levels.setdefault("" if isinstance(line, Comparison) else line.sweep, []).append(self._items[path].row())
        below = sorted(levels, reverse=True)
        return [(self._items[sweep].index() if sweep else QModelIndex(), sorted(levels[sweep])) for sweep in below]


def _age(row: RunRow) -> float:
    return -row.created if row.created == row.created else math.inf


def _spoken(row: RunRow) -> str:
    if isinstance(row, Comparison):
        return f"{row.name}, comparison, {row.how_many}"
    return f"{row.name}, of {row.sweep_title}" if row.sweep else row.name
