"""A row above the list of runs: search box, number of found runs, and buttons for the chosen ones."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QWidget


class FirstRun(QWidget):
    """A sentence and a button above the list, as long as there are no runs."""

    def __init__(self, sentence: str, words: str) -> None:
        super().__init__()
        label = QLabel(sentence)
        label.setProperty("role", "muted")
        label.setWordWrap(True)
        self.button = QPushButton(words)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label, 1)
        row.addWidget(self.button)
        self.hide()


class SearchRow(QWidget):
    """Box, count and buttons.

    Attributes:
        count: Label with the number of found runs.
        changed: Emitted with the search text.
    """

    changed = Signal(str)

    def __init__(self, hint: str, actions: Sequence[QAction]) -> None:
        """Build the row with a hint in the empty box and a button for each action."""
        super().__init__()
        self.box = QLineEdit()
        self.box.setObjectName("runs.search")
        self.box.setAccessibleName("Search")
        self.box.setPlaceholderText(hint)
        self.box.setClearButtonEnabled(True)
        self.box.textChanged.connect(self.changed)
        self.count = QLabel()
        self.count.setProperty("role", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.box, 1)
        row.addWidget(self.count)
        row.addSpacing(8)
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            row.addWidget(button)

    def set_count(self, shown: int, total: int) -> None:
        """Show the numbers of found runs and of all runs."""
        what = "run" if total == 1 else "runs"
        self.count.setText(f"{total:,} {what}" if shown == total else f"{shown:,} of {total:,} {what}")
