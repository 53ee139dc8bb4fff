"""A grid of N images, one of which can be chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent

from msd_gui.views.base.canvas import Canvas, outline
from msd_gui.views.base.pixels import image_of_rgb32, to_rgb32
from msd_gui.views.images.tiling import Tiling, fit

_MARGIN_PX = 4.0
_DIMMED = 0.35


class ImageGridView(Canvas):
    """N images in a near-square grid, enlarged by whole factors if they fit."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__("The grid of samples")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self._image = QImage()
        self._count = 0
        self._size = (1, 1)
        self._columns = 1
        self._place: tuple[object, ...] = ()
        self._chosen: int | None = None
        self._dead: dict[int, str] = {}
        self._dimmed: int | None = None

    def set_images(self, images: NDArray[Any]) -> None:
        """Show images.

        Args:
            images: With shape (N, C, H, W), C = 1 or 3, uint8 or floats in [-1, 1]; N = 0 empties the view.

        Raises:
            ValueError: The shape is different.
        """
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ValueError(f"Images have shape (N, 1 or 3, H, W), not {images.shape}.")
        self._count, self._size = len(images), (images.shape[2], images.shape[3])
        # One picture with the images stacked; the grid copies its parts.
        self._image = image_of_rgb32(to_rgb32(images).reshape(-1, images.shape[3])) if self._count else QImage()
        if self._chosen is not None and self._chosen >= self._count:
            self._chosen = None
        self.update()

    def set_chosen(self, index: int | None) -> None:
        """Outline one image; None outlines none."""
        if index != self._chosen:
            self._chosen = index
            self.update()

    def set_dead(self, reasons: Mapping[int, str]) -> None:
        """Mark the chains that did not survive, with a frame and the reason."""
        if reasons != self._dead:
            self._dead = dict(reasons)
            self.update()

    def set_dimmed(self, first: int | None) -> None:
        """Dim the images from a number on; None dims none."""
        if first != self._dimmed:
            self._dimmed = first
            self.update()

    def tiling(self) -> Tiling | None:
        """Return the layout of the images, or None without images."""
        if not self._count:
            return None
        area = QRectF(self.rect()).adjusted(_MARGIN_PX, _MARGIN_PX, -_MARGIN_PX, -_MARGIN_PX)
        # A strip that appears below takes height: only another window, or other images, change the columns.
        ratio = self.devicePixelRatioF()
        place = (self._count, self._size, self.width(), self.window().size(), ratio)
        kept = self._columns if place == self._place else 0
        tiles = fit(self._count, self._size, area, ratio, columns=kept)
        self._place, self._columns = place, tiles.columns
        return tiles

    def sizeHint(self) -> QSize:
        """Return the size of a few rows."""
        return QSize(480, 480)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the images, without smoothing those enlarged by a whole factor."""
        del event
        tiles, (height, width) = self.tiling(), self._size
        with self.begin() as painter:
            if tiles is None:
                return
            # Smooth an image whose pixels would be dropped or differ in size: it would mislead.
            scale = tiles.cell_width * self.devicePixelRatioF() / width
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not math.isclose(scale, round(scale)))
            painter.fillRect(tiles.area(), QColor(self.colours.border))
            painter.fillRect(tiles.spare(), QColor(self.colours.base))
            for index in range(self._count):
                painter.setOpacity(_DIMMED if self._dimmed is not None and index >= self._dimmed else 1.0)
                painter.drawImage(tiles.cell(index), self._image, QRectF(0, index * height, width, height))
            painter.setOpacity(1.0)
            for index, reason in self._dead.items():
                if index < self._count:
                    self._mark(painter, tiles.cell(index), reason)
            if self._chosen is not None:
                outline(painter, tiles.cell(self._chosen), self.colours.chosen, 3.0)

    def _mark(self, painter: QPainter, cell: QRectF, reason: str) -> None:
        """Frame a cell and write the reason at its bottom, shortened to its first letter if it does not fit."""
        outline(painter, cell, self.colours.error)
        metrics = painter.fontMetrics()
        height = metrics.height()
        if cell.height() < 2 * height:
            return
        words = next(
            (text for text in (reason, reason[:1].upper()) if metrics.horizontalAdvance(text) < cell.width()), ""
        )
        if not words:
            return
        badge = QRectF(cell.left(), cell.bottom() - height, metrics.horizontalAdvance(words) + 6, height)
        badge.setWidth(min(badge.width(), cell.width()))
        painter.fillRect(badge, QColor(self.colours.error))
        painter.setPen(QColor(self.colours.base))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, words)

    def index_at(self, position: QPointF) -> int | None:
        """Return the image at a position in widget pixels, or None."""
        tiles = self.tiling()
        return tiles.index_at(position) if tiles else None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the clicked image."""
        index = self.index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index is not None:
            self._choose(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the neighbour with the arrow keys."""
        tiles = self.tiling()
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if tiles:
            steps |= {Qt.Key.Key_Up: -tiles.columns, Qt.Key.Key_Down: tiles.columns}
        step = steps.get(Qt.Key(event.key()))
        if tiles is None or step is None or self._chosen is None:
            super().keyPressEvent(event)
        elif 0 <= self._chosen + step < self._count:
            self._choose(self._chosen + step)

    def tip_at(self, position: QPointF) -> str:
        """Return the number of the chain at a position, and why it died."""
        index = self.index_at(position)
        dead = f": {self._dead[index]}" if index in self._dead else ""
        return "" if index is None else f"Chain {index + 1}{dead}"

    def _choose(self, index: int) -> None:
        self.set_chosen(index)
        self.chosen.emit(index)
