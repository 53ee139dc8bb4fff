"""The legend of a plot: a row above it that wraps, so that it never covers data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from msd_engine.events.plots import Key
from msd_gui.theme import Colours
from msd_gui.views.base.colour_maps import colour_of
from msd_gui.views.base.fonts import font_of
from msd_gui.views.base.layers import draw_arrows, draw_crosses, draw_diamonds, pen
from msd_gui.views.base.rich import draw_rich, has_index, indexed


class Legend(pg.GraphicsWidget):
    """Marks with labels, wrapped from left to right into as many rows as needed.

    Args:
        view: The plot view; gives font and text colour.
    """

    def __init__(self, view: Any) -> None:
        super().__init__()
        # It seldom changes, but lies in the same scene as layers that often do.
        self.setCacheMode(pg.GraphicsWidget.CacheMode.DeviceCoordinateCache)
        self._view = view
        self._entries: tuple[Key, ...] = ()
        self._places: list[QRectF] = []
        self.set_entries(())

    def set_entries(self, entries: tuple[Key, ...]) -> None:
        """Show these entries; lay out again only if the labels have changed."""
        if entries == self._entries and entries:
            return
        same = [e.words for e in entries] == [e.words for e in self._entries]
        self._entries = entries
        if not same or not entries:
            self._lay_out()
        self.update()

    def entries(self) -> tuple[Key, ...]:
        """The current entries."""
        return self._entries

    def resizeEvent(self, event: Any) -> None:
        """Wrap again for another width."""
        super().resizeEvent(event)
        self._lay_out()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Paint marks and labels."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font_of(self._view))
        for entry, place in zip(self._entries, self._places, strict=True):
            mark = QRectF(place.left(), place.top(), place.height(), place.height())
            draw_mark(painter, entry, mark, self._view.colours)
            painter.setPen(QColor(self._view.colours.text))
            words = place.adjusted(place.height() + 3, 0, 4, 0)
            if has_index(entry.words):
                draw_rich(painter, words, indexed(entry.words), left=True)
            else:
                painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, entry.words)

    def _lay_out(self) -> None:
        metrics = QFontMetricsF(font_of(self._view))
        height, left, top = metrics.height(), 6.0, 2.0
        self._places = []
        for entry in self._entries:
            width = height + 3 + metrics.horizontalAdvance(entry.words)
            if self._places and left + width > self.size().width():
                left, top = 6.0, top + height + 2
            self._places.append(QRectF(left, top, width, height))
            left += width + 12
        needed = top + height + 2 if self._entries else 4.0
        if needed != self.maximumHeight():
            self.setFixedHeight(needed)


def draw_mark(painter: QPainter, entry: Key, place: QRectF, colours: Colours) -> None:
    """Paint the mark of an entry into a square."""
    colour, centre, half = QColor(colour_of(colours, entry.colour)), place.center(), place.height() * 0.42
    ends = QPointF(centre.x() - half, centre.y()), QPointF(centre.x() + half, centre.y())
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(colour, 2.0))
    if entry.mark == "line":
        painter.drawLine(*ends)
    elif entry.mark == "dash":
        painter.drawLine(ends[0], QPointF(centre.x() - 0.3 * half, centre.y()))
        painter.drawLine(QPointF(centre.x() + 0.3 * half, centre.y()), ends[1])
    elif entry.mark == "dotted":
        painter.setPen(QPen(colour, 2.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        for share in (-0.9, -0.3, 0.3, 0.9):
            painter.drawPoint(QPointF(centre.x() + share * half, centre.y()))
    elif entry.mark == "arrow":
        draw_arrows(painter, np.array([[ends[0].x(), ends[0].y()]]), np.array([[1.0, 0.0]]), 2 * half)
    elif entry.mark == "cross":
        draw_crosses(painter, np.array([[centre.x(), centre.y()]]), 0.8 * half)
    elif entry.mark == "ring":
        painter.drawEllipse(centre, half * 0.7, half * 0.7)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        if entry.mark == "dot":
            painter.drawEllipse(centre, half * 0.6, half * 0.6)
        elif entry.mark == "diamond":
            draw_diamonds(painter, np.array([[centre.x(), centre.y()]]), half * 0.8)
        else:
            painter.drawRect(QRectF(centre.x() - half, centre.y() - half, 2 * half, 2 * half))
