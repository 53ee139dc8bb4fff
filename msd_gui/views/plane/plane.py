"""The plane: density at σ_eff, data, chains with tails and heads, the copies of the chosen chain, score arrows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Self

import numpy as np
from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QMouseEvent, QPainter, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QToolButton

from msd_gui.theme import Colours
from msd_gui.views.base.layers import Array, Drawing, Layer, ToPixels, finite
from msd_gui.views.base.legend import Entry
from msd_gui.views.base.plot import PlotView
from msd_gui.views.plane.content import LAYERS, NO_POINTS, NO_TAILS, OFTEN, SELDOM, PlaneContent
from msd_gui.views.plane.density import Density

__all__ = ["LAYERS", "Bounds", "PlaneView"]

Bounds = tuple[float, float, float, float]

_REACH_PX = 12.0


class PlaneView(PlotView):
    """The plane with equal axes, in data units; it never moves by itself while chains run.

    Args:
        colours: Colours to keep whatever the theme; None follows the theme.
    """

    chain_chosen = Signal(int)
    view_changed = Signal(tuple)

    def __init__(self, colours: Colours | None = None) -> None:
        super().__init__("The plane of the chains", "x₁", "x₂", colours=colours)
        self._held = PlaneContent()
        self._pressed = QPointF()
        self._home: Bounds = (-8.0, 8.0, -8.0, 8.0)
        # What seldom changes is kept as one picture, so that a frame only copies it.
        self._back = Layer(lambda painter, to_px: self._held.draw(SELDOM, painter, to_px, self.colours), cached=True)
        self._front = Layer(lambda painter, to_px: self._held.draw(OFTEN, painter, to_px, self.colours))
        self.box.addItem(self._back, ignoreBounds=True)
        self.box.addItem(self._front, ignoreBounds=True)
        self._settled = QTimer(self, singleShot=True, interval=150)
        self._settled.timeout.connect(self._emit_view)
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
        self._held.density = Density(np.asarray(log_density), bounds)
        self._touch("density")

    def set_data(self, points: Array) -> None:
        """Shows draws from the data distribution, with shape (n, 2)."""
        self._set_points("data", points)

    def set_modes(self, means: Array) -> None:
        """Shows the means of the modes, with shape (J, 2)."""
        self._set_points("modes", means)

    def set_tails(self, xy: Array) -> None:
        """Shows the last n states of every chain; of very many states some are skipped.

        Args:
            xy: The states, with shape (n, B, 2), oldest first.
        """
        self._held.set_tails(np.asarray(xy))
        self._touch("tails")

    def set_heads(self, xy: Array) -> None:
        """Shows where the chains are now, with shape (B, 2)."""
        self._set_points("heads", xy)

    def set_chosen(self, index: int | None) -> None:
        """Marks one chain as the chosen one; None marks none."""
        self._held.chosen = index
        self._touch("tails", "heads", "copies")

    def set_copies(self, y: Array, y_mean: Array, x_hat: Array) -> None:
        """Shows the copies of the chosen chain.

        Args:
            y: The k copies, with shape (k, 2).
            y_mean: Their mean ȳ, with shape (2,).
            x_hat: The posterior mean x̂, with shape (2,).
        """
        self._held.copies = np.asarray(y), np.atleast_2d(y_mean), np.atleast_2d(x_hat)
        self._touch("copies")

    def set_arrows(self, points: Array, exact: Array | None, learned: Array | None) -> None:
        """Shows scores; each kind is scaled so that its 90th percentile has full length, longer ones are cut to it.

        Args:
            points: Where they are given, with shape (m, 2).
            exact: The exact score, with shape (m, 2), or None.
            learned: The learned score, with shape (m, 2), or None.
        """
        self._held.at, self._held.exact, self._held.learned = np.asarray(points), exact, learned
        self._touch("exact arrows", "learned arrows")

    def set_learned(self, on: bool) -> None:
        """Says whether the chains follow a learned score: they are painted in its colour."""
        if on != self._held.follows_learned:
            self._held.follows_learned = on
            self._touch("tails", "heads")

    def set_layer(self, name: str, on: bool) -> None:
        """Switches a layer on or off.

        Args:
            name: One of `LAYERS`.
            on: Whether it is shown.

        Raises:
            KeyError: There is no such layer.
        """
        if name not in LAYERS:
            raise KeyError(f"There is no layer called {name!r}; there are {', '.join(LAYERS)}.")
        self._held.on[name] = on
        self._touch(name)

    def layer(self, name: str) -> bool:
        """Whether a layer is on."""
        return self._held.on[name]

    def clear_chains(self) -> None:
        """Takes tails, heads and copies away."""
        self._held.tails, self._held.heads, self._held.copies = NO_TAILS, NO_POINTS, None
        self._touch("tails", "heads", "copies")

    # The frame

    def frame(self) -> None:
        """Shows all data, modes and heads, with a margin."""
        visible = np.concatenate([finite(np.asarray(points, float)) for points in (self._held.data, self._held.modes)])
        if not len(visible):
            visible = finite(np.asarray(self._held.heads, float))
        if len(visible):
            (left, low), (right, high) = np.percentile(visible, [0, 100], axis=0)
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

    def readout_at(self, x: float, y: float) -> str:
        """Position and density under the mouse."""
        text = f"x₁ = {x:.2f}   x₂ = {y:.2f}"
        value = self._held.density.at(x, y)
        return text if value is None else f"{text}   log p = {value:.2f}"

    def legend_entries(self) -> list[Entry]:
        """What the layers that are on and have data mean."""
        return self._held.legend(self.colours)

    def drawings(self, names: Sequence[str] = LAYERS) -> list[Drawing]:
        """Each kind of content by itself: together they would take longer than a frame."""
        return [partial(self._draw_one, name) for name in names]

    def _draw_one(self, name: str, painter: QPainter, to_px: ToPixels) -> None:
        self._held.draw((name,), painter, to_px, self.colours)

    def copy(self, colours: Colours) -> Self:
        """A copy for a picture in fixed colours, with the same layers and bounds."""
        made = type(self)(colours)
        made._held = replace(self._held, on=dict(self._held.on), quick=False)
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
        heads = np.asarray(self._held.heads, float)
        at = [
            self.mapFromScene(self.box.mapViewToScene(QPointF(*head))) if np.isfinite(head).all() else None
            for head in heads.tolist()
        ]
        far = [np.inf if p is None else np.hypot(p.x() - position.x(), p.y() - position.y()) for p in at]
        best = int(np.argmin(far)) if far else -1
        return best if best >= 0 and far[best] <= _REACH_PX else None

    def showEvent(self, event: QShowEvent) -> None:
        """Tells of the part of the plane that can now be seen."""
        super().showEvent(event)
        self._settled.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Tells nobody of a view that has gone."""
        self._settled.stop()
        super().hideEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the home button in its corner."""
        super().resizeEvent(event)
        if hasattr(self, "_home_button"):
            self._home_button.adjustSize()
            self._home_button.move(
                self.width() - self._home_button.width() - 2, self.height() - self._home_button.height() - 2
            )

    def _set_points(self, name: str, points: Array) -> None:
        setattr(self._held, name, np.asarray(points).reshape(-1, 2))
        self._touch(name)

    def _touch(self, *names: str) -> None:
        if any(name in SELDOM for name in names):
            self._back.update()
        if any(name in OFTEN for name in names):
            self._front.update()
        entries = self.legend_entries()
        if entries != self.legend_row.entries():
            self.legend_row.set_entries(entries)

    def _wait(self, *_: object) -> None:
        if self.isVisible():
            self._settled.start()

    def _emit_view(self) -> None:
        self.view_changed.emit(self.bounds())
