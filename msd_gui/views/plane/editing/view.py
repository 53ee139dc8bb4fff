"""The plane whose mixture is edited by hand, and in which points are drawn."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QWheelEvent

from msd_gui.views.base.layers import Layer, ToPixels, draw_curve, draw_dots, pen
from msd_gui.views.plane.editing.shape import Shape
from msd_gui.views.plane.plane import PlaneView

Array = NDArray[Any]
Tool = Literal["", "modes", "points"]

_REACH_PX, _HANDLE_PX, _SPACING_PX, _CORNERS = 12.0, 5.0, 6.0, 72
# Factor of a weight for one notch of a wheel.
_NOTCH = 1.15


class EditablePlane(PlaneView):
    """A plane with handles for the modes of a mixture, or with a pen for points.

    Attributes:
        began: Emitted when a drag begins.
        shaped: Emitted with the changed `Shape`.
        drawn: Emitted with a new point, with shape (2,).
        ended: Emitted when a drag ends.
        chosen_mode: The chosen mode.
    """

    began = Signal()
    shaped = Signal(object)
    drawn = Signal(object)
    ended = Signal()

    def __init__(self) -> None:
        self._tool: Tool = ""
        self._shape: Shape | None = None
        # The dragged handle: mode, and axis or −1 for the mean.
        self._handle: tuple[int, int] | None = None
        self._last: QPointF | None = None
        # Where a drag began, on the screen and in the plane, and the size of a pixel then.
        self._grip: tuple[QPointF, Array, Array] | None = None
        super().__init__()
        self.chosen_mode = 0
        self._handles = Layer(self._draw_handles)
        self.box.addItem(self._handles, ignoreBounds=True)

    def set_tool(self, tool: Tool) -> None:
        """Take a tool, or none."""
        self._tool = tool
        self.setCursor(Qt.CursorShape.CrossCursor if tool == "points" else Qt.CursorShape.ArrowCursor)
        # Chains follow a dragged handle at less than half of its pictures.
        self._front.set_cached(tool == "modes")
        self._handles.update()

    def set_shape(self, shape: Shape | None) -> None:
        """Show the handles of a mixture; None where the data are no mixture."""
        self._shape = shape
        if shape is not None:
            self.chosen_mode = min(self.chosen_mode, len(shape) - 1)
        self._handles.update()

    def show_legend(self) -> None:
        """Show the legend, but not during a drag: a line more or less would move the plane under the hand."""
        if self._handle is None and self._last is None:
            super().show_legend()

    @property
    def shape_missing(self) -> bool:
        """Whether there are no handles to show."""
        return self._shape is None

    def choose(self, mode: int) -> None:
        """Choose a mode."""
        self.chosen_mode = mode
        self._handles.update()

    def place(self, at: Array) -> QPointF:
        """Return a place of the plane in widget pixels."""
        return QPointF(self.mapFromScene(self.box.mapViewToScene(QPointF(float(at[0]), float(at[1])))))

    def handle_at(self, position: QPointF) -> tuple[int, int] | None:
        """Return mode and axis, −1 for the mean, of the handle that is nearest to a position; None for none near."""
        if self._shape is None:
            return None
        found: list[tuple[float, tuple[int, int]]] = []
        for mode in range(len(self._shape)):
            mean = self._shape.means[mode]
            ends = (mean, *(mean + half for half in self._shape.half_axes(mode)))
            for axis, end in zip((-1, 0, 1), ends, strict=True):
                found.append(((self.place(end) - position).manhattanLength(), (mode, axis)))
        # Of handles on each other that of the chosen mode.
        away, handle = min(found, key=lambda one: (one[0], one[1][0] != self.chosen_mode))
        return handle if away <= _REACH_PX else None

    # Events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a handle, begin to draw, or move the view."""
        left = event.button() == Qt.MouseButton.LeftButton
        if left and self._tool == "points":
            self._hold(event)
            self.began.emit()
            self._draw_point(event)
            event.accept()
            return
        handle = self.handle_at(event.position()) if left and self._tool == "modes" else None
        if handle is None:
            super().mousePressEvent(event)
            return
        self._handle = handle
        self.choose(handle[0])
        self._hold(event)
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.began.emit()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the handle, or draw."""
        if self._last is not None:
            if (event.position() - self._last).manhattanLength() >= _SPACING_PX:
                self._draw_point(event)
        elif self._handle is not None and self._shape is not None:
            mode, axis = self._handle
            at = self._dragged_to(event)
            self._change(self._shape.moved(mode, at) if axis < 0 else self._shape.pulled(mode, axis, at))
            if axis >= 0:
                self._handle = mode, self._axis_near(mode, at)
        else:
            super().mouseMoveEvent(event)
            return
        self._show_values(event.position())
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the handle or the pen go."""
        if self._handle is None and self._last is None:
            super().mouseReleaseEvent(event)
            return
        self._handle, self._last, self._grip = None, None, None
        self.show_legend()
        self.ended.emit()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Add a mode where none is, with the tool for modes; otherwise frame the data."""
        at = self._data_at(event.position())
        if self._tool == "modes" and self._shape is not None and self._shape.holding(at) is None:
            self.add_mode(at)
            event.accept()
        elif not self._tool:
            super().mouseDoubleClickEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the weight of the mode under the mouse; elsewhere zoom."""
        shape = self._shape if self._tool == "modes" else None
        mode = shape.holding(self._data_at(event.position())) if shape is not None else None
        if shape is None or mode is None or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
            return
        self.choose(mode)
        self._change(shape.weighed(mode, _NOTCH ** (event.angleDelta().y() / 120)))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete the chosen mode with Delete."""
        if self._tool == "modes" and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_mode()
            event.accept()
        else:
            super().keyPressEvent(event)

    # Changes of the chosen mode

    def add_mode(self, at: Array | None = None) -> None:
        """Add a mode, in the middle of the view where no place is given, and choose it."""
        if self._shape is not None:
            left, right, low, high = self.bounds()
            middle = np.array([(left + right) / 2, (low + high) / 2])
            shape = self._shape.with_mode(middle if at is None else at)
            self._change(shape)
            self.choose(len(shape) - 1)

    def split_mode(self) -> None:
        """Cut the chosen mode in two."""
        if self._shape is not None:
            self._change(self._shape.split(self.chosen_mode))

    def delete_mode(self) -> None:
        """Take the chosen mode away, unless it is the last one."""
        if self._shape is not None and len(self._shape) > 1:
            self._change(self._shape.without(self.chosen_mode))

    def _change(self, shape: Shape) -> None:
        self.set_shape(shape)
        self.shaped.emit(shape)

    def _axis_near(self, mode: int, at: Array) -> int:
        """Return the half axis that points to a place: pulled past the other one, the shorter becomes the longer."""
        assert self._shape is not None
        away = at - self._shape.means[mode]
        return int(np.argmax(np.abs(self._shape.half_axes(mode) @ away) / np.hypot(*self._shape.half_axes(mode).T)))

    def _draw_point(self, event: QMouseEvent) -> None:
        self._last = QPointF(event.position())
        self.drawn.emit(self._dragged_to(event))

    def _hold(self, event: QMouseEvent) -> None:
        """Remember the scale of the plane: words that come and go around it must not move a drag."""
        sizes = np.array(self.box.viewPixelSize()) * (1.0, -1.0)
        self._grip = event.globalPosition(), self._data_at(event.position()), sizes

    def _dragged_to(self, event: QMouseEvent) -> Array:
        """Return the place of a drag in the plane, at the scale of its beginning."""
        assert self._grip is not None
        begun, at, sizes = self._grip
        moved = event.globalPosition() - begun
        place: Array = at + sizes * (moved.x(), moved.y())
        return place

    def _data_at(self, position: QPointF) -> Array:
        at = self.box.mapSceneToView(self.mapToScene(position.toPoint()))
        return np.array([at.x(), at.y()])

    def _draw_handles(self, painter: QPainter, to_px: ToPixels) -> None:
        if self._tool != "modes" or self._shape is None:
            return
        turn = np.linspace(0, 2 * np.pi, _CORNERS)
        circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        for mode, mean in enumerate(self._shape.means):
            halves = self._shape.half_axes(mode)
            colour = self.colours.chosen if mode == self.chosen_mode else self.colours.text
            draw_curve(painter, to_px(mean + circle @ halves), colour, 1.4)
            painter.setPen(pen(self.colours.base, 1.0))
            painter.setBrush(QColor(colour))
            draw_dots(painter, to_px(np.concatenate((mean[None], mean + halves))), _HANDLE_PX)
            at = to_px(mean[None])[0]
            painter.setPen(QColor(self.colours.text))
            painter.drawText(QPointF(at[0] + 8, at[1] - 8), f"{self._shape.weights[mode]:.2f}")
