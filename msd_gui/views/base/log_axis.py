"""An axis with an optional logarithmic scale: values are then plotted by their logarithm to base 10."""

from __future__ import annotations

from math import ceil, floor, log10

import numpy as np
import pyqtgraph as pg

from msd_gui.widgets.controls.numbers import number


class LogAxis(pg.AxisItem):
    """Ticks at 1, 2 and 5 times the powers of ten, with as many labels as fit.

    Args:
        side: ``bottom`` or ``left``.
    """

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.logarithmic = False

    def set_logarithmic(self, on: bool) -> None:
        """Plot the logarithms of values, or the values themselves."""
        if on != self.logarithmic:
            self.logarithmic = on
            self.picture = None
            self.update()

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """Return the positions of the ticks, the first list with labels, the second without.

        Args:
            minVal: Lower end of the axis, log10 of the value.
            maxVal: Upper end.
            size: Length of the axis in pixels.

        Returns:
            Pairs of spacing and positions.
        """
        if not self.logarithmic:
            common: list[tuple[float, list[float]]] = super().tickValues(minVal, maxVal, size)
            return common
        low, high = sorted((minVal, maxVal))
        room = max(2.0, size / (32.0 if self.orientation == "left" else 52.0))
        for digits in ((1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
            worded = _positions(low, high, digits)
            if len(worded) <= room:
                break
        if len(worded) > room:
            every = ceil(len(worded) / room)
            worded = [value for value in worded if round(value) % every == 0]
        if len(worded) < 2:
            step, worded = _evenly(low, high, room)
            return [(-step, worded)]
        bare = [v for v in _positions(low, high, tuple(range(1, 10))) if v not in worded] if high - low < 4 else []
        return [(1.0, worded), (0.1, bare)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Return tick labels: plain numbers from 0.0001 to 99 999, powers of ten beyond.

        Args:
            values: Positions, log10 of the value.
            scale: Unused.
            spacing: 0.1 for ticks without labels; negative: minus the distance of values close together.

        Returns:
            One string for each position.
        """
        if not self.logarithmic:
            words: list[str] = super().tickStrings(values, scale, spacing)
            return words
        if spacing == 0.1:
            return [""] * len(values)
        if spacing >= 0:
            return [number(10.0**value) for value in values]
        # Enough digits to distinguish neighbours.
        return [number(10.0**value, 1 + floor(value + 1e-9) - floor(log10(-spacing) + 1e-9)) for value in values]


def _evenly(low: float, high: float, room: float) -> tuple[float, list[float]]:
    """Return the spacing of at most `room` evenly spaced round numbers between two values, and log10 of each number."""
    first, last = 10.0**low, 10.0**high
    least = max((last - first) / room, 1e-9 * first)
    decade = 10.0 ** floor(log10(least))
    step = next(digit * decade for digit in (1, 2, 5, 10) if digit * decade >= least * (1 - 1e-9))
    count = floor(last / step + 1e-9) - ceil(first / step - 1e-9) + 1
    return step, [log10((ceil(first / step - 1e-9) + place) * step) for place in range(count)]


def _positions(low: float, high: float, digits: tuple[float, ...]) -> list[float]:
    decades = range(floor(low), ceil(high) + 1)
    found = (decade + float(np.log10(digit)) for decade in decades for digit in digits)
    return [value for value in found if low <= value <= high]
