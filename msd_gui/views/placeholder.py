"""What stands where there is nothing to see yet: what will be there, and the button that brings it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget


class Placeholder(QWidget):
    """A sentence and a button.

    Args:
        sentence: What will be here.
        button: What the button says; empty for no button.
        icon: Icon of the button.
        parent: The widget that owns the view.
    """

    asked = Signal()

    def __init__(
        self, sentence: str, button: str = "", icon: QIcon | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(sentence)
        self._words = QLabel(sentence, self)
        self._words.setWordWrap(True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setProperty("role", "muted")
        self.button = QPushButton(button, self)
        self.button.setVisible(bool(button))
        if icon is not None:
            self.button.setIcon(icon)
        self.button.clicked.connect(self.asked)
        layout = QVBoxLayout(self)
        layout.addStretch()
        layout.addWidget(self._words)
        layout.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignCenter)
        layout.addStretch()

    def set_sentence(self, sentence: str) -> None:
        """Says something else."""
        self._words.setText(sentence)
        self.setAccessibleName(sentence)


class Awaiting(QStackedWidget):
    """Shows a placeholder until its view has something to show.

    Args:
        view: The view.
        placeholder: What stands in for it.
        parent: The widget that owns both.
    """

    def __init__(self, view: QWidget, placeholder: Placeholder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view, self.placeholder = view, placeholder
        self.addWidget(placeholder)
        self.addWidget(view)

    def set_ready(self, ready: bool) -> None:
        """Shows the view if it is ready, else the placeholder."""
        self.setCurrentWidget(self.view if ready else self.placeholder)
