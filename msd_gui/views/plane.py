"""The plane: density at σ_eff, data, chains with tails and heads, the copies of the chosen chain, score arrows."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QToolButton, QWidget

from msd_gui.theme import Colours, with_alpha
from msd_gui.views.colour_maps import DENSITY_SHARE, between, density_map
from msd_gui.views.density import Density
from msd_gui.views.layers import (
    Array,
    Layer,
    ToPixels,
    draw_arrows,
    draw_crosses,
    draw_diamonds,
    draw_dots,
    draw_points,
    draw_polylines,
    finite,
    pen,
)
from msd_gui.views.legend import Entry
from msd_gui.views.plot import PlotView

Bounds = tuple[float, float, float, float]

LAYERS = ("density", "data", "modes", "exact arrows", "learned arrows", "tails", "heads", "copies")
_SELDOM, _OFTEN = LAYERS[:5], LAYERS[5:]
_OFF_AT_FIRST = ("exact arrows", "learned arrows")
_ARROW_PX, _HEAD_PX, _REACH_PX = 16.0, 3.0, 12.0
# Lines are most of a frame's cost; with more of them than this it takes longer than 4 ms.
_MOST_SEGMENTS = 12_000
_EMPTY: NDArray[np.float64] = np.empty((0, 2))


class PlaneView(PlotView):
    """The plane with equal axes, in data units; it never moves by itself while chains run.

    Args:
        colours: Colours to keep whatever the theme; None follows the theme.
        parent: The widget that owns the view.
    """

    chain_chosen = Signal(int)
    view_changed = Signal(tuple)

    def __init__(self, colours: Colours | None = None, parent: QWidget | None = None) -> None:
        super().__init__("The plane of the chains", "x₁", "x₂", colours=colours, parent=parent)
        self._field = Density()
        self._points: dict[str, Array] = dict.fromkeys(("data", "modes", "heads", "at"), _EMPTY)
        self._arrows: dict[str, Array | None] = {"exact": None, "learned": None}
        self._tails: Array = np.empty((0, 0, 2))
        self._copies: tuple[Array, Array, Array] | None = None
        self._chosen: int | None = None
        self._learned = False
        self._pressed = QPointF()
        self._home: Bounds = (-8.0, 8.0, -8.0, 8.0)
        self._on = dict.fromkeys(LAYERS, True) | dict.fromkeys(_OFF_AT_FIRST, False)
        # What seldom changes is kept as one picture, so that a frame only copies it.
        self._back = Layer(lambda painter, to_px: self._draw(_SELDOM, painter, to_px), cached=True)
        self._front = Layer(lambda painter, to_px: self._draw(_OFTEN, painter, to_px))
        self.box.addItem(self._back, ignoreBounds=True)
        self.box.addItem(self._front, ignoreBounds=True)
        self._settled = QTimer(self, singleShot=True, interval=150)
        self._settled.timeout.connect(self._tell_view)
        self._home_button = QToolButton(self)
        self._home_button.setText("Fit")
        self._home_button.setToolTip("Show all the data (double click in the plane)")
        self._home_button.setAccessibleName("Show all the data")
        self._home_button.setAutoRaise(True)
        self._home_button.clicked.connect(self.frame)
        self.box.setAspectLocked(True)
        self.box.sigRangeChanged.connect(self._wait)
        self.frame()

    # Data in

    def set_field(self, log_density: Array, bounds: Bounds) -> None:
        """Shows a log density.

        Args:
            log_density: log p on a grid with shape (rows, columns), row 0 at the smallest x₂.
            bounds: (x₁ least, x₁ most, x₂ least, x₂ most) in data units.
        """
        self._field = Density(np.asarray(log_density), bounds)
        self._touch("density")

    def set_data(self, points: Array) -> None:
        """Shows draws from the data distribution, with shape (n, 2)."""
        self._set_points("data", points)

    def set_modes(self, means: Array) -> None:
        """Shows the means of the modes, with shape (J, 2)."""
        self._set_points("modes", means)

    def set_tails(self, xy: Array, first: int = 0) -> None:
        """Shows the last n states of every chain; of very many states some are skipped.

        Args:
            xy: The states, with shape (n, B, 2), oldest first.
            first: How many states came before, so that the same states are skipped in the next picture.
        """
        count = max(1, np.shape(xy)[1]) if np.ndim(xy) == 3 else 1
        stride = -(-len(xy) * count // _MOST_SEGMENTS)
        keep = np.arange(-first % stride, len(xy), stride) if stride > 1 else np.arange(len(xy))
        if len(xy) and keep[-1] != len(xy) - 1:
            keep = np.append(keep, len(xy) - 1)
        self._tails = np.asarray(xy)[keep]
        self._touch("tails")

    def set_heads(self, xy: Array) -> None:
        """Shows where the chains are now, with shape (B, 2)."""
        self._set_points("heads", xy)

    def set_chosen(self, index: int | None) -> None:
        """Marks one chain as the chosen one; None marks none."""
        self._chosen = index
        self._touch("tails", "heads", "copies")

    def set_copies(self, y: Array, y_mean: Array, x_hat: Array) -> None:
        """Shows the copies of the chosen chain.

        Args:
            y: The k copies, with shape (k, 2).
            y_mean: Their mean ȳ, with shape (2,).
            x_hat: The posterior mean x̂, with shape (2,).
        """
        self._copies = np.asarray(y), np.atleast_2d(y_mean), np.atleast_2d(x_hat)
        self._touch("copies")

    def set_arrows(self, points: Array, exact: Array | None, learned: Array | None) -> None:
        """Shows scores; each kind is scaled so that its 90th percentile has full length, longer ones are cut to it.

        Args:
            points: Where they are given, with shape (m, 2).
            exact: The exact score, with shape (m, 2), or None.
            learned: The learned score, with shape (m, 2), or None.
        """
        self._points["at"] = np.asarray(points)
        self._arrows = {"exact": exact, "learned": learned}
        self._touch("exact arrows", "learned arrows")

    def set_learned(self, on: bool) -> None:
        """Says whether the chains follow a learned score: they are painted in its colour."""
        self._learned = on
        self._touch("tails", "heads")

    def set_layer(self, name: str, on: bool) -> None:
        """Switches a layer on or off.

        Args:
            name: One of `LAYERS`.
            on: Whether it is shown.

        Raises:
            KeyError: There is no such layer.
        """
        if name not in self._on:
            raise KeyError(f"There is no layer called {name!r}; there are {', '.join(LAYERS)}.")
        self._on[name] = on
        self._touch(name)

    def layer(self, name: str) -> bool:
        """Whether a layer is on."""
        return self._on[name]

    def clear_chains(self) -> None:
        """Takes tails, heads and copies away."""
        self._tails, self._points["heads"], self._copies = np.empty((0, 0, 2)), _EMPTY, None
        self._touch("tails", "heads", "copies")

    # The frame

    def frame(self) -> None:
        """Shows all data, modes and heads, with a margin."""
        seen = np.concatenate([finite(np.asarray(self._points[name], float)) for name in ("data", "modes")])
        if not len(seen):
            seen = finite(np.asarray(self._points["heads"], float))
        if len(seen):
            (left, low), (right, high) = np.percentile(seen, [0, 100], axis=0)
            margin = 0.12 * max(right - left, high - low, 1.0)
            self._home = (left - margin, right + margin, low - margin, high + margin)
        self.set_bounds(self._home)

    def set_bounds(self, bounds: Bounds) -> None:
        """Shows at least this part of the plane, (x₁ least, x₁ most, x₂ least, x₂ most)."""
        left, right, low, high = bounds
        self.box.setRange(xRange=(left, right), yRange=(low, high), padding=0)

    def bounds(self) -> Bounds:
        """The part of the plane that is shown, (x₁ least, x₁ most, x₂ least, x₂ most)."""
        (left, right), (low, high) = self.box.viewRange()
        return left, right, low, high

    def tell(self, x: float, y: float) -> str:
        """Position and density under the mouse."""
        text = f"x₁ = {x:.2f}   x₂ = {y:.2f}"
        value = self._field.at(x, y)
        return text if value is None else f"{text}   log p = {value:.2f}"

    def legend_entries(self) -> list[Entry]:
        """What the layers that are on and have data mean."""
        colours, chains = self.colours, self.colours.learned if self._learned else self.colours.exact
        rows = [
            (
                "density",
                self._field.known,
                Entry("patch", between(colours.base, colours.exact, DENSITY_SHARE).name(), "density"),
            ),
            ("data", len(self._points["data"]), Entry("dot", colours.data, "data")),
            ("modes", len(self._points["modes"]), Entry("cross", colours.text, "modes")),
            ("exact arrows", self._arrows["exact"] is not None, Entry("arrow", colours.exact, "exact score")),
            ("learned arrows", self._arrows["learned"] is not None, Entry("arrow", colours.learned, "learned score")),
            ("heads", len(self._points["heads"]), Entry("dot", chains, "chains ȳ")),
            ("copies", self._copies is not None, Entry("ring", colours.chosen, "copies y of the chosen chain")),
            ("copies", self._copies is not None, Entry("dot", colours.chosen, "their mean ȳ")),
            ("copies", self._copies is not None, Entry("diamond", colours.text, "x̂")),
        ]
        return [entry for name, known, entry in rows if known and self.layer(name)]

    def copy(self, colours: Colours) -> Self:
        """A copy for a picture in fixed colours, with the same layers and bounds."""
        made = type(self)(colours)
        made._field, made._points, made._arrows = self._field, dict(self._points), dict(self._arrows)
        made._tails, made._copies, made._chosen = self._tails, self._copies, self._chosen
        made._learned, made._on = self._learned, dict(self._on)
        made.set_bounds(self.bounds())
        return made

    # What happens

    def refresh(self) -> None:
        """Repaints all layers, as after a change of theme."""
        self._back.update()
        self._front.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remembers where a click began, to tell it from a drag."""
        self._pressed = event.position()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click near a head chooses that chain."""
        super().mouseReleaseEvent(event)
        moved = (event.position() - self._pressed).manhattanLength()
        if event.button() == Qt.MouseButton.LeftButton and moved < 4:
            chain = self.chain_at(event.position())
            if chain is not None:
                self.chain_chosen.emit(chain)

    def chain_at(self, position: QPointF) -> int | None:
        """The chain whose head is nearest to a position in widget pixels, if any is near enough to be meant."""
        heads = np.asarray(self._points["heads"], float)
        at = [
            self.mapFromScene(self.box.mapViewToScene(QPointF(*head))) if np.isfinite(head).all() else None
            for head in heads.tolist()
        ]
        far = [np.inf if p is None else np.hypot(p.x() - position.x(), p.y() - position.y()) for p in at]
        best = int(np.argmin(far)) if far else -1
        return best if best >= 0 and far[best] <= _REACH_PX else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the home button in its corner."""
        super().resizeEvent(event)
        if hasattr(self, "_home_button"):
            self._home_button.adjustSize()
            self._home_button.move(
                self.width() - self._home_button.width() - 2, self.height() - self._home_button.height() - 2
            )

    def _set_points(self, name: str, points: Array) -> None:
        self._points[name] = np.asarray(points).reshape(-1, 2)
        self._touch(name)

    def _touch(self, *names: str) -> None:
        if any(name in _SELDOM for name in names):
            self._back.update()
        if any(name in _OFTEN for name in names):
            self._front.update()
        entries = self.legend_entries()
        if entries != self.legend_row.entries():
            self.legend_row.set_entries(entries)

    def _wait(self, *_: object) -> None:
        self._settled.start()

    def _tell_view(self) -> None:
        self.view_changed.emit(self.bounds())

    # How each layer is painted

    def _draw(self, names: tuple[str, ...], painter: QPainter, to_px: ToPixels) -> None:
        for name in names:
            if self._on[name]:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, name != "tails")
                getattr(self, "_draw_" + name.replace(" ", "_"))(painter, to_px)

    def _draw_density(self, painter: QPainter, to_px: ToPixels) -> None:
        if not self._field.known:
            return
        left, right, low, high = self._field.bounds
        corners = to_px(np.array([[left, high], [right, low]]))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        place = QRectF(QPointF(*corners[0]), QPointF(*corners[1]))
        painter.drawImage(place, self._field.image(density_map(self.colours)))

    def _draw_data(self, painter: QPainter, to_px: ToPixels) -> None:
        draw_points(painter, to_px(self._points["data"]), with_alpha(self.colours.data, 0.6), 2.4)

    def _draw_modes(self, painter: QPainter, to_px: ToPixels) -> None:
        painter.setPen(pen(self.colours.text, 1.4))
        draw_crosses(painter, to_px(self._points["modes"]), 5.0)

    def _draw_exact_arrows(self, painter: QPainter, to_px: ToPixels) -> None:
        # Wider and below: where both agree, the learned arrow lies inside the exact one.
        self._draw_arrows(painter, to_px, self._arrows["exact"], pen(self.colours.exact, 2.8))

    def _draw_learned_arrows(self, painter: QPainter, to_px: ToPixels) -> None:
        self._draw_arrows(painter, to_px, self._arrows["learned"], pen(self.colours.learned, 1.2))

    def _draw_arrows(self, painter: QPainter, to_px: ToPixels, score: Array | None, line: QPen) -> None:
        if score is None or not len(score):
            return
        # One scale for both kinds, so that they can be compared.
        known = self._arrows["exact"] if self._arrows["exact"] is not None else score
        sizes = np.hypot(*finite(np.asarray(known)).T)
        unit = float(np.percentile(sizes, 90)) if len(sizes) else 1.0
        painter.setPen(line)
        draw_arrows(painter, to_px(self._points["at"]), np.asarray(score) / (unit or 1.0), _ARROW_PX)

    def _draw_tails(self, painter: QPainter, to_px: ToPixels) -> None:
        if len(self._tails) < 2:
            return
        pixels = to_px(self._tails).transpose(1, 0, 2)
        colour, middle = self._chain_colour(), pixels.shape[1] // 2
        # Opaque thin lines are painted several times faster than transparent or wide ones; paler means older.
        painter.setPen(pen(between(self.colours.base, colour, 0.4)))
        draw_polylines(painter, pixels[:, : middle + 1])
        painter.setPen(pen(between(self.colours.base, colour, 0.7)))
        draw_polylines(painter, pixels[:, middle:])
        if self._chosen is not None and self._chosen < len(pixels):
            painter.setPen(pen(self.colours.chosen, 1.6))
            draw_polylines(painter, pixels[self._chosen : self._chosen + 1])

    def _draw_heads(self, painter: QPainter, to_px: ToPixels) -> None:
        heads = to_px(self._points["heads"])
        painter.setPen(pen(self.colours.base, 1.0))
        painter.setBrush(QColor(self._chain_colour()))
        draw_dots(painter, heads, _HEAD_PX)
        if self._chosen is not None and self._chosen < len(heads):
            painter.setBrush(QColor(self.colours.chosen))
            draw_dots(painter, heads[self._chosen : self._chosen + 1], _HEAD_PX + 2)

    def _draw_copies(self, painter: QPainter, to_px: ToPixels) -> None:
        if self._copies is None:
            return
        y, y_mean, x_hat = (to_px(points) for points in self._copies)
        painter.setPen(pen(with_alpha(self.colours.chosen, 0.5), 1.0))
        for copy in finite(y):
            draw_polylines(painter, np.stack([y_mean[0], copy])[None])
        painter.setPen(pen(self.colours.chosen, 1.4))
        painter.setBrush(QColor(self.colours.base))
        draw_dots(painter, y, 3.5)
        painter.setBrush(QColor(self.colours.chosen))
        draw_dots(painter, y_mean, 4.5)
        painter.setPen(pen(self.colours.base, 1.2))
        painter.setBrush(QColor(self.colours.text))
        draw_diamonds(painter, x_hat, 6.5)

    def _chain_colour(self) -> str:
        return self.colours.learned if self._learned else self.colours.exact
