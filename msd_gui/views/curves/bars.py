"""Shares as bars: modes among chains or classes among samples, beside the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from msd_engine.events.plots import Bars
from msd_gui.views.base.colour_maps import colour_of
from msd_gui.views.base.fonts import font_of
from msd_gui.views.base.layers import Layer, ToPixels, pen
from msd_gui.views.base.plot import PlotView

_APART = 6.0
_BAR, _MOST_TICKS = 0.7, 12
# So many letters of a name fit under a bar.
_LETTERS = 3


class BarsView(PlotView):
    """A bar for each sampled share, a line across it for the true one, and numbers if they fit."""

    def __init__(self, name: str, noun: str, words: str) -> None:
        super().__init__(name, noun, "share")
        self._bars = Bars(name, noun, words=words)
        self._layer = Layer(self._draw)
        self.box.addItem(self._layer, ignoreBounds=True)
        self.box.setMouseEnabled(x=False, y=False)

    def set_shares(self, names: Sequence[str], sampled: NDArray[Any], expected: NDArray[Any]) -> None:
        """Show shares.

        Args:
            names: Names of the modes or classes.
            sampled: Their shares in the sample, with shape (n,).
            expected: Their true shares, with shape (n,).
        """
        bars = replace(self._bars, names=tuple(names), values=np.asarray(sampled), expected=np.asarray(expected))
        others, self._bars = bars.names != self._bars.names, bars
        if others:
            self.frame()
        self.changed()

    def set_learned(self, on: bool) -> None:
        """Use the colour of a learned score, or of the exact one."""
        colour = "learned" if on else "exact"
        if colour != self._bars.colour:
            self._bars = replace(self._bars, colour=colour)
            self.changed()

    def plot(self) -> Bars:
        """Return the current bars."""
        return self._bars

    def refresh(self) -> None:
        """Update the axes if the bars have outgrown them, and paint."""
        top, high = self._bars.top, self.bounds()[3]
        if self._bars.names and (top > high or top < 0.6 * high):
            self.frame()
        self._layer.update()

    def frame(self) -> None:
        """Show all bars from zero."""
        names = self._bars.names
        every = max(1, -(-len(names) // _MOST_TICKS))
        ticks = [(place, name[:_LETTERS]) for place, name in enumerate(names, 1)][::every]
        self.getPlotItem().getAxis("bottom").setTicks([ticks])
        self.box.setRange(xRange=(0.4, len(names) + 0.6), yRange=(0.0, 1.3 * self._bars.top), padding=0)

    def readout_at(self, x: float, y: float) -> str:
        """Return the shares of the bar under the mouse."""
        del y
        bars, place = self._bars, round(x) - 1
        if not 0 <= place < len(bars.names):
            return ""
        sampled, expected = bars.values[place], bars.expected[place]
        return f"{bars.noun} {bars.names[place]}   sampled {sampled:.3f}   {bars.words} {expected:.3f}"

    def _draw(self, painter: QPainter, to_px: ToPixels) -> None:
        bars = self._bars
        at = np.arange(1, len(bars.names) + 1)
        ends = [
            to_px(np.stack([at + side * _BAR / 2, height], axis=1))
            for side, height in ((-1, np.nan_to_num(bars.values)), (1, np.zeros(len(at))))
        ]
        font = font_of(self, 0.85)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        roomy = len(at) and ends[1][0, 0] - ends[0][0, 0] > metrics.horizontalAdvance("0.00")
        reach = 3.0 if roomy else 0.0
        lines = to_px(np.stack([at, bars.expected], axis=1))[:, 1]
        fill = QColor(colour_of(self.colours, bars.colour))
        for index, ((left, top), (right, bottom)) in enumerate(zip(*(e.tolist() for e in ends), strict=True)):
            painter.fillRect(QRectF(QPointF(left, top), QPointF(right, bottom)), fill)
            across = float(lines[index])
            for colour, width in ((self.colours.base, 3.6), (self.colours.text, 1.8)):
                painter.setPen(pen(colour, width))
                painter.drawLine(QPointF(left - reach, across), QPointF(right + reach, across))
            if roomy and np.isfinite(bars.values[index]):
                # On its bar, but not across a line close above it.
                above = top if across < top - metrics.height() - _APART else min(top, across)
                place = QRectF(left - 10, above - metrics.height() - 2, right - left + 20, metrics.height())
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, f"{bars.values[index]:.2f}")


def class_shares() -> BarsView:
    """Return a view for the shares of the classes among samples, beside those among real images."""
    made = BarsView("Shares of the classes, sampled and real", "class", "real")
    made.set_learned(True)
    return made
