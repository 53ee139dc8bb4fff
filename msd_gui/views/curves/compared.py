"""Many curves over one another, such as those of several k in two modes: colour for the one, dashes for the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter

from msd_gui.theme import Colours
from msd_gui.views.base.colour_maps import ordinal
from msd_gui.views.base.layers import Layer, ToPixels, draw_curve, draw_dots, draw_polylines, finite, pen
from msd_gui.views.base.legend import Entry
from msd_gui.views.base.plot import PlotView
from msd_gui.views.base.rich import indexed
from msd_gui.widgets.controls.numbers import number


@dataclass(frozen=True, eq=False)
class Compared:
    """One curve.

    Attributes:
        words: What it is, for the read-out.
        k: Number of copies; it chooses the colour.
        style: ``line``, ``dash`` or ``dot``.
        x: Positions, with shape (n,).
        y: Values, with shape (n,).
    """

    words: str
    k: int
    style: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


class ComparedView(PlotView):
    """Curves over one another, with a logarithmic axis for the values.

    Args:
        name: Accessible name.
        x_label: Words under the x axis.
        styles: What each style stands for, for the legend.
        log_x: Whether the x axis is logarithmic too.
        colours: Colours to keep whatever the theme; None follows the theme.
    """

    def __init__(
        self,
        name: str,
        x_label: str,
        styles: dict[str, str],
        *,
        log_x: bool = False,
        colours: Colours | None = None,
    ) -> None:
        log = ("bottom", "left") if log_x else ("left",)
        super().__init__(name, x_label, "‖x̂ − x‖²", log=log, colours=colours)
        self._name, self._styles, self._log_x = name, styles, log_x
        self._curves: Sequence[Compared] = ()
        self._follows = True
        self._layer = Layer(self._draw)
        self.box.addItem(self._layer, ignoreBounds=True)
        self.box.sigRangeChangedManually.connect(self._stop_following)

    def set_curves(self, curves: Sequence[Compared]) -> None:
        """Shows these curves in place of those before."""
        self._curves = curves
        self.changed()

    def data(self) -> dict[str, NDArray[np.float64]]:
        """All curves as columns for a CSV file, two for each, with shape (n,)."""
        columns: dict[str, NDArray[np.float64]] = {}
        for curve in self._curves:
            columns |= {f"{curve.words} x": curve.x, f"{curve.words} error": curve.y}
        return columns

    def refresh(self) -> None:
        """Frames the curves unless the user has chosen a part, and paints."""
        if self._follows:
            self.frame()
        self._layer.update()

    def frame(self) -> None:
        """Shows all curves."""
        self._follows = True
        # Exact errors of a finite set of images fall below any axis as the noise goes to zero.
        parts = [self._points(curve) for curve in self._curves if curve.style != "dot"]
        points = finite(np.concatenate(parts)) if parts else np.empty((0, 2))
        if len(points):
            (left, low), (right, high) = points.min(axis=0), points.max(axis=0)
            across, up = 0.04 * (right - left) or 0.5, max(0.08 * (high - low), 0.05)
            self.box.setRange(xRange=(left - across, right + across), yRange=(low - up, high + up), padding=0)

    def readout_at(self, x: float, y: float) -> str:
        """The curve nearest to the mouse."""
        best, words = np.inf, ""
        (left, right), (low, high) = self.box.viewRange()
        for curve in self._curves:
            points = self._points(curve)
            away = np.hypot((points[:, 0] - x) / (right - left), (points[:, 1] - y) / (high - low))
            if len(points) and np.nanmin(away, initial=np.inf) < best:
                at = int(np.nanargmin(away))
                best = float(away[at])
                words = f"{curve.words}: {number(float(curve.x[at]))} · error {number(float(curve.y[at]))}"
        return indexed(words)

    def legend_entries(self) -> list[Entry]:
        """One entry for each k, one for each style."""
        shown = {curve.style for curve in self._curves}
        by_k = [Entry("line", self._colour(k), f"k = {k}") for k in self._ks()]
        marks = {"line": "line", "dash": "dash", "dot": "dotted"}
        styles = [(marks[s], words) for s, words in self._styles.items() if s in shown]
        return by_k + [Entry(mark, self.colours.text, words, rich=True) for mark, words in styles]

    def copy(self, colours: Colours) -> Self:
        """A copy for a picture in fixed colours, over the same range."""
        made = type(self)(self._name, self._labels["bottom"], self._styles, log_x=self._log_x, colours=colours)
        made._curves, made._follows = self._curves, False
        made.box.setRange(*self._ranges(), padding=0)
        return made

    def _ks(self) -> list[int]:
        return sorted({curve.k for curve in self._curves})

    def _colour(self, k: int) -> str:
        ks = self._ks()
        share = ks.index(k) / max(1, len(ks) - 1)
        return ordinal(self.colours, share).name()

    def _points(self, curve: Compared) -> NDArray[Any]:
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.log10(curve.x) if self._log_x else curve.x
            points = np.stack([x, np.log10(curve.y)], axis=1)
        return np.where(np.isfinite(points), points, np.nan)

    def _stop_following(self, *_: object) -> None:
        self._follows = False

    def _draw(self, painter: QPainter, to_px: ToPixels) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lines = {"dash": Qt.PenStyle.DashLine, "dot": Qt.PenStyle.DotLine}
        for curve in self._curves:
            points, colour = to_px(self._points(curve)), self._colour(curve.k)
            if curve.style == "line":
                draw_curve(painter, points, colour, 1.6)
            else:
                painter.setPen(pen(colour, 1.6, lines[curve.style]))
                draw_polylines(painter, points[None])
            if curve.style != "dot" and 0 < len(points) < 3:
                painter.setPen(pen(colour, 1.6))
                painter.setBrush(QColor(colour))
                draw_dots(painter, points, 2.6)
