"""Painting of the layers of the plane on the screen."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from msd_engine.events.plots import LAYERS, LONGEST_STEP, Array, Plane, readable
from msd_gui.theme import Colours, with_alpha
from msd_gui.views.base.colour_maps import between, colour_of, density_map
from msd_gui.views.base.layers import (
    ToPixels,
    draw_arrows,
    draw_crosses,
    draw_curve,
    draw_diamonds,
    draw_dots,
    draw_points,
    draw_polylines,
    draw_vectors,
    finite,
    pen,
)
from msd_gui.views.base.pixels import image_of_rgb32

SELDOM, OFTEN = LAYERS[:5], LAYERS[5:]
_ARROW_PX, _HEAD_PX = 16.0, 3.0
# Lines dominate the cost of a frame; more of them than this need over 4 ms.
_MOST_SEGMENTS = 12_000
# Qt paints lines of one device pixel about ten times faster than wider ones; width 1 is wider at a scale of 2.
_HAIRLINE, _MANY_STATES = 0.0, 3_000
_FINE_SIDE = 360


def thinned(tails: Array) -> Array:
    """Skip states of very long tails, but always keep the last.

    Args:
        tails: The states, with shape (n, B, 2), oldest first.

    Returns:
        Fewer states with shape (m, B, 2).
    """
    stride = -(-len(tails) * max(1, tails.shape[1]) // _MOST_SEGMENTS) or 1
    keep = np.arange(0, len(tails), stride)
    if len(tails) and keep[-1] != len(tails) - 1:
        keep = np.append(keep, len(tails) - 1)
    return tails[keep]


class PlanePainter:
    """Paints layers, and caches the picture of the density."""

    def __init__(self) -> None:
        self._density: tuple[Array, Colours, QImage] | None = None

    def draw(self, plane: Plane, names: Iterable[str], painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        """Paint the visible ones of the named layers.

        Args:
            plane: The content.
            names: From `LAYERS`, bottom first.
            painter: Set to pixels.
            to_px: The map from data units to pixels.
            colours: The colours of the theme.
        """
        for name in names:
            if name in plane.on:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, name != "tails")
                getattr(self, "_draw_" + name.replace(" ", "_"))(plane, painter, to_px, colours)

    def _draw_density(self, plane: Plane, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        if not plane.has_density:
            return
        left, right, low, high = plane.density_bounds
        corners = to_px(np.array([[left, high], [right, low]]))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(QPointF(*corners[0]), QPointF(*corners[1])), self.density_image(plane, colours))

    def density_image(self, plane: Plane, colours: Colours) -> QImage:
        """Return the cached density in smooth bands, with the largest x₂ at the top."""
        assert plane.log_density is not None
        if self._density is None or self._density[0] is not plane.log_density or self._density[1] is not colours:
            fine = _finer(_finer(plane.density_share(), 0), 1)[::-1]
            image = image_of_rgb32(density_map(colours)[(fine * 255).astype(np.uint8)])
            self._density = plane.log_density, colours, image
        return self._density[2]

    def _draw_data(self, plane: Plane, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        draw_points(painter, to_px(plane.data), with_alpha(colours.data, 0.6), 2.4)

    def _draw_modes(self, plane: Plane, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        painter.setPen(pen(colours.text, 1.4))
        draw_crosses(painter, to_px(plane.modes), 5.0)

    def _draw_exact_arrows(self, plane: Plane, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        # Wider and below: if both agree, the learned arrow is inside the exact one.
        self._draw_score("exact", plane, painter, to_px, pen(colours.exact, 2.8))

    def _draw_learned_arrows(self, plane: Plane, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        self._draw_score("learned", plane, painter, to_px, pen(colours.learned, 1.2))

    def _draw_score(self, name: str, plane: Plane, painter: QPainter, to_px: ToPixels, line: QPen) -> None:
        score = dict(plane.scores()).get(name)
        if score is not None:
            painter.setPen(line)
            draw_arrows(painter, to_px(plane.at), score, _ARROW_PX)

    def _draw_tails(self, plane: Plane, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        if len(plane.tails) < 2:
            return
        whole = to_px(plane.tails).transpose(1, 0, 2)
        view = painter.clipBoundingRect()
        pixels = readable(whole, LONGEST_STEP * min(view.width(), view.height()))
        colour, middle = colour_of(colours, plane.colour), pixels.shape[1] // 2
        # Opaque thin lines paint several times faster than transparent or wide ones; paler means older.
        width = _HAIRLINE if pixels.shape[0] * pixels.shape[1] > _MANY_STATES else 1.0
        if pixels.shape[1] > 1:
            painter.setPen(pen(between(colours.base, colour, 0.4), width))
            draw_polylines(painter, pixels[:, : middle + 1])
            painter.setPen(pen(between(colours.base, colour, 0.7), width))
            draw_polylines(painter, pixels[:, middle:])
        if plane.chosen is not None and plane.chosen < len(whole):
            draw_curve(painter, whole[plane.chosen], colours.chosen, 1.6)

    def _draw_heads(self, plane: Plane, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        heads = to_px(plane.heads)
        painter.setPen(pen(colours.base, 1.0))
        painter.setBrush(QColor(colour_of(colours, plane.colour)))
        living = plane.living()
        draw_dots(painter, heads[living], _HEAD_PX)
        if not living.all():
            painter.setPen(pen(colour_of(colours, plane.colour), 1.4))
            painter.setBrush(QColor(colours.base))
            draw_dots(painter, heads[~living], _HEAD_PX + 0.5)
            painter.setPen(pen(colours.base, 1.0))
        if plane.chosen is not None and plane.chosen < len(heads):
            painter.setBrush(QColor(colours.chosen))
            draw_dots(painter, heads[plane.chosen : plane.chosen + 1], _HEAD_PX + 2)

    def _draw_twins(self, plane: Plane, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        if not len(plane.twins):
            return
        pixels = to_px(plane.twins).transpose(1, 0, 2)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(colours.text, 1.0, Qt.PenStyle.DotLine))
        if pixels.shape[1] > 1:
            draw_polylines(painter, pixels)
        painter.setPen(pen(colours.text, 1.2))
        draw_dots(painter, pixels[:, -1], _HEAD_PX + 2)

    def _draw_copies(self, plane: Plane, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        if plane.copies is None:
            return
        y, y_mean, x_hat = (to_px(points) for points in plane.copies)
        painter.setPen(pen(with_alpha(colours.chosen, 0.5), 1.0))
        for copy in finite(y):
            draw_polylines(painter, np.stack([y_mean[0], copy])[None])
        painter.setPen(pen(colours.chosen, 1.4))
        painter.setBrush(QColor(colours.base))
        draw_dots(painter, y, 3.5)
        painter.setBrush(QColor(colours.chosen))
        draw_dots(painter, y_mean, 4.5)
        painter.setPen(pen(colours.base, 1.2))
        painter.setBrush(QColor(colours.text))
        draw_diamonds(painter, x_hat, 6.5)

    def _draw_moves(self, plane: Plane, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        if plane.moves is None:
            return
        drift, noise = ((to_px(start), to_px(end)) for start, end in plane.moves.arrows())
        style = Qt.PenStyle.SolidLine if plane.moves.accepted else Qt.PenStyle.DashLine
        for (start, end), line in (
            (drift, pen(colour_of(colours, plane.colour), 2.4)),
            (noise, pen(colours.text, 1.4, style)),
        ):
            painter.setPen(line)
            draw_vectors(painter, start, end, 8.0)
        if not plane.moves.accepted:
            painter.setPen(pen(colours.text, 1.4))
            draw_crosses(painter, noise[1], 4.0)


def _finer(values: Array, axis: int) -> Array:
    """Interpolate linearly along an axis to `_FINE_SIDE` points."""
    count = values.shape[axis]
    at = np.linspace(0, count - 1, max(_FINE_SIDE, count), dtype=np.float32)
    low = np.minimum(at.astype(np.intp), max(count - 2, 0))
    share = (at - low.astype(np.float32)).reshape([-1 if i == axis else 1 for i in range(2)])
    first, second = values.take(low, axis), values.take(np.minimum(low + 1, count - 1), axis)
    return np.asarray(first + share * (second - first))
