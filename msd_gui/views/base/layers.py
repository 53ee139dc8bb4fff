"""Layers of a plot: each holds arrays in data units and paints them itself, in widget pixels.

Painting in pixels keeps line widths the same on every screen scale. A layer's rectangle is the whole view, so that
new data never trigger a layout of the scene.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF, QTransform
from shiboken6 import wrapInstance

Array = NDArray[Any]
ToPixels = Callable[[Array], Array]
Drawing = Callable[[QPainter, ToPixels], None]

_MANY = 16
_FAR = 1e6  # Qt's rasteriser fails for coordinates beyond 2^23


class Layer(pg.GraphicsObject):
    """One layer; `draw` is called with a painter in pixels and the map from data to pixels.

    Args:
        draw: Paints the layer.
        cached: Whether to cache the picture until the layer or the view changes, for layers that rarely do.
    """

    def __init__(self, draw: Drawing, *, cached: bool = False) -> None:
        super().__init__()
        self.draw = draw
        self.set_cached(cached)

    def set_cached(self, cached: bool) -> None:
        """Set whether to cache the picture until the layer or the view changes."""
        modes = pg.GraphicsObject.CacheMode
        self.setCacheMode(modes.DeviceCoordinateCache if cached else modes.NoCache)

    def boundingRect(self) -> QRectF:
        """Return the whole view, in data units."""
        rect = self.viewRect()
        return QRectF() if rect is None else QRectF(rect)

    def viewTransformChanged(self) -> None:
        """Update after zooming, moving or resizing."""
        super().viewTransformChanged()
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Paint the layer in pixels."""
        to_view = painter.worldTransform()
        scale = np.array([to_view.m11(), to_view.m22()])
        shift = np.array([to_view.dx(), to_view.dy()])
        painter.save()
        painter.setClipRect(self.boundingRect())
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        try:
            self.draw(painter, lambda points: points * scale + shift)
        finally:
            painter.restore()


def _first(rows: Array, kind: type[Any]) -> Any:
    """Return the first of the C++ values that the rows of a contiguous array (n, numbers) of float64 are.

    Functions of Qt that take an array want it with the number of values; making Python objects takes many times longer
    than drawing them. The array must live until the call ends.
    """
    return wrapInstance(rows.ctypes.data, kind)


def polygon(pixels: Array) -> QPolygonF:
    """Return a Qt polyline of points with shape (n, 2)."""
    made = QPolygonF()
    made.resize(len(pixels))
    if len(pixels):
        pg.functions.ndarray_from_qpolygonf(made)[:] = np.clip(pixels, -_FAR, _FAR)
    return made


