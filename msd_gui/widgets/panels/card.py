"""A message with the problem, its reason, and a button that fixes it."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout

from msd_gui.theme import icon

Severity = Literal["info", "good", "warning", "error"]


class Card(QFrame):
    """A coloured bar with icon, title and text, an optional button and a close button.

    Attributes:
        action: Emitted when the button is pressed.
        dismissed: Emitted when the card is closed.
    """

    action = Signal()
    dismissed = Signal()

    def __init__(
        self,
        severity: Severity,
        title: str,
        text: str,
        action: str = "",
        *,
        dismissible: bool = True,
        stacked: bool = False,
        rich: bool = False,
    ) -> None:
        """Build the card.

        Args:
            severity: ``info``, ``good``, ``warning`` or ``error``.
            title: One short line, may be empty.
            text: One or two sentences.
            action: Text of the button; empty for none.
            dismissible: Whether there is a close button.
            stacked: Whether the button is below the text, as in a narrow column.
            rich: Whether the text has markup such as subscripts; never for text from outside.
        """
        super().__init__()
        self.setObjectName("card")
        self._title, self._text = QLabel(self), QLabel(self)
        self._symbol = QToolButton(self)
        self._button = QPushButton(self)
        self._cross = QToolButton(self)
        self._severity: Severity | None = None
        self._arrange(stacked)
        if rich:
            self._text.setTextFormat(Qt.TextFormat.RichText)
        self.set_message(severity, title, text, action)
        self._cross.setVisible(dismissible)
        self._button.clicked.connect(self.action)
        self._cross.clicked.connect(self._dismiss)

    def set_message(self, severity: Severity, title: str, text: str, action: str = "") -> None:
        """Replace severity, title, text and button, as in the constructor."""
        self.setAccessibleName(f"{severity.capitalize()}: {title or text}")
        if severity != self._severity:
            self._severity = severity
            self.setProperty("severity", severity)
            self.style().polish(self)
            self._symbol.setIcon(icon(severity, "accent" if severity == "info" else severity))
        self._title.setText(title)
        self._title.setVisible(bool(title))
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self._button.setText(action)
        self._button.setVisible(bool(action))

    def text(self) -> str:
        """Return the text."""
        return self._text.text()

    def _arrange(self, stacked: bool) -> None:
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        for label in (self._title, self._text):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # A button without input: its icon follows the colour scheme, a label's pixmap would not.
        self._symbol.setAutoRaise(True)
        self._symbol.setIconSize(QSize(18, 18))
        self._symbol.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._symbol.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._cross.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._cross.setIcon(icon("close"))
        self._cross.setAutoRaise(True)
        self._cross.setToolTip("Close this message")
        self._cross.setAccessibleName("Close")
        words, row = QVBoxLayout(), QHBoxLayout(self)
        self._words = words
        words.setSpacing(1)
        words.addWidget(self._title)
        words.addWidget(self._text)
        row.setContentsMargins(8, 6, 6, 6)
        row.setSpacing(8)
        row.addWidget(self._symbol, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        if stacked:
            words.addSpacing(4)
            words.addWidget(self._button, 0, Qt.AlignmentFlag.AlignLeft)
        else:
            row.addWidget(self._button, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._cross, 0, Qt.AlignmentFlag.AlignTop)

    def _dismiss(self) -> None:
        self.hide()
        self.dismissed.emit()
