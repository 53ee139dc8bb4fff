"""Plots for a paper: on white, in the light colours whatever the theme, as PNG and as SVG.

Made in two parts. On the screen's thread a plot is recorded, in steps of a few milliseconds, as a `Sheet` of drawing
commands; painting these at paper size, and packing the file, takes tens of milliseconds and can be done on any thread.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QImage, QImageWriter, QPainter, QPicture
from PySide6.QtSvg import QSvgGenerator

from msd_gui.theme import LIGHT
from msd_gui.views.base.layers import Array, Drawing, Layer
from msd_gui.views.base.plot import PlotView

_DOTS_PER_INCH = 96.0  # what a width of 1 in the program means
_METRE_IN_INCHES = 1 / 0.0254
PNG_WIDTH_PX, PNG_DPI = 1800, 300.0


@dataclass(frozen=True, eq=False)
class Sheet:
    """A plot as drawing commands, which may be painted on any thread.

    Attributes:
        size: Its size in the program's pixels.
        title: What it is called.
        parts: The commands, from below.
    """

    size: QSize
    title: str
    parts: tuple[QPicture, ...]

    def paint(self, painter: QPainter) -> None:
        """Paints everything on top of the ground."""
        for part in self.parts:
            painter.save()
            part.play(painter)
            painter.restore()

    def png(self, width_px: int = PNG_WIDTH_PX, dpi: float = PNG_DPI) -> bytes:
        """The plot as the content of a PNG file with this width and resolution."""
        ratio = dpi / _DOTS_PER_INCH
        image = QImage(width_px, round(self.size.height() * ratio), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(Qt.GlobalColor.white)
        with QPainter(image) as painter:
            self.paint(painter)
        # Only now: a picture that says its resolution has its fonts made larger by it, beside the device ratio.
        image.setDotsPerMeterX(round(dpi * _METRE_IN_INCHES))
        image.setDotsPerMeterY(round(dpi * _METRE_IN_INCHES))
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        QImageWriter(buffer, QByteArray(b"png")).write(image)
        return bytes(data.data())

    def svg(self) -> bytes:
        """The plot as the content of an SVG file, with words as text and curves as lines."""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        generator = QSvgGenerator()
        generator.setOutputDevice(buffer)
        generator.setResolution(round(_DOTS_PER_INCH))
        generator.setSize(self.size)
        generator.setViewBox(QRectF(0, 0, self.size.width(), self.size.height()))
        generator.setTitle(self.title)
        with QPainter(generator) as painter:
            self.paint(painter)
        return bytes(data.data())

    def pixels(self) -> NDArray[np.uint8]:
        """The plot at the program's own resolution, with shape (rows, columns, 3)."""
        image = QImage(self.size, QImage.Format.Format_RGB888)
        image.fill(Qt.GlobalColor.white)
        with QPainter(image) as painter:
            self.paint(painter)
        flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return flat[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


Recording = Generator[None, None, Sheet]
"""Work on the screen's thread in small steps: each `next` is one; at the end the sheet is returned."""


def png_sheet(view: PlotView, width_px: int = PNG_WIDTH_PX, dpi: float = PNG_DPI) -> Recording:
    """Records a plot for `Sheet.png` with the same width and resolution.

    Args:
        view: The plot; it is not touched.
        width_px: Width of the picture in pixels; the height follows the view's shape.
        dpi: Pixels per inch of the printed figure: more of them make words and lines wider in pixels.

    Returns:
        The steps, which return the sheet.
    """
    ratio = dpi / _DOTS_PER_INCH
    return _sheet(view, width_px / ratio, ratio)


def svg_sheet(view: PlotView, width_px: int | None = None) -> Recording:
    """Records a plot for `Sheet.svg`.

    Args:
        view: The plot; it is not touched.
        width_px: Width in CSS pixels, 1/96 inch; None takes the view's.

    Returns:
        The steps, which return the sheet.
    """
    return _sheet(view, width_px or view.width(), 1.0)


class FigureCopy:
    """A copy of a plot that is recorded, laid out for a size without ever being on a screen.

    Args:
        view: The plot; it is not touched.
        width: Width in the program's pixels; the height follows the view's shape.
        ratio: Pixels of the picture for each of them.
    """

    def __init__(self, view: PlotView, width: float, ratio: float = 1.0) -> None:
        self._size = QSize(round(width), round(width * view.height() / view.width()))
        self.view = view.copy(LIGHT)
        self.view.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        self.view.resize(self._size)
        self.view.show()
        self._layers: Sequence[Layer] = self.view.layers()
        self._ratio = ratio
        self._laid_out = False

    def frame(self) -> QPicture:
        """Records axes and legend, and what covers lines that leave the axes."""
        if not self._laid_out:
            self._laid_out = True
            self.view.for_figure(self._ratio)
            for layer in self._layers:
                layer.setVisible(False)
            # The ground lies below the layers, and this above.
            self.view.setBackgroundBrush(QBrush(Qt.BrushStyle.NoBrush))
        picture = QPicture()
        with QPainter(picture) as painter:
            self.view.render(painter, QRectF(0, 0, self._size.width(), self._size.height()))
        return picture

    def layer(self, draw: Drawing) -> QPicture:
        """Records one part of the data, once there is a frame."""
        picture = QPicture()
        if not self._layers:
            return picture
        to_scene = self._layers[0].sceneTransform()
        scale = np.array([to_scene.m11(), to_scene.m22()])
        shift = np.array([to_scene.dx(), to_scene.dy()])

        def to_px(points: Array) -> Array:
            placed: Array = points * scale + shift
            return placed

        with QPainter(picture) as painter:
            painter.setFont(self.view.font())
            painter.setClipRect(to_scene.mapRect(self._layers[0].boundingRect()))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            draw(painter, to_px)
        return picture

    def sheet(self, parts: Sequence[QPicture], frame: QPicture) -> Sheet:
        """Puts parts together, the frame on top."""
        return Sheet(self._size, self.view.accessibleName(), (*parts, frame))

    def close(self) -> None:
        """Throws the copy away."""
        self.view.hide()
        self.view.close()
        self.view.deleteLater()


def _sheet(view: PlotView, width: float, ratio: float) -> Recording:
    copy = FigureCopy(view, width, ratio)
    try:
        yield
        frame = copy.frame()
        yield
        parts = []
        for draw in copy.view.drawings():
            parts.append(copy.layer(draw))
            yield
        return copy.sheet(parts, frame)
    finally:
        copy.close()
