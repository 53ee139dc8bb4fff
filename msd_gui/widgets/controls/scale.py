"""Conversion between positions on a slider and numbers."""

from __future__ import annotations

import math

from msd_engine.specs import Declaration

# Significant digits of a number from a slider position: a step of one pixel is coarser.
SLIDER_DIGITS = 3
_FAR = 1e6


class SliderScale:
    """Positions on a slider, as fractions from 0 to 1, and their numbers.

    A logarithmic scale gives every decade the same length. Numbers are rounded to the precision of a mouse. Keys move
    by the second significant digit (1.0, 1.1, 1.2 …), page keys by 1, 2, 5, 10; on a linear scale by about a hundredth
    and a tenth of the range.
    """

    def __init__(self, low: float, high: float, *, log: bool, whole: bool) -> None:
        """Set the ends.

        Args:
            low: Number at the left end.
            high: Number at the right end.
            log: Whether decades are evenly spaced.
            whole: Whether numbers are whole.

        Raises:
            ValueError: The ends are not in order, or a logarithmic scale includes zero.
        """
        if not low < high or (log and low <= 0):
            raise ValueError(f"A slider cannot span {low} to {high}.")
        self.low, self.high, self.log, self.whole = low, high, log, whole
        self._grain = _one_two_five((high - low) / 1000)
        self._step = _one_two_five((high - low) / 100)
        if whole:
            self._grain, self._step = max(1.0, self._grain), max(1.0, self._step)

    @classmethod
    def of(cls, declaration: Declaration) -> SliderScale:
        """Return the scale of a declared number with a slider range or both bounds.

        Raises:
            ValueError: The declaration has neither.
        """
        ends = declaration.slider or (declaration.low, declaration.high)
        if ends[0] is None or ends[1] is None:
            raise ValueError(f"{declaration.path} has no range for a slider.")
        return cls(ends[0], ends[1], log=declaration.scale == "log", whole=declaration.type is int)

    def fraction(self, value: float) -> float:
        """Return the position of a number, clipped to the ends."""
        inside = min(max(value, self.low), self.high)
        if self.log:
            return math.log(inside / self.low) / math.log(self.high / self.low)
        return (inside - self.low) / (self.high - self.low)

    def value(self, fraction: float) -> float:
        """Return the number at a position, rounded to the precision of a mouse."""
        if not 0.0 < fraction < 1.0:
            return self._clean(self.low if fraction <= 0.0 else self.high)
        if self.log:
            exact = self.low * (self.high / self.low) ** fraction
            rounded = exact if self.whole and exact < 10**SLIDER_DIGITS else float(f"{exact:.{SLIDER_DIGITS}g}")
        else:
            exact = self.low + fraction * (self.high - self.low)
            rounded = self.low + round((exact - self.low) / self._grain) * self._grain
        return self._clean(min(max(rounded, self.low), self.high))

    def stepped(self, value: float, count: int, *, page: bool = False) -> float:
        """Return the number after some steps of the keyboard.

        Args:
            value: First number.
            count: Steps; negative for down.
            page: Whether the steps are large.

        Returns:
            The number, inside the slider's range or no further outside than `value`.
        """
        low, high = min(self.low, value), max(self.high, value)
        up = count > 0
        if self.log and not self.low / _FAR < value < self.high * _FAR:
            # Zero has no decade, and many decades further out no step is seen: the first one leads to the end.
            inward = up == (value < self.low)
            value, count = (min(max(value, self.low), self.high), abs(count) - 1) if inward else (value, 0)
        for _ in range(abs(count)):
            if self.log:
                value = self._log_page(value, up) if page else self._log_step(value, up)
            else:
                step = (10 if page else 1) * self._step
                if self.whole and page:
                    step = max(1.0, _one_two_five((self.high - self.low) / 10))
                place = (value - self.low) / step
                value = self.low + step * (math.floor(place + 1e-9) + 1 if up else math.ceil(place - 1e-9) - 1)
        return self._clean(min(max(value, low), high))

    def _log_step(self, value: float, up: bool) -> float:
        decade = math.floor(math.log10(value) + (1e-9 if up else -1e-9))
        unit = 10.0 ** (decade - 1)
        if self.whole:
            unit = max(1.0, unit)
        place = value / unit
        return unit * (math.floor(place + 1e-9) + 1 if up else math.ceil(place - 1e-9) - 1)

    def _log_page(self, value: float, up: bool) -> float:
        decade = math.floor(math.log10(value))
        stops = [m * 10.0**e for e in range(decade - 1, decade + 3) for m in (1, 2, 5)]
        if up:
            return next(stop for stop in stops if stop > value * (1 + 1e-9))
        return next(stop for stop in reversed(stops) if stop < value * (1 - 1e-9))

    def _clean(self, value: float) -> float:
        return round(value) if self.whole else float(f"{value:.12g}")


def _one_two_five(size: float) -> float:
    """Return the smallest of … 0.1, 0.2, 0.5, 1, 2, 5 … that is at least `size`."""
    decade = math.floor(math.log10(size))
    return next(m * 10.0**decade for m in (1, 2, 5, 10) if m * 10.0**decade >= size * (1 - 1e-9))
