"""A vector field of the plane: arrows or a map of lengths, with lines of equal density."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from msd_engine.events.plots import Array, Field
from msd_gui.theme import Colours
from msd_gui.views.base.colour_maps import colour_map, colour_of
from msd_gui.views.base.layers import Layer, ToPixels, draw_arrows, draw_polylines, pen
from msd_gui.views.base.pixels import image_of_rgb32
from msd_gui.views.base.plot import PlotView

# Longest arrow over the distance of arrows, and its bounds.
_ARROW_SHARE, _ARROW_PX = 0.85, (5.0, 24.0)
_LEAST_PX = 180, 160
_FRAME = (-8.0, 8.0, -8.0, 8.0)


class FieldView(PlotView):
    """One field with equal axes.

    Args:
        name: Accessible name, and the plot's name in exported files.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, "x₁", "x₂")
        # Several stand side by side.
        self.setMinimumSize(*_LEAST_PX)
        self._held = Field(name, "", _FRAME)
        self._picture: tuple[Field, Colours, QImage] | None = None
        self._framed = self._held.bounds
        self._layer = Layer(self._draw, cached=True)
        self.box.addItem(self._layer, ignoreBounds=True)
        self.box.setAspectLocked(True)
        self.frame()

    def set_plot(self, plot: Field) -> None:
        """Show another field; the axes follow another part of the plane."""
        self._held = plot
        if plot.bounds != self._framed:
            self._framed = plot.bounds
            self.frame()
        self.changed()

    def plot(self) -> Field:
        """Return the current content, for a file."""
        return self._held

    def refresh(self) -> None:
        """Repaint."""
        self._layer.update()

    def frame(self) -> None:
        """Show the whole grid."""
        left, right, low, high = self._held.bounds
        self.box.setRange(xRange=(left, right), yRange=(low, high), padding=0)

    def readout_at(self, x: float, y: float) -> str:
        """Return position and vector of the cell under the mouse."""
        held, n = self._held, self._held.side
        left, right, low, high = held.bounds
        column, row = int(n * (x - left) / (right - left)), int(n * (y - low) / (high - low))
        text = f"x₁ = {x:.2f}   x₂ = {y:.2f}"
        if held.vectors is None or not (left <= x < right and low <= y < high):
            return text
        u, v = held.vectors[row * n + column].tolist()
        return f"{text}   ({u:.2f}, {v:.2f}), length {np.hypot(u, v):.2f}"

    def _draw(self, painter: QPainter, to_px: ToPixels) -> None:
        held = self._held
        if held.vectors is not None and held.style == "map":
            left, right, low, high = held.bounds
            corners = to_px(np.array([[left, high], [right, low]]))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(QPointF(*corners[0]), QPointF(*corners[1])), self._map(held))
        painter.setPen(pen(colour_of(self.colours, "muted"), 1.0))
        for line in held.contours:
            draw_polylines(painter, _pixels(to_px, line)[None])
        if held.vectors is not None and held.style == "arrows":
            at, vectors = held.arrows()
            painter.setPen(pen(colour_of(self.colours, held.colour), 1.3))
            pixels = to_px(at)
            # Grid points are stored along x₁: neighbours in the list are neighbours in the plane.
            spacing = abs(float(pixels[1, 0] - pixels[0, 0])) if len(at) > 1 else 0.0
            draw_arrows(painter, pixels, vectors, float(np.clip(_ARROW_SHARE * spacing, *_ARROW_PX)))

    def _map(self, held: Field) -> QImage:
        """Return the cached map of lengths, with the largest x₂ at the top."""
        if self._picture is None or self._picture[0] is not held or self._picture[1] is not self.colours:
            colours = colour_map(self.colours.base, colour_of(self.colours, held.colour))
            image = image_of_rgb32(colours[(held.lengths()[::-1] * 255).astype(np.uint8)])
            self._picture = held, self.colours, image
        return self._picture[2]


def _pixels(to_px: ToPixels, line: Array) -> Array:
    return to_px(line.astype(np.float64))
