"""An image and the training images nearest to it, in one row with their distances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from msd_gui.views.base.canvas import Canvas, outline
from msd_gui.views.base.fonts import font_of
from msd_gui.views.base.pixels import image_of_rgb32, to_rgb32

_GAP_PX, _APART_PX, _LARGEST_PX, _SMALL = 4.0, 12.0, 40.0, 0.8


class NeighboursView(Canvas):
    """The image on the left, its nearest training images beside it, nearest first."""

    def __init__(self) -> None:
        super().__init__("Nearest training images")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._pictures: list[QImage] = []
        self._captions: tuple[str, ...] = ()

    def set_images(self, image: NDArray[Any], neighbours: NDArray[Any], captions: tuple[str, ...]) -> None:
        """Shows an image and its neighbours.

        Args:
            image: The image with shape (C, H, W).
            neighbours: The others with shape (m, C, H, W).
            captions: What stands under each of the others.
        """
        self._pictures = [image_of_rgb32(to_rgb32(one)) for one in np.concatenate((image[None], neighbours))]
        self._captions = ("sample", *captions)
        self.setToolTip("The chosen sample, and the training images with the least difference from it.")
        self.update()

    def places(self) -> list[QRectF]:
        """Where the pictures lie."""
        count = len(self._pictures)
        if not count:
            return []
        room = self.width() - 2 * _GAP_PX - _APART_PX - (count - 1) * _GAP_PX
        side = min(room / count, self.height() - self.line_height(_SMALL) - 2 * _GAP_PX, _LARGEST_PX)
        lefts = [_GAP_PX + i * (side + _GAP_PX) + (_APART_PX if i else 0.0) for i in range(count)]
        return [QRectF(left, _GAP_PX, side, side) for left in lefts]

    def sizeHint(self) -> QSize:
        """One row of pictures with a line under it."""
        return QSize(300, round(_LARGEST_PX + self.line_height(_SMALL) + 2 * _GAP_PX))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paints the pictures without smoothing, and a line under each."""
        del event
        with self.begin() as painter:
            painter.setFont(font_of(self, _SMALL))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            for place, picture, caption in zip(self.places(), self._pictures, self._captions, strict=True):
                painter.drawImage(place, picture)
                painter.setPen(QColor(self.colours.text))
                line = QRectF(
                    place.left() - _GAP_PX, place.bottom(), place.width() + 2 * _GAP_PX, self.line_height(_SMALL)
                )
                painter.drawText(line, Qt.AlignmentFlag.AlignCenter, caption)
            for place in self.places()[:1]:
                outline(painter, place, self.colours.chosen, 2.0)
