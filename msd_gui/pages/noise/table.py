"""The table of a comparison of white and coloured noise, beside the published figures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidgetItem

from msd_engine.events.noise import NoiseRow
from msd_gui.theme.tips import wrapped
from msd_gui.widgets.panels.table import ReadTable

HEAD = ("steps", "white", "coloured", "paper")
# Room for the head and five numbers of steps.
_LINES = 6.4
TIPS = (
    "Evaluations of the network for one sample.",
    "Mean over seeds under white noise.",
    "Mean over seeds under coloured noise.",
    "Published FID on CIFAR-10 under white and under coloured noise, of 50,000 samples.",
)


class NoiseTableView(ReadTable):
    """One row for each number of steps."""

    def __init__(self) -> None:
        super().__init__("Table by steps", HEAD, TIPS)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setSectionResizeMode(len(HEAD) - 1, QHeaderView.ResizeMode.ResizeToContents)
        self.setFixedHeight(round(_LINES * self.line_px))

    def set_rows(self, rows: Sequence[NoiseRow]) -> None:
        """Replace the rows."""
        self.setRowCount(len(rows))
        for line, row in enumerate(rows):
            paper = "" if math.isnan(row.published[0]) else " · ".join(f"{value:g}" for value in row.published)
            cells = (f"{row.steps}", *(_mean(one.mean) for one in (row.white, row.coloured)), paper)
            tips = ("", row.white.words, row.coloured.words, f"Coloured − white: {row.gap.words}")
            for column, (words, tip) in enumerate(zip(cells, tips, strict=True)):
                item = QTableWidgetItem(words)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                item.setToolTip(wrapped(tip))
                self.setItem(line, column, item)


def _mean(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}"
