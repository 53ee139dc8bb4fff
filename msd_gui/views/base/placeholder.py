"""Placeholder of an empty view: a sentence on its future content, and a button that starts it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from msd_gui.views.base.rich import plain


class Placeholder(QWidget):
    """A sentence and a button.

    Args:
        sentence: Describes the future content.
        button: Label of the button; empty for no button.
    """

    pressed = Signal()

    def __init__(self, sentence: str, button: str = "") -> None:
        super().__init__()
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setProperty("role", "muted")
        self.set_sentence(sentence)
        self.button = QPushButton(button, self)
        self.set_button(button)
        self.button.clicked.connect(self.pressed)
        layout = QVBoxLayout(self)
        layout.addStretch()
        layout.addWidget(self._words)
        layout.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignCenter)
        layout.addStretch()

    def set_sentence(self, sentence: str) -> None:
        """Change the sentence."""
        self._words.setText(sentence)
        self.setAccessibleName(plain(sentence))

    def sentence(self) -> str:
        """Return the sentence."""
        return self._words.text()

    def set_button(self, words: str) -> None:
        """Change the button's label; an empty one hides the button."""
        self.button.setText(words)
        self.button.setVisible(bool(words))


class PlaceholderStack(QStackedWidget):
    """Shows a placeholder until its view has data.

    Args:
        view: The view.
        placeholder: Shown until then.
        height_px: Fixed height of the view; 0 lets it grow.
        empty_px: Fixed height of the placeholder, if the view has one.
    """

    def __init__(
        self,
        view: QWidget,
        placeholder: Placeholder,
        *,
        height_px: int = 0,
        empty_px: int = 0,
    ) -> None:
        super().__init__()
        self.view, self.placeholder = view, placeholder
        self._height_px, self._empty_px = height_px, empty_px
        self.addWidget(placeholder)
        self.addWidget(view)
        self.set_ready(False)

    def set_ready(self, ready: bool) -> None:
        """Show the view if it is ready, else the lower placeholder."""
        self.setCurrentWidget(self.view if ready else self.placeholder)
        if self._height_px:
            self.setFixedHeight(self._height_px if ready else self._empty_px)

    def set_height(self, height_px: int) -> None:
        """Change the fixed height of the view."""
        self._height_px = height_px
        self.set_ready(self.currentWidget() is self.view)