def pen(colour: QColor | str, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """Return a pen with a width in widget pixels."""
    made = QPen(QColor(colour), width, style)
    made.setCapStyle(Qt.PenCapStyle.RoundCap if style == Qt.PenStyle.SolidLine else Qt.PenCapStyle.FlatCap)
    made.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return made


def draw_polylines(painter: QPainter, lines: Array) -> None:
    """Draw polylines with shape (B, n, 2) in pixels; a state that is not finite, or far outside, leaves a gap."""
    # NaN fails the comparison. A coordinate that is clipped would turn its line.
    whole = (np.abs(lines) < _FAR).all(axis=(1, 2))
    # One polygon is filled again for every line: making one costs as much as drawing it.
    held = polygon(np.zeros(lines.shape[1:]))
    points = pg.functions.ndarray_from_qpolygonf(held) if lines.shape[1] else np.empty((0, 2))
    for line in lines[whole]:
        points[:] = line
        painter.drawPolyline(held)
    for line in lines[~whole]:
        good = (np.abs(line) < _FAR).all(axis=1)
        for piece in np.split(np.arange(len(line)), np.flatnonzero(~good)):
            painter.drawPolyline(polygon(line[piece[good[piece]]]))


def draw_curve(painter: QPainter, points: Array, colour: str, width: float) -> None:
    """Draw one curve of any width; a point that is not finite, or far outside, leaves a gap.

    Args:
        painter: Set to pixels.
        points: The curve in pixels, with shape (n, 2).
        colour: Its colour.
        width: Its width in pixels.
    """
    line = pen(colour, width)
    # Piece by piece: Qt strokes a wide polyline as one outline, twenty times slower. The square caps fill the joints.
    line.setCapStyle(Qt.PenCapStyle.SquareCap)
    painter.setPen(line)
    ends = np.concatenate([points[:-1], points[1:]], axis=1, dtype=np.float64)
    ends = ends[(np.abs(ends) < _FAR).all(axis=1)]
    if len(ends):
        painter.drawLines(_first(ends, QLineF), len(ends))


def draw_dots(painter: QPainter, pixels: Array, radius: float) -> None:
    """Draw discs with the painter's pen and brush at points with shape (n, 2); those not finite are left out."""
    points = pixels[(np.abs(pixels) < _FAR).all(axis=1)]
    if len(points) < _MANY:
        for x, y in points.tolist():
            painter.drawEllipse(QPointF(x, y), radius, radius)
        return
    # Many discs: copying the picture of one is about ten times faster.
    half, ratio = ceil(radius + painter.pen().widthF()), painter.device().devicePixelRatioF()
    stamp = QPixmap(round(2 * half * ratio), round(2 * half * ratio))
    stamp.setDevicePixelRatio(ratio)
    stamp.fill(Qt.GlobalColor.transparent)
    with QPainter(stamp) as single:
        single.setRenderHints(painter.renderHints())
        single.setPen(painter.pen())
        single.setBrush(painter.brush())
        single.drawEllipse(QPointF(half, half), radius, radius)
    # Centre, source, scale, rotation and opacity of each.
    copies = np.zeros((len(points), 10))
    copies[:, :2], copies[:, 4:6], copies[:, 6:8], copies[:, 9] = points, stamp.width(), 1 / ratio, 1.0
    painter.drawPixmapFragments(_first(copies, QPainter.PixmapFragment), len(copies), stamp)


def draw_points(painter: QPainter, pixels: Array, colour: QColor, size: float) -> None:
    """Draw many small points with shape (n, 2) at once; skip points that are not finite."""
    painter.setPen(pen(colour, size))
    painter.drawPoints(polygon(finite(pixels)))


def draw_crosses(painter: QPainter, pixels: Array, reach: float) -> None:
    """Draw upright crosses with the painter's pen at points with shape (n, 2)."""
    for x, y in finite(pixels).tolist():
        painter.drawLine(QPointF(x - reach, y), QPointF(x + reach, y))
        painter.drawLine(QPointF(x, y - reach), QPointF(x, y + reach))


def draw_diamonds(painter: QPainter, pixels: Array, reach: float) -> None:
    """Draw diamonds with the painter's pen and brush at points with shape (n, 2)."""
    corners = np.array([[0, -reach], [reach, 0], [0, reach], [-reach, 0]])
    for point in finite(pixels):
        painter.drawPolygon(polygon(point + corners))


def draw_arrows(painter: QPainter, pixels: Array, vectors: Array, longest: float) -> None:
    """Draw arrows, in pixels, as one set of lines.

    Args:
        painter: With its pen set.
        pixels: Start points, with shape (m, 2).
        vectors: Directions in data units with y upwards, with shape (m, 2); a length of 1 or more is drawn
            as `longest`, a shorter one in proportion.
        longest: Length of the longest arrow.
    """
    good = np.isfinite(pixels).all(axis=1) & np.isfinite(vectors).all(axis=1)
    start, vector = pixels[good], vectors[good]
    size = np.hypot(vector[:, 0], vector[:, 1])
    step = vector * (longest / np.maximum(size, 1.0))[:, None] * np.array([1.0, -1.0])
    end = start + step
    side = np.stack([-step[:, 1], step[:, 0]], axis=1)
    barbs = [end - 0.32 * step + turn * 0.2 * side for turn in (-1, 1)]
    ends = np.stack([start, end, barbs[0], end, barbs[1], end], axis=1).reshape(-1, 2)
    painter.drawLines(polygon(ends).toList())


def draw_vectors(painter: QPainter, starts: Array, ends: Array, barb: float) -> None:
    """Draw arrows between points in pixels.

    Args:
        painter: With its pen set.
        starts: Start points, with shape (m, 2).
        ends: End points, with shape (m, 2).
        barb: Length of the barbs; those of shorter arrows are shorter.
    """
    good = np.isfinite(starts).all(axis=1) & np.isfinite(ends).all(axis=1)
    starts, ends = starts[good], ends[good]
    step = ends - starts
    size = np.hypot(*step.T)[:, None]
    back = step / np.maximum(size, 1e-9) * np.minimum(barb, 0.5 * size)
    side = np.stack([-back[:, 1], back[:, 0]], axis=1)
    barbs = [ends - back + turn * 0.6 * side for turn in (-1, 1)]
    lines = np.stack([starts, ends, barbs[0], ends, barbs[1], ends], axis=1).reshape(-1, 2)
    painter.drawLines(polygon(lines).toList())


def finite(points: Array) -> Array:
    """Return the points, with shape (n, 2), whose coordinates are both finite."""
    return points[np.isfinite(points).all(axis=1)]
