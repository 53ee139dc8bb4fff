"""The film strip: one chain of images over the ladder, from noise to the end."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QWheelEvent

from msd_gui.views.base.canvas import Canvas, outline
from msd_gui.views.base.pixels import image_of_rgb32, to_rgb32
from msd_gui.widgets.controls.numbers import number

_GAP_PX, _LEAST_PX = 4.0, 32.0


class Frame(NamedTuple):
    """A kept moment of all chains: step, level, σ and their images with shape (N, C, H, W)."""

    step: int
    level: int
    sigma: float
    x_hat: NDArray[Any]
    y: NDArray[Any]


class FilmStripView(Canvas):
    """Frames from left to right with level and σ; they shrink to a minimum width, then the strip scrolls."""

    frame_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__("The film of one chain")
        self.setMinimumSize(160, round(_LEAST_PX) + self._words_height())
        self._frames: list[Frame] = []
        self._images: list[QImage] = []
        self._chain, self._noisy = 0, False
        self._chosen: int | None = None
        self._scroll = 0.0

    def clear(self) -> None:
        """Remove all frames."""
        self._frames, self._images, self._chosen, self._scroll = [], [], None, 0.0
        self.update()

    def add_frame(
        self, step: int, sigma: float, x_hat: NDArray[np.uint8], y: NDArray[np.uint8], level: int = 0
    ) -> None:
        """Append a moment of all chains.

        Args:
            step: Steps done.
            sigma: Noise of one copy.
            x_hat: x̂ of every chain, with shape (N, C, H, W), uint8.
            y: The first copy of every chain, with the same shape.
            level: Index of the noise level, from 0.
        """
        self._frames.append(Frame(step, level, sigma, x_hat, y))
        self._images.append(self._picture(self._frames[-1]))
        self._scroll = self._most_scroll()
        self.update()

    def set_chain(self, index: int) -> None:
        """Show another chain."""
        self._chain = index
        self._picture_all()

    def set_noisy(self, on: bool) -> None:
        """Show the noisy y instead of x̂."""
        self._noisy = on
        self._picture_all()

    def set_chosen(self, index: int | None) -> None:
        """Outline one frame; None outlines none."""
        self._chosen = index
        self.update()

    def count(self) -> int:
        """Return the number of frames."""
        return len(self._frames)

    def frame_at(self, position: QPointF) -> int | None:
        """Return the frame at a position in widget pixels, or None."""
        found = [i for i in range(len(self._frames)) if self._cell(i).contains(position)]
        return found[0] if found else None

    def sizeHint(self) -> QSize:
        """Return the size of a strip."""
        return QSize(640, 64 + self._words_height())

    def height_for(self, width: float, count: int, most: float) -> int:
        """Return the height at which a number of frames fills the width, labels included.

        Args:
            width: Width of the strip in pixels.
            count: Expected number of frames.
            most: The greatest side of a frame in pixels, whatever the width.
        """
        return math.ceil(max(_LEAST_PX, min(most, self._wide(width, count)))) + self._words_height()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the frames and, if they fit, level and σ below each."""
        del event
        with self.begin() as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            self._scroll = min(self._scroll, self._most_scroll())
            height, free_from = self.line_height(), -1.0
            for index, (frame, image) in enumerate(zip(self._frames, self._images, strict=True)):
                cell = self._cell(index)
                if cell.right() < 0 or cell.left() > self.width():
                    continue
                painter.drawImage(cell, image)
                if index == self._chosen:
                    outline(painter, cell, self.colours.chosen)
                words = [f"σ {number(frame.sigma)}", f"level {frame.level + 1}"]
                needed = max(painter.fontMetrics().horizontalAdvance(line) for line in words)
                left = max(2.0, min(cell.center().x() - needed / 2, self.width() - needed - 2.0))
                if left > free_from:
                    for row, (line, colour) in enumerate(zip(words, ("text", "muted"), strict=True)):
                        painter.setPen(QColor(getattr(self.colours, colour)))
                        place = QRectF(left, cell.bottom() + 2 + row * height, needed + 1, height)
                        painter.drawText(place, Qt.AlignmentFlag.AlignLeft, line)
                    free_from = left + needed + 8

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the clicked frame."""
        index = self.frame_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index is not None:
            self.set_chosen(index)
            self.frame_chosen.emit(index)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll a strip longer than the view, else its parent."""
        if not self._most_scroll():
            event.ignore()
            return
        moved = event.angleDelta().y() or event.angleDelta().x()
        self._scroll = min(max(self._scroll - moved / 2, 0.0), self._most_scroll())
        self.update()

    def tip_at(self, position: QPointF) -> str:
        """Return step, level and σ of the frame at a position."""
        index = self.frame_at(position)
        frame = None if index is None else self._frames[index]
        return f"Step {frame.step}, level {frame.level + 1}, σ = {number(frame.sigma)}" if frame else ""

    def _side(self) -> float:
        tall = self.height() - self._words_height()
        return max(_LEAST_PX, min(tall, self._wide(self.width(), len(self._frames))))

    def _words_height(self) -> int:
        return 2 * self.line_height() + 8

    def _wide(self, width: float, count: int) -> float:
        """Return the side of `count` frames that fill the width."""
        count = max(1, count)
        return (width - _GAP_PX * (count + 1)) / count

    def _cell(self, index: int) -> QRectF:
        side = self._side()
        return QRectF(round(_GAP_PX + index * (side + _GAP_PX) - self._scroll), 4, round(side), round(side))

    def _most_scroll(self) -> float:
        return max(0.0, len(self._frames) * (self._side() + _GAP_PX) + _GAP_PX - self.width())

    def _picture(self, frame: Frame) -> QImage:
        images = frame.y if self._noisy else frame.x_hat
        return image_of_rgb32(to_rgb32(images[min(self._chain, len(images) - 1)]))

    def _picture_all(self) -> None:
        self._images = [self._picture(frame) for frame in self._frames]
        self.update()
