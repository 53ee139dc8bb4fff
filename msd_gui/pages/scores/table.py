"""The table of a comparison of objectives."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidgetItem

from msd_engine.events import ScoreRow
from msd_engine.events.scores.table import PLACES
from msd_gui.theme.tips import wrapped
from msd_gui.widgets.panels.table import ReadTable

HEAD = ("objective", "data", *PLACES[1:], "ms/step")
TIPS = (
    "Click a row to see its score in the panels.",
    "Error of the score over its size, √(E‖s − s*‖²/E‖s*‖²), at draws of the noisy data: the geometric mean over "
    "seeds, and the factor from it to either end of its 95 % interval. 0: exact, 1: no better than none.",
    "The same evenly over the densest part of the plane with nine tenths of the data.",
    "The same over the rest of the convex hull of that part: where there are few data between the modes.",
    "The same over the rest of the picture.",
    "Milliseconds of one training step, as measured in this comparison.",
)


class ScoresTable(ReadTable):
    """One row for each objective; a click chooses it.

    Attributes:
        contender_chosen: Emitted with the name of the clicked contender.
    """

    contender_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__("Table of the objectives", HEAD, TIPS)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._names: list[str] = []
        self.cellClicked.connect(lambda line, _column: self.contender_chosen.emit(self._names[line]))

    def set_rows(self, rows: Sequence[ScoreRow]) -> None:
        """Replace the rows."""
        self._names = [row.contender for row in rows]
        self.setRowCount(len(rows))
        for line, row in enumerate(rows):
            cells = (row.title, *(row.errors[place].times_over for place in PLACES), _cost(row))
            note = f"{row.failed} of its trainings failed." if row.failed else ""
            bound = "Training uses the exact score: a bound, and no rival." if row.uses_exact else ""
            for column, words in enumerate(cells):
                item = QTableWidgetItem(words)
                side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                item.setToolTip("" if column else wrapped(f"{bound} {note}".strip()))
                self.setItem(line, column, item)


def _cost(row: ScoreRow) -> str:
    return f"{row.step_ms:.2f}" if math.isfinite(row.step_ms) else "–"
