"""The curve of quality against network evaluations: its points and its plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from msd_engine.events import Figure, Quality
from msd_engine.events.plots import Axis, Curve, Curves
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.base import layout
from msd_gui.pages.base.exports import plot_exports
from msd_gui.pages.base.page import Export, Page
from msd_gui.views.curves.curves import CurvesView

CURVE_PX = 210
STEPS = (1, 2, 5, 10, 20)
LONGEST = 2.0
# Distances, whose estimates are positive except by chance.
LOGARITHMIC = ("frechet", "fid")
_EVALUATIONS = Axis("evaluations per sample", log=True)


def curve_points(spec: ExperimentSpec) -> tuple[tuple[int, int], ...]:
    """List pairs (levels, steps per level) up to twice the evaluations of the spec, with its own pair."""
    sampling = spec.sampling
    own = (sampling.levels, sampling.steps_per_level)
    few = {(sampling.levels, steps) for steps in STEPS if steps <= LONGEST * sampling.steps_per_level}
    if sampling.steps_per_level == 1:
        few |= {(max(2, round(sampling.levels * share)), 1) for share in (0.25, 0.5)}
    return tuple(sorted(few | {own}, key=lambda point: point[0] * point[1]))


class MeasuredCurve(QWidget):
    """Button, choice of the figure, and curve.

    Attributes:
        found: Measurements, in the order of measuring.
    """

    def __init__(self) -> None:
        super().__init__()
        self.button = QPushButton("Measure curve")
        self.button.setObjectName("measure_curve")
        self.button.setAccessibleName("Measure the quality at several numbers of network evaluations")
        self.figure = QComboBox()
        self.figure.setAccessibleName("Figure on the curve")
        self.figure.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.figure.hide()
        self.view = CurvesView(Curves("Quality against evaluations", _EVALUATIONS, Axis("")))
        self._points: list[tuple[Quality, Figure]] = []
        self.view.setFixedHeight(CURVE_PX)
        self.view.hide()
        self.found: list[Quality] = []
        row = QHBoxLayout()
        row.addWidget(self.figure, 1)
        row.addStretch(0)
        row.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(layout.heading("Quality against evaluations"))
        column.addLayout(row)
        column.addWidget(self.view)
        self.figure.currentIndexChanged.connect(self._show)

    def clear(self) -> None:
        """Start a new curve."""
        self.found.clear()

    def show_beside(self, data_name: str) -> None:
        """Show the curve only for its own data."""
        found = self.found
        ours = bool(found) and ExperimentSpec.from_json(found[0].spec_json).data.name == data_name
        self.view.setVisible(ours)
        self.figure.setVisible(ours)

    def add_point(self, quality: Quality) -> None:
        """Add a point."""
        self.found.append(quality)
        names = [self.figure.itemData(row) for row in range(self.figure.count())]
        if names != [figure.name for figure in quality.figures]:
            self._set_figures(quality)
        self.view.show()
        self._show()

    def _set_figures(self, quality: Quality) -> None:
        """List the measured figures, and keep the choice if possible."""
        chosen = self.figure.currentData()
        self.figure.blockSignals(True)
        self.figure.clear()
        for figure in quality.figures:
            self.figure.addItem(figure.title, figure.name)
            self.figure.setItemData(self.figure.count() - 1, figure.help, Qt.ItemDataRole.ToolTipRole)
        self.figure.setCurrentIndex(max(0, self.figure.findData(chosen)))
        self.figure.blockSignals(False)
        self.figure.show()

    @Slot()
    def _show(self) -> None:
        name, title = self.figure.currentData(), self.figure.currentText()
        points = [(quality, one) for quality in self.found for one in quality.figures if one.name == name]
        self._points = sorted(points, key=lambda point: point[0].evaluations)
        self.view.set_plot(quality_curves(title, self._points, log=name in LOGARITHMIC))

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the points as columns for a CSV file, each with shape (n,)."""
        x, value, low, high, real, spread = _numbers(self._points)
        names = {"low": low, "high": high, "real": real, "real standard deviation": spread}
        return {"evaluations": x, self.figure.currentText(): value} | names

    def exports(self, page: Page) -> list[Export]:
        """List the exports of the curve; none without a curve."""
        if not self.found:
            return []
        first = self.found[0]
        return plot_exports(
            page,
            self.view,
            "Quality against evaluations",
            "quality-curve",
            lambda: first.spec_json,
            table=self.columns,
        )


def _words(quality: Quality) -> str:
    sampling = ExperimentSpec.from_json(quality.spec_json).sampling
    return f"{quality.evaluations} evaluations, {sampling.levels} × {sampling.steps_per_level}"


def quality_curves(title: str, points: Sequence[tuple[Quality, Figure]], *, log: bool) -> Curves:
    """Plot a figure against evaluations with its intervals, beside that of real images with its band.

    Args:
        title: Name of the figure.
        points: Measurements, in the order of evaluations.
        log: Whether the axis of the figure is logarithmic.
    """
    if not points:
        return Curves("Quality against evaluations", _EVALUATIONS, Axis(title, log=log))
    x, value, low, high, real, spread = _numbers(points)
    notes = tuple(_words(quality) for quality, _ in points)
    words = "real images ± standard deviation" if np.isfinite(spread).any() else "real images"
    ends = {"low": real - spread, "high": real + spread}
    return Curves(
        "Quality against evaluations",
        _EVALUATIONS,
        Axis(title, log=log),
        (
            Curve(words, x, real, "exact", "dash", spread="band", across=True, **ends),
            Curve("samples", x, value, low=low, high=high, dots=True, notes=notes),
        ),
    )


def _numbers(points: Sequence[tuple[Quality, Figure]]) -> list[NDArray[Any]]:
    """Collect evaluations, values, ends of intervals, values of real images and their spread, each with shape (n,)."""
    rows = [(quality.evaluations, one.value, one.low, one.high, one.real, one.real_spread) for quality, one in points]
    return list(np.array(rows, np.float64).reshape(-1, 6).T)
