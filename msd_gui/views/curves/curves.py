"""Curves on linear or logarithmic axes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from msd_engine.events.plots import Array, Axis, Bounds, Curve, Curves
from msd_gui.views.base.colour_maps import between, colour_of
from msd_gui.views.base.fonts import font_of
from msd_gui.views.base.layers import Layer, ToPixels, draw_curve, draw_dots, draw_polylines, finite, pen, polygon
from msd_gui.views.base.plot import PlotView
from msd_gui.views.base.rich import indexed
from msd_gui.widgets.controls.numbers import number

_STYLES = {"line": Qt.PenStyle.SolidLine, "dash": Qt.PenStyle.DashLine, "dotted": Qt.PenStyle.DotLine}
_WIDTH_PX, _CAP_PX, _DOT_PX, _DOT_EVERY_PX = 1.7, 3.0, 2.8, 14.0
_BAND = 0.22
# Distance of a tag from the last point of its curve.
_TAG_PX = 4.0
# Room at the right of curves that grow and of others, in parts of their width.
_GROWING, _WHOLE = 0.2, 0.05
_LEAST_MARGIN = 0.05
# Growing curves that fill less of an axis are framed again.
_LEAST_FILLED = 0.3
# More curves are drawn as hairlines.
_MANY, _HAIRLINE_PX = 40, 1.0
# With more curves the read-out shows only the nearest.
_MOST_READ = 3


class CurvesView(PlotView):
    """Curves over one another; the axes follow them until the user moves the view.

    Args:
        plot: The first content; gives the accessible name.
    """

    def __init__(self, plot: Curves) -> None:
        super().__init__(plot.name)
        self._given = plot
        self._lines: list[tuple[Curve, Array, Array, Array]] = []
        # Axes and names of the current content.
        self._kind: tuple[object, ...] = ()
        self._follows = True
        self._layer = Layer(self._draw)
        self.box.addItem(self._layer, ignoreBounds=True)
        self.box.sigRangeChangedManually.connect(self._stop_following)
        self._set_axes(plot)

    def set_plot(self, plot: Curves) -> None:
        """Show other curves; the axes follow them again unless only the points have changed."""
        self._given = plot
        self.changed()

    def made(self) -> Curves:
        """Return the current content, made on demand."""
        return self._given

    def plot(self) -> Curves:
        """Return the current content on the current axes, for a file."""
        self.bring_up_to_date()
        given = self._given
        shown = [10.0**end if log else end for end, log in zip(self.bounds(), self._logs(), strict=True)]
        bounds: Bounds = (shown[0], shown[1], shown[2], shown[3])
        return replace(given, bounds=bounds)

    def refresh(self) -> None:
        """Compute the logarithms, and frame the curves unless the user has chosen a part."""
        self._given = plot = self.made()
        kind = (plot.x, plot.y, *(curve.words for curve in plot.curves if not curve.across))
        if kind != self._kind:
            self._kind, self._follows = kind, True
        self._set_axes(plot)
        self._lines = [
            (curve, self._points(curve, curve.y), self._points(curve, curve.low), self._points(curve, curve.high))
            for curve in plot.curves
        ]
        if self._follows and (not plot.growing or self._outgrown()):
            self.frame()
        self._layer.update()

    def frame(self) -> None:
        """Show all curves, with a margin at the right of growing ones so that the axes rarely move."""
        self._follows = True
        limits = self._limits()
        if limits is None:
            return
        left, right, low, high = limits
        span = right - left
        after = (_GROWING if self._given.growing else _WHOLE) * (span or 1.0)
        before = 0.0 if not self._given.x.log and left == 0.0 else _WHOLE * (span or 1.0)
        margin = max(0.09 * (high - low), _LEAST_MARGIN)
        self.box.setRange(xRange=(left - before, right + after), yRange=(low - margin, high + margin), padding=0)

    def readout_at(self, x: float, y: float) -> str:
        """Return the values of a few curves at the mouse; of many curves only the nearest."""
        near = [(line, self._nearest(line[1], x, y)) for line in self._lines if len(finite(line[1]))]
        if not near:
            return ""
        if len(near) > _MOST_READ:
            (curve, *_), (at, _) = min(near, key=lambda found: found[1][1])
            return indexed(f"{curve.words}   {self._place(curve, at)}   {_value(curve, at)}")
        beside = [(line[0], self._nearest(line[1], x)[0]) for line, _ in near]
        values = [f"{curve.words} {_value(curve, at)}" for curve, at in beside]
        place = max(beside, key=lambda found: len(found[0].notes))
        return indexed("   ".join([self._place(*place), *values]))

    # -- axes ----------------------------------------------------------------------------------------------------------

    def _set_axes(self, plot: Curves) -> None:
        for side, axis in (("bottom", plot.x), ("left", plot.y)):
            self.set_label(side, indexed(axis.label))
            self.getPlotItem().getAxis(side).set_logarithmic(axis.log)

    def _logs(self) -> tuple[bool, bool, bool, bool]:
        x, y = self._given.x.log, self._given.y.log
        return x, x, y, y

    def _points(self, curve: Curve, values: Array | None) -> Array:
        """Return plotted points, with shape (n, 2), empty without values; NaN if they cannot be plotted."""
        if values is None:
            return np.empty((0, 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.log10(curve.x) if self._given.x.log else np.asarray(curve.x, np.float64)
            points = np.stack([x, np.log10(values) if self._given.y.log else values], axis=1)
        return np.where(np.isfinite(points), points, np.nan)

    def _limits(self) -> Bounds | None:
        """Return the least and greatest plotted values of the visible curves."""
        shown = [line for line in self._lines if line[0].framed]
        points = finite(np.concatenate([middle for _, middle, _, _ in shown])) if shown else np.empty((0, 2))
        if not len(points):
            return None
        heights = [points[:, 1]]
        for curve, _, low, high in shown:
            if len(low):
                ends = np.concatenate([low[:, 1], high[:, 1]])
                ends = ends[np.isfinite(ends)]
                if curve.spread == "band":
                    # A few outliers of a band do not extend the axis. `np.percentile` would import numpy.ma first.
                    ends, few = np.sort(ends), len(ends) // 100
                    ends = ends[few : len(ends) - few]
                heights.append(ends)
        y = np.concatenate(heights)
        left, right = float(points[:, 0].min()), float(points[:, 0].max())
        return 0.0 if left > 0 and not self._given.x.log else left, right, float(y.min()), float(y.max())

    def _outgrown(self) -> bool:
        limits, axes = self._limits(), self.bounds()
        if limits is None:
            return False
        for low, high, first, last in zip(limits[::2], limits[1::2], axes[::2], axes[1::2], strict=True):
            if low < first or high > last or max(high - low, 2 * _LEAST_MARGIN) < _LEAST_FILLED * (last - first):
                return True
        return False

    def _stop_following(self, *_: object) -> None:
        self._follows = False

    # -- read-out ------------------------------------------------------------------------------------------------------

    def _nearest(self, points: Array, x: float, y: float | None = None) -> tuple[int, float]:
        """Return the index of and distance to the nearest point, by x alone without y."""
        left, right, low, high = self.bounds()
        away = np.abs(points[:, 0] - x) / (right - left)
        if y is not None:
            away = np.hypot(away, (points[:, 1] - y) / (high - low))
        away = np.where(np.isfinite(points).all(axis=1), away, np.inf)
        at = int(away.argmin())
        return at, float(away[at])

    def _place(self, curve: Curve, at: int) -> str:
        if curve.notes:
            return curve.notes[at]
        value, axis = float(curve.x[at]), self._given.x
        words = f"{value:,.0f}" if value.is_integer() else number(value)
        return f"{axis.name} {words}" + (f" {axis.unit}" if axis.unit else "")

    # -- painting ------------------------------------------------------------------------------------------------------

    def _draw(self, painter: QPainter, to_px: ToPixels) -> None:
        # Thin lines are easier to tell apart where there are many, and are drawn three times as fast.
        many = len(self._lines) > _MANY
        for curve, middle, low, high in self._lines:
            colour = colour_of(self.colours, curve.colour)
            pixels = self._across(curve, to_px(middle))
            if len(low):
                ends = self._across(curve, to_px(low)), self._across(curve, to_px(high))
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=curve.spread == "bars")
                draw_spread = _draw_bars if curve.spread == "bars" else _draw_band
                draw_spread(painter, *ends, between(self.colours.base, colour, _BAND), colour)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if curve.style == "line" and not many:
                draw_curve(painter, pixels, colour, _WIDTH_PX)
            else:
                painter.setPen(pen(colour, _HAIRLINE_PX if many else _WIDTH_PX, _STYLES[curve.style]))
                draw_polylines(painter, pixels[None])
            few = 0 < len(finite(middle)) < 3 and curve.framed and not curve.across
            if few or (curve.dots and np.ptp(pixels[:, 0]) > _DOT_EVERY_PX * len(pixels)):
                painter.setPen(pen(colour, 1.2))
                painter.setBrush(QColor(colour))
                draw_dots(painter, pixels, _DOT_PX)
        self._draw_tags(painter, to_px)

    def _draw_tags(self, painter: QPainter, to_px: ToPixels) -> None:
        """Write the tags at the last points of their curves: to the right, above or below, where no line is."""
        if not any(curve.tag for curve, *_ in self._lines):
            return
        painter.setFont(font_of(self))
        painter.setPen(QColor(self.colours.text))
        metrics, edge = painter.fontMetrics(), to_px(np.array([self.bounds()[1::2]]))[0, 0]
        drawn = [finite(to_px(middle)) for _, middle, _, _ in self._lines]
        taken: list[QRectF] = []
        for (curve, *_), pixels in zip(self._lines, drawn, strict=True):
            if not curve.tag or not len(pixels):
                continue
            (x, y), width, height = pixels[-1], metrics.horizontalAdvance(curve.tag), metrics.height()
            corners = ((x + _TAG_PX, y - height / 2), (x - width, y - height - _TAG_PX), (x - width, y + _TAG_PX))
            places = [QRectF(*corner, width, height) for corner in corners]
            # Where tags would lie on each other, the legend still names their curves.
            places = [p for p in places if p.right() <= edge and not any(p.intersects(other) for other in taken)]
            if places:
                taken.append(min(places, key=lambda place: sum(_crosses(line, place) for line in drawn)))
                painter.drawText(taken[-1], Qt.AlignmentFlag.AlignCenter, curve.tag)

    def _across(self, curve: Curve, pixels: Array) -> Array:
        """Return the points of a curve, extended to the edges of the plot."""
        points = finite(pixels) if curve.across else pixels
        if not curve.across or not len(points):
            return points
        return np.array([[0.0, points[0, 1]], *points, [self.width(), points[-1, 1]]])


def _crosses(line: Array, place: QRectF) -> bool:
    """Whether a line of pixels with shape (n, 2), from left to right, runs through a place."""
    if not len(line) or line[0, 0] > place.right() or line[-1, 0] < place.left():
        return False
    across = np.linspace(max(place.left(), line[0, 0]), min(place.right(), line[-1, 0]), 8)
    heights = np.interp(across, *line.T)
    return bool(((heights > place.top()) & (heights < place.bottom())).any())


def _value(curve: Curve, at: int) -> str:
    words = number(float(curve.y[at]))
    if curve.spread == "band" and not curve.across:
        return words
    if curve.low is None or curve.high is None or not np.isfinite([curve.low[at], curve.high[at]]).all():
        return words
    return f"{words} ({number(float(curve.low[at]))} to {number(float(curve.high[at]))})"


def _draw_bars(painter: QPainter, low: Array, high: Array, fill: QColor, colour: str) -> None:
    del fill
    painter.setPen(pen(colour, 1.2))
    for (x, bottom), (_, top) in zip(low.tolist(), high.tolist(), strict=True):
        if np.isfinite([bottom, top]).all():
            ends = [QLineF(x - _CAP_PX, end, x + _CAP_PX, end) for end in (bottom, top)]
            painter.drawLines([QLineF(x, bottom, x, top), *ends])


def _draw_band(painter: QPainter, low: Array, high: Array, fill: QColor, colour: str) -> None:
    del colour
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    if len(low) < 8:
        whole = np.isfinite(low + high).all(axis=1)
        painter.drawPolygon(polygon(np.concatenate([low[whole], high[whole][::-1]])))
        return
    # Vertical bars paint much faster than a polygon with a jagged outline.
    middle = (low[1:, 0] + low[:-1, 0]) / 2
    edges = np.concatenate([low[:1, 0], middle, low[-1:, 0]])
    bars = np.stack([edges[:-1], high[:, 1], np.diff(edges), low[:, 1] - high[:, 1]], axis=1)
    painter.drawRects([QRectF(*bar) for bar in bars[np.isfinite(bars).all(axis=1)].tolist()])


STEPS, SECONDS = Axis("step"), Axis("time", "s")
"""The x axes of training curves."""
