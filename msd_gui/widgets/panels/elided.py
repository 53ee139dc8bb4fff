"""A label for one line that may not fit."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy


class ElidedLabel(QLabel):
    """A line of plain text that ends in an ellipsis where it does not fit, and does not widen its window.

    Args:
        role: Its role in the style sheet; empty for none.
    """

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if role:
            self.setProperty("role", role)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint as much of the text as fits."""
        del event
        place = self.contentsRect()
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, place.width())
        with QPainter(self) as painter:
            self.style().drawItemText(
                painter, place, int(self.alignment()), self.palette(), self.isEnabled(), shown, self.foregroundRole()
            )
