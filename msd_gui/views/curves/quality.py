"""How good samples are against the evaluations that one of them takes, beside real images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QPainter

from msd_gui.theme import Colours
from msd_gui.views.base.layers import Layer, ToPixels, draw_curve, draw_dots, finite, pen, polygon
from msd_gui.views.base.legend import Entry
from msd_gui.views.base.plot import PlotView
from msd_gui.widgets.controls.numbers import number

_CAP_PX = 3.0
_BAND = 0.16


@dataclass(frozen=True)
class CurvePoint:
    """One set of samples.

    Attributes:
        words: How they were drawn, for the read-out.
        evaluations: Evaluations of the network, or of the exact score, for one of them.
        value: The figure.
        low: Lower end of its 95 % interval; NaN where none is known.
        high: Its upper end.
        real: The figure of as many real images; NaN where there is none.
        real_spread: Its standard deviation between sets of real images; NaN where one set was seen.
    """

    words: str
    evaluations: int
    value: float
    low: float
    high: float
    real: float
    real_spread: float = np.nan

    @property
    def real_low(self) -> float:
        """Lower edge of the band of real images; NaN where its width is not known."""
        return self.real - self.real_spread

    @property
    def real_high(self) -> float:
        """Its upper edge."""
        return self.real + self.real_spread


class QualityCurveView(PlotView):
    """One figure against evaluations, whose axis is logarithmic, with intervals and the figure and band of real images.

    Args:
        colours: Colours to keep whatever the theme; None follows the theme.
    """

    def __init__(self, colours: Colours | None = None) -> None:
        words = ("Quality against evaluations", "evaluations per sample", "")
        super().__init__(*words, log=("bottom", "left"), colours=colours)
        self._points: tuple[CurvePoint, ...] = ()
        self._title, self._log = "", True
        self._layer = Layer(self._draw)
        self.box.addItem(self._layer, ignoreBounds=True)

    def set_points(self, title: str, points: Sequence[CurvePoint], *, log: bool) -> None:
        """Shows a figure at these points, in place of those before.

        Args:
            title: What the figure is called.
            points: Where it was measured, in any order.
            log: Whether its axis is logarithmic; values that are not positive are left out then.
        """
        self._points = tuple(sorted(points, key=lambda point: point.evaluations))
        self._choose(title, log)
        self.frame()
        self.changed()

    def data(self) -> dict[str, NDArray[Any]]:
        """The points as columns for a CSV file, with shape (n,)."""
        names = {"evaluations": "evaluations", self._title: "value", "low": "low", "high": "high", "real": "real"}
        names["real standard deviation"] = "real_spread"
        return {name: np.array([getattr(point, part) for point in self._points]) for name, part in names.items()}

    def refresh(self) -> None:
        """Paints."""
        self._layer.update()

    def frame(self) -> None:
        """Shows all points with their intervals, and the line of real images."""
        parts = [self._curve(name) for name in ("value", "low", "high", "real", "real_low", "real_high")]
        points = finite(np.concatenate(parts))
        if len(points):
            (left, low), (right, high) = points.min(axis=0), points.max(axis=0)
            across, up = max(0.08 * (right - left), 0.1), 0.1 * (high - low) or 0.1
            self.box.setRange(xRange=(left - across, right + across), yRange=(low - up, high + up), padding=0)

    def readout_at(self, x: float, y: float) -> str:
        """The point nearest to the mouse."""
        del y
        if not self._points:
            return ""
        point = min(self._points, key=lambda one: abs(np.log10(one.evaluations) - x))
        spread = f" ({number(point.low)} to {number(point.high)})" if np.isfinite(point.low) else ""
        band = f" ± {number(point.real_spread)}" if np.isfinite(point.real_spread) else ""
        return f"{point.words}: {number(point.value)}{spread}   real {number(point.real)}{band}"

    def legend_entries(self) -> list[Entry]:
        """Curve and line."""
        if not self._points:
            return []
        known = any(np.isfinite(point.real_spread) for point in self._points)
        words = "real images ± standard deviation" if known else "real images"
        return [Entry("line", self.colours.learned, "samples"), Entry("dash", self.colours.exact, words)]

    def copy(self, colours: Colours) -> Self:
        """A copy for a picture in fixed colours, over the same range."""
        made = type(self)(colours)
        made._points = self._points
        made._choose(self._title, self._log)
        made.box.setRange(*self._ranges(), padding=0)
        return made

    def _choose(self, title: str, log: bool) -> None:
        self._title, self._log = title, log
        self.getPlotItem().getAxis("left").set_plain(not log)
        self.set_label("left", title)

    def _curve(self, name: str) -> NDArray[Any]:
        pairs = [(point.evaluations, getattr(point, name)) for point in self._points]
        points = np.array(pairs, np.float64).reshape(-1, 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            points[:, 0] = np.log10(points[:, 0])
            if self._log:
                points[:, 1] = np.log10(points[:, 1])
        return np.where(np.isfinite(points), points, np.nan)

    def _draw(self, painter: QPainter, to_px: ToPixels) -> None:
        self._draw_real(painter, to_px)
        low, high = to_px(self._curve("low")), to_px(self._curve("high"))
        painter.setPen(pen(self.colours.learned, 1.2))
        for (x, bottom), (_, top) in zip(low.tolist(), high.tolist(), strict=True):
            if np.isfinite([bottom, top]).all():
                ends = [QLineF(x - _CAP_PX, end, x + _CAP_PX, end) for end in (bottom, top)]
                painter.drawLines([QLineF(x, bottom, x, top), *ends])
        value = to_px(self._curve("value"))
        draw_curve(painter, value, self.colours.learned, 1.8)
        painter.setBrush(QColor(self.colours.learned))
        draw_dots(painter, value, 3.0)

    def _draw_real(self, painter: QPainter, to_px: ToPixels) -> None:
        low, high = self._across("real_low"), self._across("real_high")
        if len(low) and len(low) == len(high):
            fill = QColor(self.colours.exact)
            fill.setAlphaF(_BAND)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawPolygon(polygon(to_px(np.concatenate((low, high[::-1])))))
        real = self._across("real")
        if len(real):
            painter.setPen(pen(self.colours.exact, 1.6, Qt.PenStyle.DashLine))
            pixels = to_px(real).tolist()
            painter.drawLines([QLineF(*a, *b) for a, b in pairwise(pixels)])

    def _across(self, name: str) -> NDArray[Any]:
        """A curve from edge to edge, so that one point alone has its line too, with shape (n + 2, 2)."""
        curve = finite(self._curve(name))
        left, right = self.box.viewRange()[0]
        return np.array([[left, curve[0, 1]], *curve, [right, curve[-1, 1]]]) if len(curve) else curve
