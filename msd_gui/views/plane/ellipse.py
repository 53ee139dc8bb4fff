"""The plane with the ellipse of a noise, which is turned and stretched by the end of its shorter axis."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter

from msd_engine.events.plots import Array, Key
from msd_gui.views.base.layers import Layer, ToPixels, draw_curve, draw_dots
from msd_gui.views.plane.plane import PlaneView

_REACH_PX, _HANDLE_PX, _WIDTH_PX = 14.0, 6.0, 1.6
_CORNERS = 96
_KEY = Key("line", "chosen", "shape of the noise, not its size")


class EllipseView(PlaneView):
    """A cloud and the ellipse xᵀC⁻¹x = s² of a covariance C with trace 2.

    Attributes:
        began: Emitted when a drag begins.
        dragged: Emitted with the ratio of the axes and the angle of the longer one in degrees, from 0 to 180.
        ended: Emitted when it ends.
    """

    began = Signal()
    dragged = Signal(float, float)
    ended = Signal()

    def __init__(self) -> None:
        self._root: Array | None = None
        super().__init__()
        self._scale, self._held_by_hand = 1.0, False
        self._ellipse = Layer(self._draw_ellipse)
        self.box.addItem(self._ellipse, ignoreBounds=True)

    def set_ellipse(self, covariance: Array | None, scale: float = 1.0) -> None:
        """Show the ellipse of a covariance with shape (2, 2), s = `scale`; None shows none."""
        self._root, self._scale = None, scale
        if covariance is not None:
            variances, axes = np.linalg.eigh(covariance)
            self._root = axes * np.sqrt(variances)
        self._ellipse.update()
        self.show_legend()

    def show_legend(self) -> None:
        """Show the legend of the cloud and of the ellipse."""
        entries = self._held.entries()
        self.legend_row.set_entries(entries if self._root is None else (*entries, _KEY))

    def handle(self) -> QPointF | None:
        """Return the place of the handle in widget pixels; None without an ellipse."""
        if self._root is None:
            return None
        return QPointF(self.mapFromScene(self.box.mapViewToScene(QPointF(*(self._scale * self._root[:, 0])))))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the handle, or move the view."""
        handle = self.handle()
        near = handle is not None and _distance(handle, event.position()) < _REACH_PX
        if near and event.button() == Qt.MouseButton.LeftButton:
            self._held_by_hand = True
            self.began.emit()
            event.accept()
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn and stretch the ellipse."""
        if not self._held_by_hand:
            super().mouseMoveEvent(event)
            return
        at = self.box.mapSceneToView(self.mapToScene(event.position().toPoint()))
        length = max(math.hypot(at.x(), at.y()) / self._scale, 1e-6)
        # The shorter axis has the length √(2/(a² + 1)).
        elongation = math.sqrt(max(2 / length**2 - 1, 1.0))
        angle = math.degrees(math.atan2(at.y(), at.x())) - 90
        self.dragged.emit(elongation, angle % 180)
        self._show_values(event.position())
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the handle go."""
        if not self._held_by_hand:
            super().mouseReleaseEvent(event)
            return
        self._held_by_hand = False
        self.ended.emit()
        event.accept()

    def _draw_ellipse(self, painter: QPainter, to_px: ToPixels) -> None:
        if self._root is None:
            return
        turn = np.linspace(0, 2 * np.pi, _CORNERS)
        line = self._scale * np.stack([np.cos(turn), np.sin(turn)], axis=1) @ self._root.T
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_curve(painter, to_px(line), self.colours.chosen, _WIDTH_PX)
        painter.setBrush(QColor(self.colours.chosen))
        draw_dots(painter, to_px(line[:1]), _HANDLE_PX)


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())
