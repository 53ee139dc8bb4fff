"""Base class of the views that paint images themselves."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from msd_gui.theme import Colours, colours_of
from msd_gui.views.base.fonts import font_of


class Canvas(QWidget):
    """A widget that paints itself in the theme's colours, and only after a change."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        # `begin` covers everything: without this Qt would repaint all parents at every change.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setMinimumSize(120, 60)

    @property
    def colours(self) -> Colours:
        """The colours of the current theme."""
        return colours_of(self.palette())

    def line_height(self, size: float = 1.0) -> int:
        """Return the height in pixels of a line of text, for a size relative to the view's font."""
        return round(self.fontMetrics().height() * size)

    def changeEvent(self, event: QEvent) -> None:
        """Update theme and font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self.update()

    def tip_at(self, position: QPointF) -> str:
        """Return the tooltip at a position in widget pixels; empty for that of the whole widget."""
        del position
        return ""

    def event(self, event: QEvent) -> bool:
        """Show the tooltip of the place under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.tip_at(QPointF(event.pos()))
            if text or not self.toolTip():
                QToolTip.showText(event.globalPos(), text, self)
                return True
        return bool(super().event(event))

    def begin(self) -> QPainter:
        """Return a painter on a cleared background with the view's font; use it in a ``with``."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.colours.base))
        painter.setFont(font_of(self))
        painter.setPen(QColor(self.colours.text))
        return painter


def outline(painter: QPainter, place: QRectF, colour: str, width: float = 2.0) -> None:
    """Draw a frame just outside a rectangle."""
    painter.setPen(QColor(colour))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for grow in range(1, round(width) + 1):
        painter.drawRect(place.adjusted(-grow, -grow, grow - 1, grow - 1))


def strike(painter: QPainter, place: QRectF, colour: str) -> None:
    """Cross out a rectangle."""
    painter.setPen(QPen(QColor(colour), 2.0))
    painter.drawLine(place.topLeft(), place.bottomRight())
    painter.drawLine(QPointF(place.right(), place.top()), QPointF(place.left(), place.bottom()))
