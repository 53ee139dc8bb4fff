"""Plots for a paper: on white, in the light colours whatever the theme, as PNG and as SVG."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from msd_gui.theme import LIGHT
from msd_gui.views.plot import PlotView

_DOTS_PER_INCH = 96.0  # what a width of 1 in the program means
_METRE_IN_INCHES = 1 / 0.0254


def to_png_bytes(view: PlotView, width_px: int = 1800, dpi: float = 300.0) -> bytes:
    """A plot as PNG.

    Args:
        view: The plot; it is not touched.
        width_px: Width of the picture in pixels; the height follows the view's shape.
        dpi: Pixels per inch of the printed figure: more of them make words and lines wider in pixels.

    Returns:
        The file's bytes.
    """
    ratio = dpi / _DOTS_PER_INCH
    width = width_px / ratio
    size = QSize(round(width), round(width * view.height() / view.width()))
    image = QImage(width_px, round(size.height() * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.white)
    with QPainter(image) as painter:
        _render(view, size, painter, ratio)
    # Only now: a picture that says its resolution has its fonts made larger by it, beside the device ratio.
    image.setDotsPerMeterX(round(dpi * _METRE_IN_INCHES))
    image.setDotsPerMeterY(round(dpi * _METRE_IN_INCHES))
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(data.data())


def to_svg_bytes(view: PlotView, width_px: int | None = None) -> bytes:
    """A plot as SVG, with words as text and curves as lines.

    Args:
        view: The plot; it is not touched.
        width_px: Width in CSS pixels, 1/96 inch; None takes the view's.

    Returns:
        The file's bytes.
    """
    width = width_px or view.width()
    size = QSize(width, round(width * view.height() / view.width()))
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setResolution(round(_DOTS_PER_INCH))
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle(view.accessibleName())
    with QPainter(generator) as painter:
        _render(view, size, painter, 1.0)
    return bytes(data.data())


class Easel:
    """A copy of a plot on which one picture after another is painted, for an animation.

    Args:
        view: The plot; it is not touched.
        width_px: Width of the pictures; the height follows the view's shape.
    """

    def __init__(self, view: PlotView, width_px: int) -> None:
        self._size = QSize(width_px, round(width_px * view.height() / view.width()))
        self.view = _hidden_copy(view, self._size, 1.0)

    def pixels(self) -> NDArray[np.uint8]:
        """The picture as it stands, with shape (rows, columns, 3)."""
        image = QImage(self._size, QImage.Format.Format_RGB888)
        image.fill(Qt.GlobalColor.white)
        with QPainter(image) as painter:
            self.view.render(painter, QRectF(0, 0, self._size.width(), self._size.height()))
        flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return flat[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

    def close(self) -> None:
        """Throws the copy away."""
        _discard(self.view)


def _render(view: PlotView, size: QSize, painter: QPainter, ratio: float) -> None:
    """Paints a copy of the view, laid out for a size without ever being on a screen."""
    made = _hidden_copy(view, size, ratio)
    made.render(painter, QRectF(0, 0, size.width(), size.height()))
    _discard(made)


def _hidden_copy(view: PlotView, size: QSize, ratio: float) -> PlotView:
    made = view.copy(LIGHT)
    made.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    made.resize(size)
    made.show()
    made.for_figure(ratio)
    return made


def _discard(made: PlotView) -> None:
    made.hide()
    made.close()
    made.deleteLater()
