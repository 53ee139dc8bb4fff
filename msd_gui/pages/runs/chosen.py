"""The column beside the list of runs: overlaid curves of the chosen runs, and details of a single one."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from msd_engine.events import HeldOutCurve, RunRow
from msd_engine.events.plots import OWN_COLOURS, Axis, Curve, Curves, Key, LineStyle, order_colours, order_keys
from msd_engine.specs.sweep import MODE_TITLES, Mode
from msd_gui.pages.base import layout
from msd_gui.pages.runs.comparison import Comparison
from msd_gui.pages.runs.details import RunFigures, RunWords
from msd_gui.pages.runs.differences import RunDifferences
from msd_gui.views.curves.curves import SECONDS, STEPS, CurvesView
from msd_gui.widgets.panels.card import Card

_PLOT_PX, _BY_K_PX, _MANY_PX = 280, 360, 480
# More curves take long to read and cannot be distinguished.
MOST_CURVES = 120
_EVERY_S = 0.2
_DASHED: Mode = "same-sigma-eff"
_STYLES: dict[LineStyle, str] = {"line": MODE_TITLES["same-sigma"], "dash": MODE_TITLES[_DASHED]}
_ERROR = Axis("held-out ‖x̂ − x‖²", log=True)
_EMPTY = Curves("Held-out errors", STEPS, _ERROR)
_LETTERS = 34


def _style(row: RunRow) -> LineStyle:
    """Choose the line style of a run: dashed in comparisons at equal σ_eff."""
    if not row.sweep or row.k == 1 or not row.spec_json:
        return "line"
    return "dash" if _quantity(row.spec_json) == "sigma-eff" else "line"


@lru_cache(maxsize=1024)
def _quantity(spec_json: str) -> str:
    """Return the quantity that the noise of training is given in."""
    return str(json.loads(spec_json)["noise"]["quantity"])


class ChosenRuns(QWidget):
    """Curves, figures and notes of the chosen runs.

    Attributes:
        curves_requested: Emitted with the paths of the runs to read curves from.
    """

    curves_requested = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self._curves: dict[str, HeldOutCurve] = {}
        self._requested: tuple[RunRow, ...] = ()
        self._drawn_s = 0.0
        self.overlay = CurvesView(_EMPTY)
        self._drawn: list[tuple[RunRow, HeldOutCurve]] = []
        self.place = layout.with_placeholder(
            self.overlay,
            f"Choose runs to plot their held-out errors here. Beyond {OWN_COLOURS} runs, colours show k.",
            height_px=_PLOT_PX,
        )
        self.left_out = QLabel()
        self.left_out.setProperty("role", "muted")
        self.left_out.setWordWrap(True)
        self.left_out.hide()
        self.seconds = QCheckBox("Over time")
        self.seconds.setToolTip("Plot the errors against seconds of training instead of steps.")
        self.seconds.toggled.connect(self.show_curves)
        self.title, self.words, self.figures = layout.heading("Chosen run"), RunWords(), RunFigures()
        self.seconds.hide()
        self.card = Card("error", "", "", dismissible=False)
        self._single = QWidget()
        single = QVBoxLayout(self._single)
        single.setContentsMargins(0, 6, 0, 0)
        self.differences = RunDifferences()
        parts: tuple[QWidget, ...] = (self.title, self.card, self.words, self.figures)
        for part in parts:
            single.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        shown: tuple[QWidget, ...] = (layout.heading("Held-out error"), self.place, self.left_out, self.seconds)
        for widget in (*shown, self.differences, self._single):
            column.addWidget(widget)
        column.addStretch(1)

    def show_runs(self, lines: Sequence[RunRow], rows: Sequence[RunRow]) -> None:
        """Show the chosen lines, runs and comparisons, with their runs in `rows`."""
        one = lines[0] if len(lines) == 1 else None
        whole = isinstance(one, Comparison)
        self.title.setText("Chosen comparison" if whole else "Chosen run")
        shipped = one is not None and one.status == "shipped"
        self.words.show_run(None if shipped else one)
        self.words.setVisible(not shipped)
        self.differences.show_runs(rows)
        self.figures.show_run(one)
        self._single.setVisible(one is not None)
        problem = one.problem if one is not None else ""
        self.card.setVisible(bool(problem))
        self.card.set_message("error", "Damaged", problem, "")
        # The oldest runs of a large comparison cover all k with one seed after the other.
        wanted = tuple((sorted(rows, key=lambda row: row.created) if whole else rows)[:MOST_CURVES])
        self.left_out.setVisible(len(rows) > len(wanted))
        first = "oldest" if whole else "first"
        self.left_out.setText(f"Only the {first} {len(wanted)} of {len(rows):,} runs are plotted; choose fewer runs.")
        if wanted != self._requested:
            self._requested = wanted
            self.show_curves()
            self.curves_requested.emit([row.path for row in wanted if row.spec_json])

    def concerns(self, paths: set[str]) -> bool:
        """Check whether any of these runs is shown."""
        return any(row.path in paths for row in self._requested)

    def set_curve(self, curve: HeldOutCurve) -> None:
        """Set the curve of a run."""
        self._curves[curve.path] = curve
        if len(self._requested) == 1 or time.monotonic() - self._drawn_s >= _EVERY_S:
            self.show_curves()

    def spec_json(self) -> str:
        """Return the spec of the first plotted run, as JSON."""
        rows = self._requested
        return next((row.spec_json for row in rows if row.path in self._curves and row.spec_json), "")

    def show_curves(self) -> None:
        """Plot the curves; many curves, and those of comparisons, in the colours of their k."""
        self._drawn_s = time.monotonic()
        found = [(row, self._curves.get(row.path)) for row in self._requested]
        drawn = [(row, curve) for row, curve in found if curve is not None and len(curve.steps)]
        compared = len(self._requested) > 1 and all(row.sweep for row in self._requested)
        by_k = compared or len(self._requested) > OWN_COLOURS
        self._drawn = drawn if by_k else drawn[:OWN_COLOURS]
        self.overlay.set_plot(_overlay(self._drawn, seconds=self.seconds.isChecked(), by_k=by_k, styled=compared))
        # The legend has a line for each curve with its own colour.
        height = _PLOT_PX if len(self._requested) < 2 else _BY_K_PX if by_k else _MANY_PX
        self.place.set_height(height)
        self.place.set_ready(bool(self._drawn))
        self.seconds.setVisible(bool(self._drawn))

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Return step, seconds and error of each curve as columns for a CSV file, each with shape (n,)."""
        columns: dict[str, NDArray[np.float64]] = {}
        for place, (row, curve) in enumerate(self._drawn, 1):
            for word, column in (("step", curve.steps), ("seconds", curve.elapsed_s), ("held_out", curve.loss)):
                columns[f"{place} {row.name} {word}"] = np.asarray(column, np.float64)
        return columns


def _overlay(drawn: list[tuple[RunRow, HeldOutCurve]], *, seconds: bool, by_k: bool, styled: bool) -> Curves:
    """Plot the curves of runs in colours of their own, or in those of their k."""
    colours, curves = order_colours([row.k for row, _ in drawn]), list[Curve]()
    for place, (row, curve) in enumerate(drawn, 1):
        x = np.asarray(curve.elapsed_s if seconds else curve.steps, np.float64)
        colour, style = (colours[row.k], _style(row)) if by_k else (f"own {place}", "line")
        curves.append(Curve(_short(row.name), x, curve.loss, colour, style))
    keys = None
    if by_k:
        keys = tuple(
            replace(key, words="k unknown") if key.words == "k = 0" else key
            for key in order_keys([row.k for row, _ in drawn], "k")
        )
        shown = {curve.style for curve in curves}
        keys += tuple(Key(style, "text", words) for style, words in _STYLES.items() if styled and style in shown)
    return Curves(_EMPTY.name, SECONDS if seconds else STEPS, _ERROR, tuple(curves), keys)


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
