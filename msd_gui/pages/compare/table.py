"""The table of a comparison of numbers of copies."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidgetItem

from msd_gui.widgets.panels.table import ReadTable

HEAD = ("mode", "k", "seeds", "steps", "error", "ratio k/1", "exact k/1", "report k/1", "over first")
AT_TIMES = (HEAD.index("report k/1"), HEAD.index("over first"))
"""Columns that only comparisons with the settings of the report, or of several fusions of the copies, show."""
BOTH_MODES = "At k = 1 both modes are the same run: it is trained once and stands in both."
TIPS = (
    "The same for every k: the law of σ of one copy, or that of σ_eff = σ/√k.",
    f"Number of copies. {BOTH_MODES}",
    "Number of seeds measured so far.",
    "Training steps of the runs. Where they differ, all errors are those of the last step at which all were measured.",
    "Mean ‖x̂ − x‖² on held-out data ± standard deviation over seeds.",
    "Error over that of k = 1, ± standard deviation over seeds; a dash where runs have no measured step in common.",
    "The same for the exact posterior mean (for images: over the training images).",
    "The same from the report's Table 1.",
    "Error over that of the first fusion of the copies at the same k, ± standard deviation over seeds.",
)


class ComparisonTable(ReadTable):
    """Rows of words and numbers, with dashes for unknown figures."""

    def __init__(self) -> None:
        super().__init__("Table of the comparison", HEAD, TIPS)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        # In a narrow window the table scrolls: a cut number would be misread.
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    def set_rows(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Replace the rows."""
        for column in AT_TIMES:
            self.setColumnHidden(column, all(cells[column] == UNKNOWN for cells in rows))
        firsts = [cells[1] for cells in rows].count("1")
        self.setRowCount(len(rows))
        for line, cells in enumerate(rows):
            for column, words in enumerate(cells):
                item = self.item(line, column)
                if item is None:
                    item = QTableWidgetItem()
                    side = Qt.AlignmentFlag.AlignLeft if not column else Qt.AlignmentFlag.AlignRight
                    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                    self.setItem(line, column, item)
                if item.text() != words:
                    item.setText(words)
                item.setToolTip(BOTH_MODES if cells[1] == "1" and firsts > 1 else "")
        # The curves get the height that the rows do not need.
        height = self.line_px * max(len(rows), 1)
        self.setMaximumHeight(self.horizontalHeader().sizeHint().height() + height + 2 * self.frameWidth())


UNKNOWN = "–"


def figure(value: float, spread: float = math.nan) -> str:
    """Return a figure in words, with its spread where that is known; a dash for NaN."""
    if math.isnan(value):
        return UNKNOWN
    return f"{value:.3f}" + ("" if math.isnan(spread) else f" ± {spread:.3f}")
