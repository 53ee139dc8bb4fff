"""Small pictures side by side, each with a name above and an optional number below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent

from msd_gui.views.base.canvas import Canvas, outline, strike
from msd_gui.views.base.fonts import font_of
from msd_gui.views.base.pixels import image_of_rgb32, to_rgb32
from msd_gui.views.base.rich import draw_rich, has_index, indexed, rich_size

_GAP_PX = 6.0
_FONT = 0.9


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture.

    Attributes:
        name: A word or a symbol.
        image: With shape (C, H, W), uint8 or floats in [-1, 1]; or colours 0xffrrggbb with shape (H, W).
        figure: A number with its name, below the picture; empty for none.
        struck: Whether it is crossed out.
        marked: Whether it is outlined.
    """

    name: str
    image: NDArray[Any]
    figure: str = ""
    struck: bool = False
    marked: bool = False


class TilesView(Canvas):
    """Tiles arranged in the number of rows that makes them largest."""

    chosen = Signal(int)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._tiles: list[Tile] = []
        self._images: list[QImage] = []

    def set_tiles(self, tiles: list[Tile]) -> None:
        """Show these pictures, all of one size."""
        self._tiles = tiles
        self._images = [_picture(tile.image) for tile in tiles]
        self.update()

    def tiles(self) -> list[Tile]:
        """Return the current tiles."""
        return self._tiles

    def sizeHint(self) -> QSize:
        """Return the size of a row."""
        return QSize(480, 140)

    def cell(self, index: int) -> QRectF:
        """Return the rectangle of a tile's picture."""
        return self._cells()[index]

    def _cells(self) -> list[QRectF]:
        """Return the rectangles of all pictures."""
        columns, width, height, step_x, step_y, left = self._layout()
        rows = -(-len(self._tiles) // columns)
        top = max(2.0, (self.height() - rows * step_y) / 2) + self._head()
        left += (step_x - _GAP_PX - width) / 2
        places = (divmod(index, columns) for index in range(len(self._tiles)))
        return [
            QRectF(round(left + column * step_x), round(top + row * step_y), round(width), round(height))
            for row, column in places
        ]

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the clicked tile."""
        found = [i for i, cell in enumerate(self._cells()) if cell.contains(QPointF(event.position()))]
        if found and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(found[0])

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint names, pictures and numbers."""
        del event
        with self.begin() as painter:
            if not self._tiles:
                return
            painter.setFont(font_of(self, _FONT))
            step_x = self._layout()[3]
            for tile, image, cell in zip(self._tiles, self._images, self._cells(), strict=True):
                small = cell.width() * self.devicePixelRatioF() < image.width()
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, small)
                painter.drawImage(cell, image)
                if tile.marked:
                    outline(painter, cell, self.colours.chosen)
                if tile.struck:
                    strike(painter, cell, self.colours.error)
                wide = QRectF(cell.center().x() - step_x / 2, 0, step_x, self._line())
                painter.setPen(QColor(self.colours.text))
                _write(painter, wide.translated(0, cell.top() - self._line() - 1), tile.name)
                painter.setPen(QColor(self.colours.muted))
                _write(painter, wide.translated(0, cell.bottom() + 2), tile.figure)

    def _line(self) -> int:
        return self.line_height(_FONT) + 1

    def _head(self) -> float:
        return self._line() + 1.0 if any(tile.name for tile in self._tiles) else 3.0

    def _layout(self) -> tuple[int, float, float, float, float, float]:
        """Return columns, width and height of a picture, steps between tiles, and the left edge."""
        count = max(1, len(self._tiles))
        image = self._images[0] if self._images else QImage(1, 1, QImage.Format.Format_RGB32)
        ratio = image.width() / image.height()
        extra = self._head() + (self._line() + 2 if any(tile.figure for tile in self._tiles) else 0) + _GAP_PX
        best = (0.0, 1)
        for columns in range(1, count + 1):
            rows = -(-count // columns)
            height = min(
                (self.height() - 2) / rows - extra, ((self.width() - _GAP_PX) / columns - _GAP_PX) / max(ratio, 1e-6)
            )
            best = max(best, (height, columns))
        height, columns = max(best[0], 4.0), best[1]
        words = self._widest_word() + 4
        step_x = max(height * ratio, min(words, (self.width() - _GAP_PX) / columns - _GAP_PX)) + _GAP_PX
        left = max(_GAP_PX, (self.width() - columns * step_x) / 2)
        return columns, height * ratio, height, step_x, height + extra, left

    def _widest_word(self) -> float:
        metrics = self.fontMetrics()
        words = [word for tile in self._tiles for word in (tile.name, tile.figure)]
        return _FONT * max((metrics.horizontalAdvance(word) for word in words), default=0)


def _write(painter: QPainter, place: QRectF, words: str) -> None:
    """Write words in the middle of a line, with the index of σ_eff as a subscript."""
    if not has_index(words):
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)
        return
    rich = indexed(words)
    width = rich_size(painter, rich).width()
    draw_rich(painter, place.adjusted((place.width() - width) / 2, 0, 0, 0), rich, left=True)


def _picture(image: NDArray[Any]) -> QImage:
    return image_of_rgb32(image if image.dtype == np.uint32 else to_rgb32(image))
