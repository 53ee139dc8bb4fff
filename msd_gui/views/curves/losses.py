"""The loss curves: training (raw and smoothed), held-out, and the error of the exact score as a line under them."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from msd_gui.theme import Colours
from msd_gui.views.base.colour_maps import between
from msd_gui.views.base.layers import Layer, ToPixels, draw_curve, draw_dots, draw_polylines, pen
from msd_gui.views.base.legend import Entry
from msd_gui.views.base.plot import PlotView
from msd_gui.views.curves.decimated import Decimated, smoothed
from msd_gui.widgets.controls.numbers import number

_X_WORDS = {"steps": "step", "seconds": "time / s"}
_DOT_EVERY_PX = 14.0


class LossView(PlotView):
    """Losses over steps or seconds, with a logarithmic axis.

    Args:
        colours: Colours to keep whatever the theme; None follows the theme.
    """

    def __init__(self, colours: Colours | None = None) -> None:
        super().__init__("Loss curves", "step", "‖x̂ − x‖²", log=("left",), colours=colours)
        self._train, self._held_out = Decimated(), Decimated()
        self._floor, self._error = np.nan, np.nan
        self._weight = 0.9
        self._x: Literal["steps", "seconds"] = "steps"
        self._follows = True
        self._curves: dict[str, NDArray[np.float64]] = {}
        self._layer = Layer(self._draw)
        self.box.addItem(self._layer, ignoreBounds=True)
        self.box.sigRangeChangedManually.connect(self._stop_following)

    def append_train(self, steps: NDArray[Any], loss: NDArray[Any], elapsed_s: NDArray[Any]) -> None:
        """Adds training losses at the end.

        Args:
            steps: Step numbers, with shape (n,).
            loss: Losses, with shape (n,).
            elapsed_s: Seconds of training at each step, with shape (n,).
        """
        self._train.append(steps, elapsed_s, loss)
        self.changed()

    def append_held_out(self, step: int, loss: float, elapsed_s: float, error: float = np.nan) -> None:
        """Adds one held-out loss at the end, with its standard error where that is known."""
        self._error = error
        self._held_out.append(np.array([step]), np.array([elapsed_s]), np.array([loss]))
        self.changed()

    def set_floor(self, mmse: float) -> None:
        """Shows the loss of the exact score on the held-out draws; NaN shows none."""
        self._floor = mmse if mmse > 0 else np.nan
        self.changed()

    def set_smoothing(self, weight: float) -> None:
        """Smooths the training loss: from 0, not at all, up to but not 1; it is kept from step to step.

        Raises:
            ValueError: The weight lies outside.
        """
        if not 0 <= weight < 1:
            raise ValueError(f"The smoothing is a number from 0 up to, but not, 1; {weight} is not.")
        self._weight = weight
        self.changed()

    def set_x(self, unit: Literal["steps", "seconds"]) -> None:
        """Chooses what the x axis counts."""
        self._x = unit
        self.set_label("bottom", _X_WORDS[unit])
        self._follows = True
        self.changed()
        self.frame()

    def clear_curves(self) -> None:
        """Takes all curves away, for a new run."""
        self._train, self._held_out, self._follows = Decimated(), Decimated(), True
        self._floor, self._error = np.nan, np.nan
        self.changed()

    def data(self) -> dict[str, NDArray[np.float64]]:
        """All values, for a CSV file: step, seconds and loss of both curves, each with shape (n,)."""
        columns = {}
        for name, series in (("train", self._train), ("held_out", self._held_out)):
            for word, column in zip(("step", "seconds", "loss"), series.whole(), strict=True):
                columns[f"{name}_{word}"] = column.copy()
        return columns

    def refresh(self) -> None:
        """Makes the curves from the buckets and widens the axes if they have outgrown them."""
        row = 0 if self._x == "steps" else 1
        train, held_out = self._train.buckets(), self._held_out.buckets()
        with np.errstate(divide="ignore", invalid="ignore"):
            average = np.log10(smoothed(train[2], self._weight, self._train.stride))
            self._curves = {
                "least": np.stack([train[row], np.log10(train[3])], axis=1),
                "greatest": np.stack([train[row], np.log10(train[4])], axis=1),
                "train": np.stack([train[row], average], axis=1),
                "held-out": np.stack([held_out[row], np.log10(held_out[2])], axis=1),
            }
        for name, curve in self._curves.items():
            self._curves[name] = np.where(np.isfinite(curve), curve, np.nan)
        if self._follows and self._outgrown():
            self.frame()
        self._layer.update()

    def frame(self) -> None:
        """Shows all curves, with room at the right so that growing curves seldom move the axis."""
        self._follows = True
        bounds = self._bounds()
        if bounds is not None:
            left, right, low, high = bounds
            margin = max(0.08 * (high - low), 0.05)
            span = max(right - left, 1.0)
            self.box.setRange(xRange=(left, right + 0.2 * span), yRange=(low - margin, high + margin), padding=0)

    def readout_at(self, x: float, y: float) -> str:
        """Step and values of the curves under the mouse."""
        del y
        train = self._curves.get("train", np.empty((0, 2)))
        if not len(train):
            return ""
        words = [f"step {x:.0f}" if self._x == "steps" else f"{x:.1f} s"]
        for name in ("train", "held-out"):
            curve = self._curves[name]
            if len(curve):
                nearest = curve[np.abs(curve[:, 0] - x).argmin()]
                words.append(f"{name} {number(float(10 ** nearest[1]))}")
        return "   ".join(words)

    def legend_entries(self) -> list[Entry]:
        """The curves that have values."""
        error = f" ± {number(self._error, 2)}" if np.isfinite(self._error) else ""
        entries = [
            (self._train.count, Entry("line", self.colours.learned, "training")),
            (self._held_out.count, Entry("line", self.colours.text, f"held-out{error}")),
            (
                np.isfinite(self._floor),
                Entry("dash", self.colours.exact, f"exact score, same draws {number(self._floor)}"),
            ),
        ]
        return [entry for known, entry in entries if known]

    def copy(self, colours: Colours) -> Self:
        """A copy for a picture in fixed colours, over the same range."""
        made = type(self)(colours)
        made._train, made._held_out = self._train, self._held_out
        made._floor, made._error, made._weight, made._follows = self._floor, self._error, self._weight, False
        made._x = self._x
        made.set_label("bottom", _X_WORDS[self._x])
        made.box.setRange(*self._ranges(), padding=0)
        return made

    def _bounds(self) -> tuple[float, float, float, float] | None:
        rest = [self._curves[name] for name in ("train", "held-out") if len(self._curves.get(name, ()))]
        points = np.concatenate(rest) if rest else np.empty((0, 2))
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            return None
        raw = np.concatenate([self._curves[name][:, 1] for name in ("least", "greatest")])
        heights = np.concatenate([points[:, 1], np.nanpercentile(raw, [1, 99]) if np.isfinite(raw).any() else []])
        if np.isfinite(self._floor):
            heights = np.append(heights, np.log10(self._floor))
        row = 0 if self._x == "steps" else 1
        last = max(float(series.whole()[row, -1]) for series in (self._train, self._held_out) if series.count)
        return 0.0, last, float(heights.min()), float(heights.max())

    def _outgrown(self) -> bool:
        bounds, (xs, ys) = self._bounds(), self.box.viewRange()
        return bounds is not None and (
            bounds[1] > xs[1] or bounds[2] < ys[0] or bounds[3] > ys[1] or xs[1] > 3 * bounds[1] + 3
        )

    def _stop_following(self, *_: object) -> None:
        self._follows = False

    def _draw(self, painter: QPainter, to_px: ToPixels) -> None:
        if not self._curves:
            return
        colours = self.colours
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        faint = between(colours.base, colours.learned, 0.25)
        painter.setPen(pen(faint))
        painter.setBrush(faint)
        least, greatest = (to_px(self._curves[name]) for name in ("least", "greatest"))
        if self._train.stride == 1:
            draw_polylines(painter, greatest[None])
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            # Upright bars are painted much faster than a line that goes up and down in every bucket.
            edges = np.append((least[1:, 0] + least[:-1, 0]) / 2, least[-1, 0])
            bars = np.stack([edges[:-1], greatest[1:, 1], np.diff(edges), (least - greatest)[1:, 1]], axis=1)
            painter.drawRects([QRectF(*bar) for bar in bars[np.isfinite(bars).all(axis=1)].tolist()])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if np.isfinite(self._floor):
            height = float(to_px(np.array([[0.0, np.log10(self._floor)]]))[0, 1])
            painter.setPen(pen(colours.exact, 1.6, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(0, height), QPointF(self.width(), height))
        draw_curve(painter, to_px(self._curves["train"]), colours.learned, 1.8)
        held_out = to_px(self._curves["held-out"])
        draw_curve(painter, held_out, colours.text, 1.4)
        if len(held_out) and np.ptp(held_out[:, 0]) > _DOT_EVERY_PX * len(held_out):
            painter.setBrush(QColor(colours.base))
            draw_dots(painter, held_out, 2.6)
