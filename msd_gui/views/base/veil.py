"""A veil over a view whose content belongs to earlier settings."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

_ALPHA = 150


class Veil(QWidget):
    """Dims a widget; the mouse works through it."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        over.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the widget at any size."""
        if event.type() == QEvent.Type.Resize:
            self._cover()
        return super().eventFilter(watched, event)

    def set_on(self, on: bool) -> None:
        """Dim the widget, or show it as it is."""
        self._cover()
        self.setVisible(on)
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint over the widget."""
        del event
        framed = isinstance(self._over, QAbstractScrollArea)
        role = QPalette.ColorRole.Base if framed else QPalette.ColorRole.Window
        colour = QColor(self.palette().color(role))
        colour.setAlpha(_ALPHA)
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), colour)

    def _cover(self) -> None:
        self.setGeometry(self._over.rect())
