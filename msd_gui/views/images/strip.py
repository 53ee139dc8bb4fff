"""A few fixed held-out images for the current network: clean, noisy, x̂ and the error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent

from msd_gui.views.base.canvas import Canvas
from msd_gui.views.base.colour_maps import error_map
from msd_gui.views.base.fonts import font_of
from msd_gui.views.base.pixels import image_of_rgb32, to_rgb32
from msd_gui.views.base.rich import SIGMA_EFF, draw_rich, rich_size
from msd_gui.widgets.controls.numbers import number

MOST_COPIES = 2
_FOOT = "‖x̂ − x‖²"
_GAP_PX = 3.0


class HeldOutView(Canvas):
    """Columns are images, σ_eff above and the error below; rows are clean, a few of the k noisy copies, x̂, error."""

    def __init__(self) -> None:
        super().__init__("Held-out images: clean, noisy, denoised and error")
        self.setMinimumSize(220, 150)
        self._rows: list[tuple[str, list[QImage]]] = []
        self._heads: list[str] = []
        self._feet: list[str] = []
        self._arrays: tuple[NDArray[Any], ...] = ()

    def set_strip(
        self,
        clean: NDArray[Any],
        noisy: NDArray[Any],
        x_hat: NDArray[Any],
        sigma: NDArray[Any],
        error: NDArray[Any],
    ) -> None:
        """Show n images.

        Args:
            clean: x with shape (n, C, H, W), in [-1, 1].
            noisy: y_1..y_k with shape (n, k, C, H, W).
            x_hat: x̂ with shape (n, C, H, W).
            sigma: Noise of one copy for each image, with shape (n,).
            error: ‖x̂ − x‖² of each image, with shape (n,).
        """
        self._arrays = (clean, noisy, x_hat)
        k = noisy.shape[1]
        self._heads = [number(float(s) / k**0.5) for s in sigma]
        self._feet = [number(float(e)) for e in error]
        self._make_pictures()
        self.update()

    def row_names(self) -> list[str]:
        """Return the names of the rows, from the top."""
        return [name for name, _ in self._rows]

    def changeEvent(self, event: Any) -> None:
        """Recolour the error images for another theme."""
        if self._arrays_known() and event.type() == event.Type.PaletteChange:
            self._make_pictures()
        super().changeEvent(event)

    def sizeHint(self) -> QSize:
        """Return the size of four rows."""
        return QSize(560, 260)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint named rows, and columns with σ_eff and error."""
        del event
        with self.begin() as painter:
            if not self._rows:
                return
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.setFont(font_of(self, 0.9))
            metrics, height = painter.fontMetrics(), self.line_height()
            names = [*self.row_names(), _FOOT]
            widths = [float(metrics.horizontalAdvance(name)) for name in names]
            margin = math.ceil(max(*widths, rich_size(painter, SIGMA_EFF).width())) + 12
            needed = max(metrics.horizontalAdvance(word) for word in [*self._heads, *self._feet]) + 6
            image = self._rows[0][1][0]
            tall = (self.height() - 2 * height - 8) / len(self._rows) - _GAP_PX
            wide = (self.width() - margin) / len(self._heads) - _GAP_PX
            side = max(8.0, min(tall, wide * image.height() / image.width()))
            # No more columns than fit with their numbers.
            step = max(side * image.width() / image.height() + _GAP_PX, float(needed))
            columns = max(1, min(len(self._heads), int((self.width() - margin) // step)))
            # Centred in a wide window, as the chains below.
            painter.translate(max(0, round((self.width() - margin - columns * step) / 2)), 0)
            self._paint_rows(painter, margin, columns, step, side, height)

    def _paint_rows(
        self, painter: QPainter, margin: float, columns: int, step: float, side: float, height: float
    ) -> None:
        right, centre = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignCenter
        below = height + 4 + len(self._rows) * (side + _GAP_PX)
        lines = [(SIGMA_EFF, self._heads, 2.0), (_FOOT, self._feet, below)]
        for name, words, top in lines:
            painter.setPen(QColor(self.colours.muted))
            draw_rich(painter, QRectF(0, top, margin - 6, height), name)
            painter.setPen(QColor(self.colours.text))
            for column in range(columns):
                painter.drawText(QRectF(margin + column * step, top, step, height), centre, words[column])
        for row, (name, images) in enumerate(self._rows):
            top = height + 4 + row * (side + _GAP_PX)
            painter.setPen(QColor(self.colours.text))
            painter.drawText(QRectF(0, top, margin - 6, side), right, name)
            for column in range(columns):
                width = side * images[column].width() / images[column].height()
                left = margin + column * step + (step - width) / 2
                painter.drawImage(QRectF(round(left), round(top), round(width), round(side)), images[column])

    def _arrays_known(self) -> bool:
        return bool(getattr(self, "_arrays", ()))

    def _make_pictures(self) -> None:
        clean, noisy, x_hat = self._arrays
        error = np.abs(np.nan_to_num(x_hat, nan=1.0) - clean).mean(axis=1)
        # An error of 1, half of the range of the data, has the strongest colour.
        shades = error_map(self.colours)[(np.clip(error, 0, 1) * 255).astype(np.uint8)]
        k = noisy.shape[1]
        rows = [("clean x", to_rgb32(clean))]
        rows += [
            (f"noisy y{_small(i + 1)}" if k > 1 else "noisy y", to_rgb32(noisy[:, i]))
            for i in range(min(k, MOST_COPIES))
        ]
        rows += [("denoised x̂", to_rgb32(x_hat)), ("|x̂ − x|", shades)]
        self._rows = [(name, [image_of_rgb32(pixels) for pixels in images]) for name, images in rows]


def _small(index: int) -> str:
    return str(index).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
