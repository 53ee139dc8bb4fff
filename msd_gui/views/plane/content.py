"""What the plane shows, and how each of its layers is painted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from msd_gui.theme import Colours, with_alpha
from msd_gui.views.base.colour_maps import DENSITY_SHARE, between, density_map
from msd_gui.views.base.layers import (
    Array,
    ToPixels,
    draw_arrows,
    draw_crosses,
    draw_curve,
    draw_diamonds,
    draw_dots,
    draw_points,
    draw_polylines,
    finite,
    pen,
)
from msd_gui.views.base.legend import Entry
from msd_gui.views.plane.density import Density

LAYERS = ("density", "data", "modes", "exact arrows", "learned arrows", "tails", "heads", "copies")
SELDOM, OFTEN = LAYERS[:5], LAYERS[5:]
_OFF_AT_FIRST = ("exact arrows", "learned arrows")
_ARROW_PX, _HEAD_PX = 16.0, 3.0
# Lines are most of a frame's cost; with more of them than this it takes longer than 4 ms.
_MOST_SEGMENTS = 12_000
# Qt paints lines of one device pixel about ten times faster than wider ones, which a width of 1 is at a scale of 2.
_HAIRLINE, _MANY_STATES = 0.0, 3_000
NO_POINTS: NDArray[np.float64] = np.empty((0, 2))
# The longest step that tails are drawn with, in parts of the view's width or height.
_LONGEST = 0.1
# So few chains can be followed however far they leap.
_FEW = 10
NO_TAILS: NDArray[np.float64] = np.empty((0, 0, 2))


def readable(tails: Array, longest: float) -> Array:
    """Leave out of tails what is before the last long step: where chains leap across the view, lines only hide it.

    Args:
        tails: States in pixels, with shape (B, n, 2), oldest first.
        longest: Length up to which a step, the median over chains, can be followed by eye.

    Returns:
        The newest states, from the last long step on, with shape (B, m, 2); all of them where chains are few.
    """
    if len(tails) <= _FEW:
        return tails
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.median(np.nan_to_num(np.hypot(*np.diff(tails, axis=1).T)), axis=1)
    leaps = np.flatnonzero(steps > longest)
    return tails[:, leaps[-1] + 1 :] if len(leaps) else tails


@dataclass
class PlaneContent:
    """All that the plane shows.

    Attributes:
        density: The log density.
        data: Draws from the data distribution, with shape (n, 2).
        modes: Means of the modes, with shape (J, 2).
        at: Where the scores are given, with shape (m, 2).
        exact: The exact score there, with shape (m, 2), or None.
        learned: The learned score there, with shape (m, 2), or None.
        tails: The last states of every chain, with shape (n, B, 2).
        heads: Where the chains are, with shape (B, 2).
        copies: The copies of the chosen chain (k, 2), their mean (1, 2) and x̂ (1, 2), or None.
        chosen: The chosen chain, or None.
        follows_learned: Whether the chains follow a learned score.
        on: Whether each layer is shown.
        quick: Whether many tails are painted with the thinnest line; not in a picture for a paper.
    """

    density: Density = field(default_factory=Density)
    data: Array = field(default_factory=lambda: NO_POINTS)
    modes: Array = field(default_factory=lambda: NO_POINTS)
    at: Array = field(default_factory=lambda: NO_POINTS)
    exact: Array | None = None
    learned: Array | None = None
    tails: Array = field(default_factory=lambda: NO_TAILS)
    heads: Array = field(default_factory=lambda: NO_POINTS)
    copies: tuple[Array, Array, Array] | None = None
    chosen: int | None = None
    follows_learned: bool = False
    on: dict[str, bool] = field(default_factory=lambda: {name: name not in _OFF_AT_FIRST for name in LAYERS})
    quick: bool = True

    def set_tails(self, xy: Array) -> None:
        """Keeps the tails, of very many states only some and always the last.

        Args:
            xy: The states, with shape (n, B, 2), oldest first.
        """
        stride = -(-len(xy) * max(1, xy.shape[1]) // _MOST_SEGMENTS) or 1
        keep = np.arange(0, len(xy), stride)
        if len(xy) and keep[-1] != len(xy) - 1:
            keep = np.append(keep, len(xy) - 1)
        self.tails = xy[keep]

    def legend(self, colours: Colours) -> list[Entry]:
        """What the layers that are on and have data mean."""
        chains = self._chain_colour(colours)
        rows = [
            (
                "density",
                self.density.known,
                Entry("patch", between(colours.base, colours.exact, DENSITY_SHARE).name(), "density"),
            ),
            ("data", len(self.data), Entry("dot", colours.data, "data")),
            ("modes", len(self.modes), Entry("cross", colours.text, "modes")),
            ("exact arrows", self.exact is not None, Entry("arrow", colours.exact, "exact score")),
            ("learned arrows", self.learned is not None, Entry("arrow", colours.learned, "learned score")),
            ("heads", len(self.heads), Entry("dot", chains, "chains ȳ")),
            ("copies", self.copies is not None, Entry("ring", colours.chosen, "copies y of the chosen chain")),
            ("copies", self.copies is not None, Entry("dot", colours.chosen, "their mean ȳ")),
            ("copies", self.copies is not None, Entry("diamond", colours.text, "x̂")),
        ]
        return [entry for name, known, entry in rows if known and self.on[name]]

    def draw(self, names: tuple[str, ...], painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        """Paints those of the named layers that are on.

        Args:
            names: Out of `LAYERS`, from below.
            painter: Set to pixels.
            to_px: The map from data units to pixels.
            colours: The colours of the theme.
        """
        for name in names:
            if self.on[name]:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, name != "tails")
                getattr(self, "_draw_" + name.replace(" ", "_"))(painter, to_px, colours)

    def _draw_density(self, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        if not self.density.known:
            return
        left, right, low, high = self.density.bounds
        corners = to_px(np.array([[left, high], [right, low]]))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        place = QRectF(QPointF(*corners[0]), QPointF(*corners[1]))
        painter.drawImage(place, self.density.image(density_map(colours)))

    def _draw_data(self, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        draw_points(painter, to_px(self.data), with_alpha(colours.data, 0.6), 2.4)

    def _draw_modes(self, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        painter.setPen(pen(colours.text, 1.4))
        draw_crosses(painter, to_px(self.modes), 5.0)

    def _draw_exact_arrows(self, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        # Wider and below: where both agree, the learned arrow lies inside the exact one.
        self._draw_arrows(painter, to_px, self.exact, pen(colours.exact, 2.8))

    def _draw_learned_arrows(self, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        self._draw_arrows(painter, to_px, self.learned, pen(colours.learned, 1.2))

    def _draw_arrows(self, painter: QPainter, to_px: ToPixels, score: Array | None, line: QPen) -> None:
        if score is None or not len(score):
            return
        # One scale for both kinds, so that they can be compared.
        known = self.exact if self.exact is not None else score
        sizes = np.hypot(*finite(np.asarray(known)).T)
        unit = float(np.percentile(sizes, 90)) if len(sizes) else 1.0
        painter.setPen(line)
        draw_arrows(painter, to_px(self.at), np.asarray(score) / (unit or 1.0), _ARROW_PX)

    def _draw_tails(self, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        if len(self.tails) < 2:
            return
        whole = to_px(self.tails).transpose(1, 0, 2)
        # The clip is the view, whatever is painted on: the screen, a picture, a recording.
        view = painter.clipBoundingRect()
        pixels = readable(whole, _LONGEST * min(view.width(), view.height()))
        colour, middle = self._chain_colour(colours), pixels.shape[1] // 2
        # Opaque thin lines are painted several times faster than transparent or wide ones; paler means older.
        width = _HAIRLINE if self.quick and pixels.shape[0] * pixels.shape[1] > _MANY_STATES else 1.0
        if pixels.shape[1] > 1:
            painter.setPen(pen(between(colours.base, colour, 0.4), width))
            draw_polylines(painter, pixels[:, : middle + 1])
            painter.setPen(pen(between(colours.base, colour, 0.7), width))
            draw_polylines(painter, pixels[:, middle:])
        if self.chosen is not None and self.chosen < len(whole):
            draw_curve(painter, whole[self.chosen], colours.chosen, 1.6)

    def _draw_heads(self, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        heads = to_px(self.heads)
        painter.setPen(pen(colours.base, 1.0))
        painter.setBrush(QColor(self._chain_colour(colours)))
        draw_dots(painter, heads, _HEAD_PX)
        if self.chosen is not None and self.chosen < len(heads):
            painter.setBrush(QColor(colours.chosen))
            draw_dots(painter, heads[self.chosen : self.chosen + 1], _HEAD_PX + 2)

    def _draw_copies(self, painter: QPainter, to_px: ToPixels, colours: Colours) -> None:
        if self.copies is None:
            return
        y, y_mean, x_hat = (to_px(points) for points in self.copies)
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

    def _chain_colour(self, colours: Colours) -> str:
        return colours.learned if self.follows_learned else colours.exact
