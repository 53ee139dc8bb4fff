"""How well the chains follow each level of a ladder: s_T²/σ² as a step for every level, over the line at 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy

from msd_gui.theme import with_alpha
from msd_gui.views.base.canvas import Canvas
from msd_gui.views.base.fonts import font_of
from msd_gui.widgets.controls.numbers import number

HEIGHT_PX = 54
_LEFT_PX, _RIGHT_PX, _EDGE_PX = 26, 6, 7
# The scale covers at least the first pair and at most the second.
_LEAST, _MOST = (0.9, 1.2), (0.0, 4.0)


class SwellingView(Canvas):
    """A small plot of s_T²/σ² by level; 1 is exact, more is noise that has not settled."""

    def __init__(self) -> None:
        super().__init__("Variance of the residuals by level")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._sigma: NDArray[Any] = np.empty(0)
        self._ratio: NDArray[Any] = np.empty(0)

    def set_levels(self, sigma: NDArray[Any], ratio: NDArray[Any]) -> None:
        """Show a ladder.

        Args:
            sigma: Noise of one copy at each level, with shape (L,).
            ratio: s_T²/σ² at each level, with shape (L,).
        """
        if not (np.array_equal(sigma, self._sigma) and np.array_equal(ratio, self._ratio)):
            self._sigma, self._ratio = sigma, ratio
            self.update()

    def sizeHint(self) -> QSize:
        """Return the size of a strip."""
        return QSize(240, HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        """Return the same height with a smaller width."""
        return QSize(120, HEIGHT_PX)

    def limits(self) -> tuple[float, float]:
        """Return the lower and the upper end of the scale."""
        finite = self._ratio[np.isfinite(self._ratio)]
        low, high = (finite.min(), finite.max()) if len(finite) else (1.0, 1.0)
        if len(finite) < len(self._ratio):
            high = _MOST[1]
        return max(_MOST[0], min(_LEAST[0], float(low))), min(_MOST[1], max(_LEAST[1], float(high)))

    def tip_at(self, position: QPointF) -> str:
        """Describe the level at a position; empty outside."""
        width = max(1.0, self.width() - _LEFT_PX - _RIGHT_PX)
        level = math.floor((position.x() - _LEFT_PX) / width * len(self._ratio))
        if not 0 <= level < len(self._ratio):
            return ""
        ratio = number(float(self._ratio[level])) if np.isfinite(self._ratio[level]) else "∞"
        return f"level {level + 1}, σ = {number(float(self._sigma[level]))}: s_T²/σ² = {ratio}"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the steps, the line at 1 and the ends of the scale."""
        del event
        with self.begin() as painter:
            if not len(self._ratio):
                return
            low, high = self.limits()
            top, bottom = float(_EDGE_PX), float(self.height() - _EDGE_PX)

            def y_of(value: float) -> float:
                return bottom - (min(max(value, low), high) - low) / (high - low) * (bottom - top)

            self._paint_steps(painter, y_of, bottom)
            colours = self.colours
            painter.setPen(QPen(QColor(colours.exact), 1.2, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(_LEFT_PX, y_of(1.0)), QPointF(self.width() - _RIGHT_PX, y_of(1.0)))
            painter.setPen(QColor(colours.text))
            painter.setFont(font_of(self, 0.85))
            half = self.line_height(0.85) / 2
            for value in (1.0, high):
                if value == high and abs(y_of(value) - y_of(1.0)) < 2 * half:
                    continue
                place = QRectF(0, y_of(value) - half, _LEFT_PX - 4, 2 * half)
                painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number(value))

    def _paint_steps(self, painter: QPainter, y_of: Any, bottom: float) -> None:
        ratio = np.nan_to_num(self._ratio, nan=_MOST[1], posinf=_MOST[1])
        edges = np.linspace(_LEFT_PX, self.width() - _RIGHT_PX, len(ratio) + 1)
        corners = zip(np.repeat(edges, 2)[1:-1], np.repeat(ratio, 2), strict=True)
        outline = [QPointF(x, y_of(value)) for x, value in corners]
        colour = QColor(self.colours.accent)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(with_alpha(self.colours.accent, 0.2))
        ground = [QPointF(edges[-1], bottom), QPointF(edges[0], bottom)]
        painter.drawPolygon(QPolygonF([*outline, *ground]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(outline))
