"""Qt model of the candidates of a search for the best chain."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QFont, QStandardItem, QStandardItemModel

from msd_engine.events import TuneRow
from msd_gui.widgets.controls.numbers import number

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
_SIDE = Qt.AlignmentFlag
_LEFT, _RIGHT = _SIDE.AlignLeft | _SIDE.AlignVCenter, _SIDE.AlignRight | _SIDE.AlignVCenter
_MEASURES = {"kernel": "Kernel distance", "frechet": "Fréchet distance"}


class CandidatesModel(QStandardItemModel):
    """The candidates, sorted by number of judged chains and distance; dropped ones in italics."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(0, len(HEAD), parent)
        self.rows: tuple[TuneRow, ...] = ()
        for column, words in enumerate(TIPS):
            self.setHorizontalHeaderItem(column, QStandardItem(HEAD[column]))
            self.horizontalHeaderItem(column).setToolTip(words)

    def set_rows(self, rows: Sequence[TuneRow]) -> None:
        """Replace the candidates."""
        self.rows = tuple(rows)
        # As many rows as before keep the selection.
        self.setRowCount(len(rows))
        font = QFont()
        for line, row in enumerate(rows):
            font.setItalic(not row.survives)
            for column, words in enumerate(cells(row)):
                item = self.item(line, column) or QStandardItem()
                item.setText(words)
                item.setToolTip(tip(row))
                item.setFont(font)
                item.setTextAlignment(_RIGHT if column else _LEFT)
                item.setEditable(False)
                if item.model() is None:
                    self.setItem(line, column, item)


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
