"""The list of runs as Qt's tables see it: lines that follow the events.

A line is a run, or a comparison, below which its runs stand when it is unfolded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from msd_engine.events import RunRow
from msd_gui.pages.runs.columns import ALIGNMENTS, COLUMNS, CREATED, cells, tooltip_of
from msd_gui.pages.runs.comparison import Comparison
from msd_gui.pages.runs.lines import RunLines
from msd_gui.views.runs.run_cells import CAPTION, FOLD, PICTURE, Fold

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_DISPLAY = int(Qt.ItemDataRole.DisplayRole)
_ALIGNMENT = int(Qt.ItemDataRole.TextAlignmentRole)
_TOOL_TIP = int(Qt.ItemDataRole.ToolTipRole)
_SPOKEN = int(Qt.ItemDataRole.AccessibleTextRole)


class RunsModel(QAbstractTableModel):
    """All runs, those that the search lets through in the order of one column."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines = RunLines()
        self._cells: dict[str, tuple[RunRow, tuple[str, ...]]] = {}
        self._shown: list[RunRow] = []
        self._places: dict[str, int] = {}

    # -- what the page says --------------------------------------------------------------------------------------------

    def take(self, rows: Iterable[RunRow], gone: Iterable[str] = ()) -> None:
        """Take new and changed runs, and forget those that are gone."""
        gone = tuple(gone)
        self._lines.take(rows, gone)
        for path in gone:
            self._cells.pop(path, None)
        self._arrange()

    def search(self, text: str) -> None:
        """Show the runs that hold every word of a text; a comparison of which only some do shows those, unfolded."""
        self._lines.search(text)
        self._arrange()

    def fold(self, path: str, *, away: bool) -> None:
        """Show or hide the runs of a comparison below it.

        Args:
            path: Path of the comparison.
            away: Whether they are hidden.
        """
        self._lines.fold(path, away=away)
        self._arrange()

    def reveal(self, paths: Iterable[str]) -> None:
        """Unfold the comparisons of those runs that are folded away."""
        rows = (self._lines.runs.get(path) for path in paths if path not in self._places)
        sweeps = {row.sweep for row in rows if row is not None and row.sweep}
        for sweep in sweeps:
            self._lines.fold(sweep, away=False)
        if sweeps:
            self._arrange()

    def row(self, index: Index) -> RunRow:
        """Return the run or comparison at an index."""
        return self._shown[index.row()]

    def runs_of(self, line: RunRow) -> list[RunRow]:
        """Return the runs that a line stands for: itself, or those of a comparison that the search lets through."""
        return self._lines.runs_of(line)

    def found(self) -> list[RunRow]:
        """Return the runs that the search lets through, from top to bottom, folded away or not."""
        return self._lines.found()

    @property
    def found_count(self) -> int:
        """Number of runs that the search lets through."""
        return self._lines.found_count

    def index_of(self, path: str) -> QModelIndex:
        """Return where a run or comparison is shown; an invalid index where it is not."""
        place = self._places.get(path)
        return QModelIndex() if place is None else self.index(place, 0)

    def paths(self) -> list[str]:
        """Return the paths of all runs, shown or not."""
        return list(self._lines.runs)

    def every(self) -> list[RunRow]:
        """Return all runs, shown or not."""
        return list(self._lines.runs.values())

    def in_training(self, sweep: str) -> bool:
        """Return whether a run of a comparison is being trained; False for the folder of none."""
        return bool(sweep) and any(row.sweep == sweep and row.status == "running" for row in self.every())

    def shown(self) -> list[RunRow]:
        """Return the lines that are shown, from top to bottom."""
        return list(self._shown)

    @property
    def total(self) -> int:
        """Number of runs, shown or not."""
        return len(self._lines.runs)

    # -- what the table asks -------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Return the number of lines that are shown."""
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
                return ALIGNMENTS[section]
            case _:
                return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if role == _DISPLAY:
            return self._cells_of(self._shown[index.row()])[index.column()]
        if role == _ALIGNMENT:
            return ALIGNMENTS[index.column()]
        if role == _TOOL_TIP:
            row = self._shown[index.row()]
            return row.problem or (tooltip_of(row) if index.column() == 0 else "") or None
        if role == PICTURE:
            return self._shown[index.row()].thumbnail
        if role == CAPTION:
            return self._cells_of(self._shown[index.row()])[-1]
        if role == FOLD:
            return self._fold_of(self._shown[index.row()])
        if role == _SPOKEN and index.column() == 0:
            return self._spoken(self._shown[index.row()])
        return None

    def _cells_of(self, row: RunRow) -> tuple[str, ...]:
        """Return the words of all cells of a line and the caption below its name, made once."""
        known = self._cells.get(row.path)
        if known is None or known[0] is not row:
            known = self._cells[row.path] = (row, cells(row))
        return known[1]

    def _fold_of(self, row: RunRow) -> Fold:
        if isinstance(row, Comparison):
            return Fold.OPEN if self._lines.is_open(row) else Fold.FOLDED
        return Fold.INSIDE if row.sweep else Fold.ALONE

    def _spoken(self, row: RunRow) -> str:
        if isinstance(row, Comparison):
            return f"{row.name}, comparison, {row.how_many}, {'unfolded' if self._lines.is_open(row) else 'folded'}"
        return f"{row.name}, of {row.sweep_title}" if row.sweep else row.name

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; what is not known stands at the end. Without a column the newest stand first."""
        down = column < 0 or order == Qt.SortOrder.DescendingOrder
        self._lines.sort(column if column >= 0 else CREATED, down=down)
        self._arrange()

    # -- keeping order -------------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Bring what is shown up to date, telling views as little as possible, so that selections stay."""
        wanted = self._lines.arranged()
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
