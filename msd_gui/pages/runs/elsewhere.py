"""The line above the list of runs that says how a watched place elsewhere stands."""

from __future__ import annotations

import math

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QLabel, QPushButton, QWidget

from msd_engine.events import Watched
from msd_gui.widgets.controls.numbers import duration

_QUESTION = (
    "Address of a run, a comparison or a folder of runs: a path, sftp://user@host/folder, s3://bucket/folder or\n"
    "another address of fsspec. Its runs are copied into the folder of runs and kept up to date."
)
_ASKING = "{}: not seen yet …"


class Elsewhere(QWidget):
    """The state of a watched place, and a button that ends watching; hidden while nothing is watched.

    Attributes:
        address: The watched place; empty for none.
        last: The place that was watched last.
        left: Emitted when the user ends watching.
    """

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.address = self.last = ""
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.button = QPushButton("Stop watching")
        self.button.setToolTip("Leave the copies as they are.")
        self.button.clicked.connect(self.left)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.label, 1)
        row.addWidget(self.button)
        self.hide()

    def question(self) -> str:
        """Ask for an address; empty if the user cancels."""
        text, given = QInputDialog.getText(self, "Watch runs elsewhere", _QUESTION, text=self.last)
        return text.strip() if given else ""

    def begin(self, address: str) -> None:
        """Show that a place is watched."""
        self.address = self.last = address
        self.label.setText(_ASKING.format(address))
        self.show()

    def end(self) -> None:
        """Show that nothing is watched."""
        self.address = ""
        self.hide()

    def show_watched(self, event: Watched) -> None:
        """Show how the place stands."""
        self.label.setText(words_of(event))


def words_of(event: Watched) -> str:
    """Say how a place stands: how many runs it has, when it was last seen, and why not since."""
    if math.isnan(event.age_s):
        return f"{event.problem} Trying again." if event.problem else _ASKING.format(event.address)
    seen = f"last seen {duration(event.age_s)} ago"
    if event.problem.startswith(event.address):
        return f"{event.problem} It was {seen}. Trying again."
    if event.problem:
        return f"{event.address}: {seen}. {event.problem} Trying again."
    return f"{event.address}: {event.runs} run{'' if event.runs == 1 else 's'}, {seen}."
