"""Qt model of the candidates of a search for the best chain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from msd_engine.events import TuneRow
from msd_gui.widgets.controls.numbers import number

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()

HEAD = ("Chain", "Evaluations", "Chains", "Distance", "95 % interval")
WIDEST = ("Evaluations", "100000", "Distance", "−0.00123 to 0.00123")
"""Widest texts of the columns after the first."""
TIPS = (
    "Sampler, levels × steps per level, and its other settings.",
    "Evaluations of the network for one chain; a guided evaluation counts twice.",
    "Chains that are judged so far. Candidates with more of them stand higher.",
    "Kernel distance, or Fréchet distance at the last rung, from one half of the held-out images. Compare distances of "
    "equal numbers of chains only.",
    "Interval of the distance over the choice of chains and of held-out images.",
)
_LEFT, _RIGHT = (
    int(side | Qt.AlignmentFlag.AlignVCenter) for side in (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
)
_MEASURES = {"kernel": "Kernel distance", "frechet": "Fréchet distance"}


class CandidatesModel(QAbstractTableModel):
    """The candidates, sorted by number of judged chains and distance."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[TuneRow, ...] = ()
        self._cells: list[tuple[str, ...]] = []
        self._dropped = QFont()
        self._dropped.setItalic(True)

    def set_rows(self, rows: Sequence[TuneRow]) -> None:
        """Replace the candidates."""
        same = len(rows) == len(self.rows)
        if not same:
            self.beginResetModel()
        self.rows = tuple(rows)
        self._cells = [cells(row) for row in rows]
        if not same:
            self.endResetModel()
        elif rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(HEAD) - 1))

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """Return the number of candidates."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(HEAD)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text, alignment, tooltip and font of a cell; the font is italic for dropped candidates."""
        line, column = index.row(), index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._cells[line][column]
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if column else _LEFT
            case Qt.ItemDataRole.ToolTipRole:
                return tip(self.rows[line])
            case Qt.ItemDataRole.FontRole if not self.rows[line].survives:
                return self._dropped
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return title and tooltip of a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        words = {Qt.ItemDataRole.DisplayRole: HEAD, Qt.ItemDataRole.ToolTipRole: TIPS}.get(Qt.ItemDataRole(role))
        return None if words is None else words[section]


def cells(row: TuneRow) -> tuple[str, ...]:
    """Return the texts of a candidate; dashes before its first judgement."""
    interval = f"{number(row.low)} to {number(row.high)}" if math.isfinite(row.low) else "–"
    judged = str(row.chains) if row.chains else "–"
    return row.words, str(row.evaluations), judged, number(row.value), interval


def tip(row: TuneRow) -> str:
    """Describe a candidate: its origin, its distance at each rung, and whether it is still in the search."""
    origin = {"preset": "The chain of the settings", "known": "A well-known chain", "drawn": "Drawn at random"}[
        row.origin
    ]
    if not row.chains:
        return f"{origin}; not judged yet."
    rungs = ", ".join(number(value) for value in row.by_rung)
    state = "still in the search" if row.survives else "dropped"
    return f"{origin}; {state}. {_MEASURES[row.measure]}; by rung: {rungs}."
