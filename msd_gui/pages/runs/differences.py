"""The settings in which the chosen runs differ."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from msd_engine.events import Difference, Differences, RunRow
from msd_gui.pages.base import layout
from msd_gui.widgets.panels.table import ReadTable

OWN_COLUMNS = 3
"""More runs share one column, which lists the distinct values."""
# A table of more would not be read.
MOST_RUNS = 60
_MOST_LINES = 12


class RunDifferences(QWidget):
    """A table with a line for each setting that differs; hidden for fewer than two runs.

    Attributes:
        requested: Emitted with the settings of runs as JSON, to be compared.
    """

    requested = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[str, ...] = ()
        self._names: list[str] = []
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.note.setWordWrap(True)
        self.table = ReadTable("Settings that differ", (), ())
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        for widget in (layout.heading("What differs"), self.note, self.table):
            column.addWidget(widget)
        self.hide()

    def show_runs(self, rows: Sequence[RunRow]) -> None:
        """Compare the settings of runs; unreadable runs are left out."""
        known = [row for row in rows if row.spec_json][:MOST_RUNS]
        self.setVisible(len(known) > 1)
        texts = tuple(row.spec_json for row in known)
        if len(known) < 2 or texts == self._shown:
            return
        self._shown, self._names = texts, [row.name for row in known]
        self.requested.emit(list(texts))

    @Slot(object)
    def show_found(self, event: object) -> None:
        """Show the differences of the present runs."""
        if isinstance(event, Differences) and event.specs_json == self._shown:
            apart = len(self._names) <= OWN_COLUMNS
            self._fill(event.found, self._names if apart else [], len(self._names))

    def _fill(self, found: Sequence[Difference], names: Sequence[str], count: int) -> None:
        """Show the differences in a column for each name, or in one for all runs."""
        self.note.setVisible(not found or not names)
        self.note.setText(f"Values among {count} runs." if found else f"All {count} runs have the same settings.")
        self.table.setVisible(bool(found))
        heads = ("setting", *names) if names else ("setting", "values")
        self.table.setColumnCount(len(heads))
        self.table.setRowCount(len(found))
        for place, name in enumerate(heads):
            head = QTableWidgetItem(name)
            head.setToolTip(name)
            self.table.setHorizontalHeaderItem(place, head)
        for line, one in enumerate(found):
            unit = f" ({one.unit})" if one.unit else ""
            values = one.values if names else (", ".join(dict.fromkeys(one.values)),)
            for place, words in enumerate((one.title + unit, *values)):
                item = QTableWidgetItem(words)
                item.setToolTip(one.path if place == 0 else words)
                self.table.setItem(line, place, item)
        bar = self.table.horizontalHeader()
        bar.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        bar.setTextElideMode(Qt.TextElideMode.ElideRight)
        bar.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        bar.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        lines = min(len(found), _MOST_LINES) * self.table.verticalHeader().defaultSectionSize()
        self.table.setFixedHeight(bar.sizeHint().height() + lines + 2 * self.table.frameWidth())
