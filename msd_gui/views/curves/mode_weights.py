"""The mode weights: sampled against true, side by side."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from msd_gui.theme import Colours
from msd_gui.views.base.fonts import font_of
from msd_gui.views.base.layers import Layer, ToPixels, pen
from msd_gui.views.base.legend import Entry
from msd_gui.views.base.plot import PlotView

_APART = 6.0
_BAR, _MOST_TICKS = 0.7, 12


class ModeWeightsView(PlotView):
    """A bar for the sampled share of each mode, a line across it for the true weight, numbers where they have room.

    Args:
        colours: Colours to keep whatever the theme; None follows the theme.
    """

    heading = "Mode weights, sampled and true"
    noun = "mode"
    true_word = "true"

    def __init__(self, colours: Colours | None = None) -> None:
        super().__init__(self.heading, self.noun, "share", colours=colours)
        self._sampled: NDArray[Any] = np.empty(0)
        self._true: NDArray[Any] = np.empty(0)
        self._learned = False
        self._layer = Layer(self._draw)
        self.box.addItem(self._layer, ignoreBounds=True)
        self.box.setMouseEnabled(x=False, y=False)

    def set_weights(self, sampled: NDArray[Any], true: NDArray[Any]) -> None:
        """Shows the weights.

        Args:
            sampled: Share of the chains nearest to each mode, with shape (J,).
            true: Weights of the mixture, with shape (J,).
        """
        self._sampled, self._true = np.asarray(sampled), np.asarray(true)
        self.changed()

    def set_learned(self, on: bool) -> None:
        """Says whether the chains follow a learned score: their bars are painted in its colour."""
        if on != self._learned:
            self._learned = on
            self.changed()

    def refresh(self) -> None:
        """Sets the axes if the modes are others, and paints."""
        count, top = len(self._true), self._top()
        (left, right), (_, high) = self.box.viewRange()
        if count and ((left, right) != (0.4, count + 0.6) or top > high or top < 0.6 * high):
            self.frame()
        self._layer.update()

    def frame(self) -> None:
        """Shows all bars from zero."""
        count = len(self._true)
        every = -(-count // _MOST_TICKS) if count else 1
        ticks = [(mode, self._name(mode)) for mode in range(1, count + 1, every)]
        self.getPlotItem().getAxis("bottom").setTicks([ticks])
        self.box.setRange(xRange=(0.4, count + 0.6), yRange=(0.0, 1.3 * self._top()), padding=0)

    def readout_at(self, x: float, y: float) -> str:
        """The weights of the mode under the mouse."""
        del y
        mode = round(x)
        if not 1 <= mode <= len(self._true):
            return ""
        sampled, true = self._sampled[mode - 1], self._true[mode - 1]
        return f"{self.noun} {self._name(mode)}   sampled {sampled:.3f}   {self.true_word} {true:.3f}"

    def legend_entries(self) -> list[Entry]:
        """Bar and line."""
        if not len(self._true):
            return []
        return [Entry("patch", self._colour(), "sampled"), Entry("line", self.colours.text, self.true_word)]

    def copy(self, colours: Colours) -> Self:
        """A copy for a picture in fixed colours."""
        made = type(self)(colours)
        made._sampled, made._true, made._learned = self._sampled, self._true, self._learned
        made.frame()
        return made

    def _name(self, mode: int) -> str:
        return str(mode)

    def _colour(self) -> str:
        return self.colours.learned if self._learned else self.colours.exact

    def _top(self) -> float:
        shares = np.concatenate([self._sampled, self._true, [1e-3]])
        return float(shares[np.isfinite(shares)].max())

    def _draw(self, painter: QPainter, to_px: ToPixels) -> None:
        modes = np.arange(1, len(self._true) + 1)
        ends = [
            to_px(np.stack([modes + side * _BAR / 2, height], axis=1))
            for side, height in ((-1, np.nan_to_num(self._sampled)), (1, np.zeros(len(modes))))
        ]
        font = font_of(self, 0.85)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        roomy = len(modes) and ends[1][0, 0] - ends[0][0, 0] > metrics.horizontalAdvance("0.00")
        reach = 3.0 if roomy else 0.0
        true_heights = to_px(np.stack([modes, self._true], axis=1))[:, 1]
        for index, ((left, top), (right, bottom)) in enumerate(zip(*(e.tolist() for e in ends), strict=True)):
            painter.fillRect(QRectF(QPointF(left, top), QPointF(right, bottom)), QColor(self._colour()))
            across = float(true_heights[index])
            for colour, width in ((self.colours.base, 3.6), (self.colours.text, 1.8)):
                painter.setPen(pen(colour, width))
                painter.drawLine(QPointF(left - reach, across), QPointF(right + reach, across))
            if roomy and np.isfinite(self._sampled[index]):
                # On its bar, not on a line far above it; and not across a line close above it.
                above = top if across < top - metrics.height() - _APART else min(top, across)
                place = QRectF(left - 10, above - metrics.height() - 2, right - left + 20, metrics.height())
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, f"{self._sampled[index]:.2f}")
