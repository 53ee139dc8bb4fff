"""The picture of an export dialog: what the file will show, shrunk to fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from msd_gui.theme import colours_of

_MARGIN_PX = 12.0


def image_of(pixels: NDArray[np.uint8]) -> QImage:
    """Return an image that points to contiguous pixels with shape (rows, columns, 3), which must outlive it."""
    high, wide = pixels.shape[:2]
    return QImage(pixels.data, wide, high, 3 * wide, QImage.Format.Format_RGB888)


class PreviewPicture(QWidget):
    """Shows a picture as large as it fits, never enlarged by a broken factor, on a ground that shows its edges."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Preview of the file")
        self.setMinimumSize(280, 220)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._pixels: NDArray[np.uint8] | None = None
        self.image = QImage()

    def sizeHint(self) -> QSize:
        """Return a size for a figure of a paper."""
        return QSize(620, 440)

    def set_pixels(self, pixels: NDArray[np.uint8]) -> None:
        """Show a picture with shape (rows, columns, 3)."""
        # Kept: the image only points to it.
        self._pixels = np.ascontiguousarray(pixels)
        self.image = image_of(self._pixels)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture in the middle."""
        del event
        painter = QPainter(self)
        colours = colours_of(self.palette())
        painter.fillRect(self.rect(), QColor(colours.border))
        if self.image.isNull():
            return
        ratio = self.devicePixelRatioF()
        room_x, room_y = self.width() - 2 * _MARGIN_PX, self.height() - 2 * _MARGIN_PX
        scale = min(room_x / self.image.width(), room_y / self.image.height(), 1.0 / ratio)
        wide, high = self.image.width() * scale, self.image.height() * scale
        place = QRectF(round((self.width() - wide) / 2), round((self.height() - high) / 2), wide, high)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale * ratio < 1.0)
        painter.drawImage(place, self.image)
        painter.setPen(QColor(colours.muted))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place)
