"""The plane: density at σ_eff, data, chains with tails and heads, the copies of the chosen chain, score arrows."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QMouseEvent, QPainter, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QToolButton

from msd_engine.events.plots import LAYERS, NO_LOST, NO_POINTS, NO_TAILS, Bounds, Plane
from msd_gui.views.base.layers import Layer, ToPixels, finite
from msd_gui.views.base.plot import PlotView
from msd_gui.views.plane.painter import OFTEN, SELDOM, PlanePainter, thinned

__all__ = ["LAYERS", "Bounds", "PlaneView"]

_REACH_PX = 12.0
# Fields of the cached layer only, and of the other layer only.
_SELDOM = {"log_density", "density_bounds", "data", "modes", "at", "exact", "learned"}
_OFTEN = {"tails", "heads", "twins", "lost", "copies", "chosen", "colour", "moves"}


class PlaneView(PlotView):
    """The plane with equal axes, in data units; while chains run it moves only after those that blow up."""

    chain_chosen = Signal(int)
    view_changed = Signal(tuple)

    def __init__(self) -> None:
        super().__init__("The plane of the chains", "x₁", "x₂")
        self._held = Plane()
        self._painter = PlanePainter()
        self._pressed = QPointF()
        self._home: Bounds = (-8.0, 8.0, -8.0, 8.0)
        self._reach, self._moved_by_hand = 0.0, False
        # What seldom changes is kept as one picture, so that a frame only copies it.
        self._back = Layer(partial(self._draw, SELDOM), cached=True)
        self._front = Layer(partial(self._draw, OFTEN))
        self.box.addItem(self._back, ignoreBounds=True)
        self.box.addItem(self._front, ignoreBounds=True)
        self._settled = QTimer(self, singleShot=True, interval=150)
        self._settled.timeout.connect(self._emit_view)
        self._home_button = QToolButton(self)
        self._home_button.setText("Fit")
        self._home_button.setToolTip("Show all the data, and chains that blow up (double click in the plane)")
        self._home_button.setAccessibleName("Show all the data")
        self._home_button.setAutoRaise(True)
        self._home_button.clicked.connect(self.frame)
        self.box.setAspectLocked(True)
        self.box.sigRangeChanged.connect(self._wait)
        self.box.sigRangeChangedManually.connect(self._leave_to_hand)
        self.frame()

    # Data

    def show_plane(self, **parts: Any) -> None:
        """Show other data.

        Args:
            parts: Fields of `Plane` with their new values; very long tails are thinned.
        """
        for name in {"tails", "twins"}.intersection(parts):
            parts[name] = thinned(parts[name])
        self._held = replace(self._held, **parts)
        if not _OFTEN.issuperset(parts):
            self._back.update()
        if not _SELDOM.issuperset(parts):
            self._front.update()
        if "log_density" in parts:
            self.refresh_values()
        self.show_legend()

    def show_legend(self) -> None:
        """Show the legend of the present content."""
        self.legend_row.set_entries(self._held.entries())

    def set_layer(self, name: str, on: bool) -> None:
        """Switch a layer on or off.

        Args:
            name: One of `LAYERS`.
            on: Whether to show it.

        Raises:
            KeyError: There is no such layer.
        """
        if name not in LAYERS:
            raise KeyError(f"There is no layer {name!r}; use one of {', '.join(LAYERS)}.")
        self.show_plane(on=self._held.on | {name} if on else self._held.on - {name})

    def layer(self, name: str) -> bool:
        """Return whether a layer is on."""
        return name in self._held.on

    def clear_chains(self) -> None:
        """Takes tails, heads, twins and copies away."""
        self.show_plane(tails=NO_TAILS, heads=NO_POINTS, twins=NO_TAILS, lost=NO_LOST, copies=None, moves=None)

    # Axes

    def frame(self) -> None:
        """Shows all data and modes with a margin, and follows chains that blow up."""
        visible = np.concatenate([finite(np.asarray(points, float)) for points in (self._held.data, self._held.modes)])
        if not len(visible):
            visible = finite(np.asarray(self._held.heads, float))
        if len(visible):
            (left, low), (right, high) = visible.min(0), visible.max(0)
            margin = 0.12 * max(right - left, high - low, 1.0)
            self._home = (left - margin, right + margin, low - margin, high + margin)
        self._moved_by_hand = False
        self._show_reach()

    def follow(self, reach: float) -> None:
        """Zooms out with chains that blow up, unless the user has moved the view since the last `frame`.

        Args:
            reach: Distance from the middle of the data to show; 0 for the data alone.
        """
        if reach == self._reach:
            return
        # Where the chains have come back, a view far outside would be empty.
        self._reach, self._moved_by_hand = reach, self._moved_by_hand and reach > 0
        if not self._moved_by_hand:
            self._show_reach()

    def _show_reach(self) -> None:
        left, right, low, high = self._home
        x, y = (left + right) / 2, (low + high) / 2
        wide, tall = max((right - left) / 2, self._reach), max((high - low) / 2, self._reach)
        self.set_bounds((x - wide, x + wide, y - tall, y + tall))

    def set_bounds(self, bounds: Bounds) -> None:
        """Show at least this part of the plane, (x₁ least, x₁ most, x₂ least, x₂ most)."""
        left, right, low, high = bounds
        self.box.setRange(xRange=(left, right), yRange=(low, high), padding=0)

    def plot(self) -> Plane:
        """Return the current content, for a file."""
        return replace(self._held, bounds=self.bounds())

    def readout_at(self, x: float, y: float) -> str:
        """Return position and density under the mouse."""
        text = f"x₁ = {x:.2f}   x₂ = {y:.2f}"
        value = self._density_at(x, y)
        return text if value is None else f"{text}   log p = {value:.2f}"

    def _density_at(self, x: float, y: float) -> float | None:
        """Return log p at the nearest grid point; None outside the grid."""
        values, (left, right, low, high) = self._held.log_density, self._held.density_bounds
        if values is None or not values.size:
            return None
        rows, columns = values.shape
        row = round((y - low) / (high - low) * (rows - 1))
        column = round((x - left) / (right - left) * (columns - 1))
        inside = 0 <= row < rows and 0 <= column < columns
        return float(values[row, column]) if inside else None

    # Events

    def _draw(self, names: tuple[str, ...], painter: QPainter, to_px: ToPixels) -> None:
        self._painter.draw(self._held, names, painter, to_px, self.colours)

    def refresh(self) -> None:
        """Repaint all layers, for example after a change of theme."""
        self._back.update()
        self._front.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember the start of a click, to distinguish it from a drag."""
        self._pressed = event.position()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the chain whose head was clicked."""
        super().mouseReleaseEvent(event)
        moved = (event.position() - self._pressed).manhattanLength()
        if event.button() == Qt.MouseButton.LeftButton and moved < 4:
            chain = self.chain_at(event.position())
            if chain is not None:
                self.chain_chosen.emit(chain)

    def chain_at(self, position: QPointF) -> int | None:
        """Return the chain whose head is nearest to a position in widget pixels, or None if none is near."""
        heads = np.asarray(self._held.heads, float)
        at = [
            self.mapFromScene(self.box.mapViewToScene(QPointF(*head))) if np.isfinite(head).all() else None
            for head in heads.tolist()
        ]
        far = [np.inf if p is None else np.hypot(p.x() - position.x(), p.y() - position.y()) for p in at]
        best = int(np.argmin(far)) if far else -1
        return best if best >= 0 and far[best] <= _REACH_PX else None

    def showEvent(self, event: QShowEvent) -> None:
        """Report the visible part of the plane."""
        super().showEvent(event)
        self._settled.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Cancel the pending report of a hidden view."""
        self._settled.stop()
        super().hideEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the home button in its corner."""
        super().resizeEvent(event)
        if hasattr(self, "_home_button"):
            self._home_button.adjustSize()
            self._home_button.move(
                self.width() - self._home_button.width() - 2, self.height() - self._home_button.height() - 2
            )

    def _leave_to_hand(self, *_: object) -> None:
        self._moved_by_hand = True

    def _wait(self, *_: object) -> None:
        if self.isVisible():
            self._settled.start()

    def _emit_view(self) -> None:
        self.view_changed.emit(self.bounds())
