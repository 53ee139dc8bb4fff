"""A picture to draw on with the mouse, and a mask to paint over it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen

from msd_gui.theme import with_alpha
from msd_gui.views.base.canvas import Canvas
from msd_gui.views.base.pixels import image_of_rgb32, to_rgb32
from msd_gui.views.images.brush import Stroke, painted
from msd_gui.views.images.tiling import fit

Tool = Literal["draw", "erase", "mask", "unmask"]

# A pixel belongs to the mask if the stroke covers half of it.
_HALF = 0.5
_MARGIN_PX = 4.0


class DrawingView(Canvas):
    """A picture enlarged so that its pixels are visible.

    Attributes:
        stroke_began: Emitted when the mouse is pressed on the picture.
        drawn: Emitted after each move of the brush that changed the picture.
        masked: Emitted after each move of the brush that changed the mask.
        stroke_ended: Emitted when the mouse is released.
    """

    stroke_began = Signal()
    drawn = Signal()
    masked = Signal()
    stroke_ended = Signal()

    def __init__(self) -> None:
        super().__init__("The picture x: draw here with the mouse")
        self.setMinimumSize(120, 120)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.tool: Tool = "draw"
        self.radius = 1.2
        self.colour: tuple[int, ...] = (255, 255, 255)
        self._picture: NDArray[np.uint8] = np.zeros((1, 8, 8), np.uint8)
        self._mask: NDArray[np.bool_] = np.zeros((8, 8), np.bool_)
        self._before: tuple[NDArray[np.uint8], NDArray[np.bool_], Stroke] | None = None
        self._pointer: QPointF | None = None
        self._image = QImage()
        self._renew()

    def picture(self) -> NDArray[np.uint8]:
        """Return the picture, with shape (C, H, W), uint8."""
        return self._picture

    def marked(self) -> NDArray[np.bool_]:
        """Return the mask, with shape (H, W)."""
        return self._mask

    @property
    def drawing(self) -> bool:
        """Whether a stroke is in progress."""
        return self._before is not None

    def set_picture(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture; one of another size clears the mask.

        Args:
            picture: With shape (C, H, W), C = 1 or 3, uint8.
        """
        if picture.shape[1:] != self._mask.shape:
            self._mask = np.zeros(picture.shape[1:], np.bool_)
        self._picture = np.ascontiguousarray(picture)
        self._renew()

    def set_marked(self, mask: NDArray[np.bool_]) -> None:
        """Show a mask with shape (H, W), as the picture."""
        self._mask = mask
        self.update()

    def place(self) -> QRectF:
        """Return the rectangle of the picture in the widget."""
        area = QRectF(self.rect()).adjusted(_MARGIN_PX, _MARGIN_PX, -_MARGIN_PX, -_MARGIN_PX)
        return fit(1, (self._picture.shape[1], self._picture.shape[2]), area, self.devicePixelRatioF()).cell(0)

    def to_pixel(self, position: QPointF) -> tuple[float, float]:
        """Convert a position in the widget to pixels of the picture, x to the right and y down."""
        place = self.place()
        scale = place.width() / self._picture.shape[2]
        return (position.x() - place.left()) / scale, (position.y() - place.top()) / scale

    def sizeHint(self) -> QSize:
        """Return a size that is comfortable for drawing."""
        return QSize(300, 300)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a stroke."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._before = self._picture, self._mask, Stroke(self._mask.shape, self.radius)
            self.stroke_began.emit()
            self._stroke_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the brush, and draw if the button is down."""
        self._pointer = event.position()
        if self.drawing:
            self._stroke_to(event.position())
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the stroke."""
        if event.button() == Qt.MouseButton.LeftButton and self.drawing:
            self._before = None
            self.stroke_ended.emit()

    def leaveEvent(self, event: Any) -> None:
        """Hide the brush."""
        self._pointer = None
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture, the mask over it, and the outline of the brush."""
        del event
        with self.begin() as painter:
            place = self.place()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(place, self._image)
            self._paint_mask(painter, place)
            painter.setPen(QColor(self.colours.border))
            painter.drawRect(place.adjusted(-1, -1, 0, 0))
            if self._pointer is not None and place.contains(self._pointer):
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                radius = self.radius * place.width() / self._picture.shape[2]
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(self.colours.chosen), 1.5))
                painter.drawEllipse(self._pointer, radius, radius)

    def _paint_mask(self, painter: QPainter, place: QRectF) -> None:
        scale = place.width() / self._mask.shape[1]
        brush = with_alpha(self.colours.chosen, 0.55)
        for y, x in np.argwhere(self._mask):
            left, top = round(place.left() + x * scale), round(place.top() + y * scale)
            right, bottom = round(place.left() + (x + 1) * scale), round(place.top() + (y + 1) * scale)
            painter.fillRect(left, top, right - left, bottom - top, brush)

    def _stroke_to(self, position: QPointF) -> None:
        assert self._before is not None
        picture, mask, stroke = self._before
        stroke.move_to(self.to_pixel(position))
        cover = stroke.cover()
        if self.tool in ("mask", "unmask"):
            hit = cover >= _HALF
            self._mask = mask | hit if self.tool == "mask" else mask & ~hit
            self.update()
            self.masked.emit()
            return
        channels = len(picture)
        ink = (0,) * channels if self.tool == "erase" else self.colour[:channels]
        self._picture = painted(picture, cover, ink)
        self._renew()
        self.drawn.emit()

    def _renew(self) -> None:
        self._image = image_of_rgb32(to_rgb32(self._picture))
        self.update()
