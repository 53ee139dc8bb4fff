"""The loss curves: training (raw and smoothed), held-out, and the error of the exact score as a line below."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.plots import Axis, Curve, Curves, Key
from msd_gui.views.curves.curves import SECONDS, STEPS, CurvesView
from msd_gui.views.curves.decimated import Decimated, smoothed
from msd_gui.widgets.controls.numbers import number

_EMPTY = Curves("Loss curves", STEPS, Axis("‖x̂ − x‖²", log=True))


class LossView(CurvesView):
    """Losses over steps or seconds, with a logarithmic axis."""

    def __init__(self) -> None:
        super().__init__(_EMPTY)
        self._weight = 0.9
        self._x: Literal["steps", "seconds"] = "steps"
        self._train, self._held_out = Decimated(), Decimated()
        self._floor, self._error = np.nan, np.nan

    def append_train(self, steps: NDArray[Any], loss: NDArray[Any], elapsed_s: NDArray[Any]) -> None:
        """Append training losses.

        Args:
            steps: Step numbers, with shape (n,).
            loss: Losses, with shape (n,).
            elapsed_s: Seconds of training at each step, with shape (n,).
        """
        self._train.append(steps, elapsed_s, loss)
        self.changed()

    def append_held_out(self, step: int, loss: float, elapsed_s: float, error: float = np.nan) -> None:
        """Append one held-out loss, with its standard error if known."""
        self._error = error
        self._held_out.append(np.array([step]), np.array([elapsed_s]), np.array([loss]))
        self.changed()

    def set_floor(self, mmse: float) -> None:
        """Show the loss of the exact score on the held-out draws; NaN hides it."""
        self._floor = mmse if mmse > 0 else np.nan
        self.changed()

    def set_smoothing(self, weight: float) -> None:
        """Smooth the training loss with a weight in [0, 1), kept from step to step.

        Raises:
            ValueError: The weight is outside.
        """
        if not 0 <= weight < 1:
            raise ValueError(f"The smoothing must be at least 0 and less than 1, not {weight}.")
        self._weight = weight
        self.changed()

    def set_x(self, unit: Literal["steps", "seconds"]) -> None:
        """Choose the unit of the x axis."""
        self._x = unit
        self.changed()

    def clear_curves(self) -> None:
        """Remove all curves, for a new run."""
        self._train, self._held_out, self._follows = Decimated(), Decimated(), True
        self._floor, self._error = np.nan, np.nan
        self.changed()

    def data(self) -> dict[str, NDArray[np.float64]]:
        """Return all values, for a CSV file: step, seconds and loss of both curves, each with shape (n,)."""
        columns = {}
        for name, series in (("train", self._train), ("held_out", self._held_out)):
            for word, column in zip(("step", "seconds", "loss"), series.whole(), strict=True):
                columns[f"{name}_{word}"] = column.copy()
        return columns

    def made(self) -> Curves:
        """Return the current curves."""
        row = 0 if self._x == "steps" else 1
        train, held_out = self._train.buckets(), self._held_out.buckets()
        curves = []
        if self._train.count:
            # The axes reach the last step, not only the middle of its bucket.
            train[:2, -1] = self._train.whole()[:2, -1]
            # Each bucket reaches its neighbour, so that single steps are joined.
            low, high = (extreme(train[3 + side], np.roll(train[4 - side], 1))
                         for side, extreme in enumerate((np.fmin, np.fmax)))  # fmt: skip
            low[0], high[0] = train[3:, 0]
            average = smoothed(train[2], self._weight, self._train.stride)
            curves.append(Curve("training", train[row], average, low=low, high=high, spread="band"))
        if self._held_out.count:
            curves.append(Curve("held-out", held_out[row], held_out[2], "text", dots=True))
        if np.isfinite(self._floor):
            words = "exact score, same draws"
            curves.append(Curve(words, np.zeros(1), np.array([self._floor]), "exact", "dash", across=True))
        x = STEPS if self._x == "steps" else SECONDS
        error = f" ± {number(self._error, 2)}" if np.isfinite(self._error) else ""
        more = {"exact": f" {number(self._floor)}", "text": error}
        legend = tuple(Key(one.style, one.colour, one.words + more.get(one.colour, "")) for one in curves)
        return Curves(_EMPTY.name, x, _EMPTY.y, tuple(curves), legend, growing=True)
