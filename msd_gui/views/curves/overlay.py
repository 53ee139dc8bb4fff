"""Curves of several runs over each other: a few each in a colour of its own, many in the colours of their k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter

from msd_gui.theme import Colours
from msd_gui.views.base.colour_maps import ordinal
from msd_gui.views.base.layers import Layer, ToPixels, draw_curve, draw_dots, draw_polylines, finite, pen
from msd_gui.views.base.legend import Entry
from msd_gui.views.base.plot import PlotView
from msd_gui.widgets.controls.numbers import number

_X_WORDS = {"steps": "step", "seconds": "time / s"}
_WORDS = 34
# Apart for colour-blind eyes, on white and on black (after Tol's bright scheme, dimmed or brightened for contrast).
_LIGHT = ("#3566A8", "#C8384E", "#1B7F3B", "#8F7A00", "#1E87A8", "#9A2C78", "#6E6E6E", "#B0561A")
_DARK = ("#7FB2F0", "#F2808F", "#5BC977", "#D9C65A", "#72D2F0", "#E07CC0", "#C8C8C8", "#F0A065")
OWN_COLOURS = len(_LIGHT)
"""More curves than this are not told apart by colours of their own."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve.

    Attributes:
        name: Words in the legend.
        steps: Step numbers, with shape (n,).
        seconds: Seconds of training, with shape (n,).
        values: Values, with shape (n,); what is not positive is left out.
        k: Number of copies, which gives the colour where each curve has not its own.
        style: ``line`` or ``dash``, where each curve has not a colour of its own.
    """

    name: str
    steps: NDArray[Any]
    seconds: NDArray[Any]
    values: NDArray[Any]
    k: int = 0
    style: str = "line"


class OverlayView(PlotView):
    """Held-out errors over steps or seconds, with a logarithmic axis.

    Args:
        colours: Colours to keep whatever the theme; None follows the theme.
    """

    def __init__(self, colours: Colours | None = None) -> None:
        words = ("Held-out errors", "step", "held-out ‖x̂ − x‖²")
        super().__init__(*words, log=("left",), colours=colours)
        self._given: tuple[Curve, ...] = ()
        self._curves: list[NDArray[np.float64]] = []
        self._styles: dict[str, str] | None = None
        self._x: Literal["steps", "seconds"] = "steps"
        self._layer = Layer(self._draw)
        self.box.addItem(self._layer, ignoreBounds=True)

    def set_curves(self, curves: Sequence[Curve], styles: dict[str, str] | None = None) -> None:
        """Shows these curves.

        Args:
            curves: The curves; without styles at most `OWN_COLOURS` are shown.
            styles: What each style stands for, for the legend; colours then tell k. None gives each curve a colour.
        """
        self._given = tuple(curves if styles is not None else curves[:OWN_COLOURS])
        self._styles = styles
        self.changed()

    def curves(self) -> tuple[Curve, ...]:
        """The curves that are shown."""
        return self._given

    def set_x(self, unit: Literal["steps", "seconds"]) -> None:
        """Chooses what the x axis counts."""
        self._x = unit
        self.set_label("bottom", _X_WORDS[unit])
        self.changed()

    def data(self) -> dict[str, NDArray[np.float64]]:
        """All values, for a CSV file: step, seconds and error of each curve, each with shape (n,)."""
        columns: dict[str, NDArray[np.float64]] = {}
        for place, curve in enumerate(self._given, 1):
            name = f"{place} {curve.name}"
            for word, column in (("step", curve.steps), ("seconds", curve.seconds), ("held_out", curve.values)):
                columns[f"{name} {word}"] = np.asarray(column, np.float64)
        return columns

    def refresh(self) -> None:
        """Takes the logarithms and shows all."""
        self._curves = []
        for curve in self._given:
            with np.errstate(divide="ignore", invalid="ignore"):
                x = curve.steps if self._x == "steps" else curve.seconds
                self._curves.append(finite(np.stack([np.asarray(x, np.float64), np.log10(curve.values)], axis=1)))
        self.frame()
        self._layer.update()

    def frame(self) -> None:
        """Shows all curves."""
        points = np.concatenate(self._curves) if self._curves else np.empty((0, 2))
        if len(points):
            low, high = float(points[:, 1].min()), float(points[:, 1].max())
            margin = max(0.08 * (high - low), 0.05)
            right = max(float(points[:, 0].max()), 1e-9)
            self.box.setRange(xRange=(0.0, 1.03 * right), yRange=(low - margin, high + margin), padding=0)

    def readout_at(self, x: float, y: float) -> str:
        """The curve nearest to the mouse, and its value there."""
        best = ("", np.inf)
        for curve, points in zip(self._given, self._curves, strict=True):
            if len(points):
                nearest = points[np.abs(points[:, 0] - x).argmin()]
                words = f"{_short(curve.name)}   {nearest[0]:,.4g}   {number(float(10 ** nearest[1]))}"
                best = min(best, (words, abs(float(nearest[1]) - y)), key=lambda found: found[1])
        return best[0]

    def legend_entries(self) -> list[Entry]:
        """One entry for each curve, or for each k and each style."""
        if self._styles is None:
            given = enumerate(self._given)
            return [Entry("line", self._colour(place), _short(curve.name), rich=True) for place, curve in given]
        places = {curve.k: place for place, curve in enumerate(self._given)}
        by_k = [Entry("line", self._colour(places[k]), f"k = {k}" if k else "k unknown") for k in sorted(places)]
        shown = {curve.style for curve in self._given}
        styles = [(style, words) for style, words in self._styles.items() if style in shown]
        return by_k + [Entry(style, self.colours.text, words, rich=True) for style, words in styles]

    def copy(self, colours: Colours) -> Self:
        """A copy for a picture in fixed colours, over the same range."""
        made = type(self)(colours)
        made._given, made._styles = self._given, self._styles
        made._x = self._x
        made.set_label("bottom", _X_WORDS[self._x])
        made.refresh()
        made.box.setRange(*self._ranges(), padding=0)
        made._stale = False
        return made

    def _colour(self, place: int) -> str:
        if self._styles is not None:
            ks = sorted({curve.k for curve in self._given})
            return ordinal(self.colours, ks.index(self._given[place].k) / max(1, len(ks) - 1)).name()
        return (_DARK if self.colours.scheme == "dark" else _LIGHT)[place]

    def _draw(self, painter: QPainter, to_px: ToPixels) -> None:
        for place, points in enumerate(self._curves):
            pixels = to_px(points)
            if self._styles is not None and self._given[place].style == "dash":
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(pen(self._colour(place), 1.6, Qt.PenStyle.DashLine))
                draw_polylines(painter, pixels[None])
            else:
                draw_curve(painter, pixels, self._colour(place), 1.8 if self._styles is None else 1.6)
            if 0 < len(points) < 3:
                painter.setBrush(QColor(self._colour(place)))
                draw_dots(painter, pixels, 2.6)


def _short(name: str) -> str:
    return name if len(name) <= _WORDS else f"{name[: _WORDS - 1]}…"
