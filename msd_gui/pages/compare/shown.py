"""The views of a comparison of numbers of copies: curves, table, errors by noise, and conclusions."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from msd_engine.events import HeldOutLoss, SweepTable, TableRow
from msd_engine.events.plots import Axis, Curve, Curves, Key, LineStyle, order_colours
from msd_engine.events.sweep import moment
from msd_engine.specs import SweepSpec
from msd_engine.specs.sweep import MODE_TITLES, Child, Mode, mode_words, series_order, series_words
from msd_gui.pages.base import layout
from msd_gui.pages.compare.table import ComparisonTable, figure
from msd_gui.views.base.rich import IndexedCells, indexed
from msd_gui.views.curves.curves import SECONDS, STEPS, CurvesView

_STYLES: dict[Mode, LineStyle] = {"same-sigma": "line", "same-sigma-eff": "dash"}
_ERROR = Axis("‖x̂ − x‖²", log=True)
_EMPTY = Curves("Held-out error of every run", STEPS, _ERROR)
CURVES_EVERY_S = 0.2
BANDS_PX = 230
_ERRORS = "Final errors"


class ComparisonShown:
    """The views of a comparison, in two columns.

    Attributes:
        middle: The curves above the table, which is hidden without a row.
        right: The conclusions above the errors by noise, each hidden without content.
        latest: The latest table; None without one.
    """

    def __init__(self) -> None:
        self.latest: SweepTable | None = None
        self._spec: SweepSpec | None = None
        self._measured: dict[str, list[HeldOutLoss]] = {}
        self._drawn_s = 0.0
        self.middle, self.right = self._build_middle(), self._build_right()

    def _build_middle(self) -> QWidget:
        self.unit = QComboBox()
        self.unit.setObjectName("compare.x")
        self.unit.setAccessibleName("What the curves are drawn against")
        self.unit.addItems(["steps", "seconds"])
        self.unit.currentTextChanged.connect(self.draw_curves)
        self.curves = CurvesView(_EMPTY)
        self.place = layout.with_placeholder(
            self.curves, "The held-out error of every run will be drawn here, live.", "Start"
        )
        self.table = ComparisonTable()
        self.table.setItemDelegateForColumn(0, IndexedCells(self.table))
        top = QWidget()
        row = QHBoxLayout(top)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(layout.heading("Held-out error against"))
        row.addWidget(self.unit)
        row.addStretch(1)
        self.table_head = layout.heading(_ERRORS)
        self.title = layout.heading("")
        self.title.hide()
        return layout.column(self.title, top, self.place, self.table_head, self.table, stretch=(0, 0, 5, 0, 4))

    def _build_right(self) -> QWidget:
        self.bands = {mode: CurvesView(_bands(mode, [])) for mode in MODE_TITLES}
        self.findings = QLabel()
        self.findings.setWordWrap(True)
        self.findings.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.parts: dict[str, QWidget] = {"": layout.stacked(layout.heading("Conclusions"), self.findings)}
        for mode, view in self.bands.items():
            view.setFixedHeight(BANDS_PX)
            self.parts[mode] = layout.stacked(layout.heading(indexed(f"By noise: {MODE_TITLES[mode]}")), view)
        holder = QWidget()
        box = QVBoxLayout(holder)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(layout.column(*self.parts.values()))
        self.clear()
        return holder

    # -- events --------------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Remove everything that belongs to another comparison."""
        self._measured, self.latest = {}, None
        self.title.hide()
        self.table.set_rows([])
        for part in (self.table_head, self.table, *self.parts.values()):
            part.hide()
        self.draw_curves()

    def begin(self, spec: SweepSpec) -> None:
        """Set the comparison whose runs will be shown."""
        self._spec = spec
        self.title.setText(indexed(spec.title or spec.base.title))
        self.title.setVisible(bool(self.title.text()))

    def child(self, name: str) -> Child | None:
        """Return a run of the comparison by its name; None for an unknown name."""
        children = () if self._spec is None else self._spec.children()
        return next((child for child in children if child.name == name), None)

    def start_child(self, name: str) -> None:
        """Begin the curve of a run, in place of an earlier one."""
        self._measured[name] = []

    def measure(self, name: str, measured: HeldOutLoss) -> None:
        """Add one measurement to the curve of a run."""
        self._measured.setdefault(name, []).append(measured)
        if time.monotonic() - self._drawn_s >= CURVES_EVERY_S:
            self.draw_curves()

    def show_table(self, event: SweepTable) -> None:
        """Show the table, its conclusions and its errors by noise."""
        self.latest = event
        self.draw_curves()
        for part in (self.table_head, self.table):
            part.setVisible(bool(event.rows))
        self.table.set_rows([_cells(row) for row in event.rows])
        self.table_head.setText(moment(event.rows).replace("Final error", _ERRORS))
        sentences = "".join(f"<p>{_together(indexed(sentence))}</p>" for sentence in event.findings)
        self.findings.setText(sentences)
        self.parts[""].setVisible(bool(sentences))
        for mode, view in self.bands.items():
            known = [row for row in event.rows if row.mode == mode and len(row.band_error)]
            self.parts[mode].setVisible(bool(known))
            view.set_plot(_bands(mode, known))

    def draw_curves(self) -> None:
        """Draw the curves of all runs."""
        self._drawn_s = time.monotonic()
        children = {} if self._spec is None else {child.name: child for child in self._spec.children()}
        shown = [(children[name], rows) for name, rows in self._measured.items() if rows and name in children]
        self.place.set_ready(bool(shown))
        series = {series_order(child.k, child.place): series_words(child.k, child.fusion) for child, _ in shown}
        colours = order_colours(list(series))
        seconds = self.unit.currentText() == "seconds"
        curves = [
            _curve(child, rows, colours[series_order(child.k, child.place)], seconds=seconds) for child, rows in shown
        ]
        curves = _tagged([child for child, _ in shown], curves)
        modes = {child.modes[0] for child, _ in shown}
        keys = tuple(Key("line", colour, series[at]) for at, colour in colours.items())
        keys += tuple(Key(_STYLES[mode], "text", words) for mode, words in MODE_TITLES.items() if mode in modes)
        self.curves.set_plot(Curves(_EMPTY.name, SECONDS if seconds else STEPS, _ERROR, tuple(curves), keys))

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Return all curves as columns for a CSV file, two for each, with shape (n,)."""
        columns: dict[str, NDArray[np.float64]] = {}
        for curve in self.curves.plot().curves:
            columns |= {f"{curve.words} x": curve.x, f"{curve.words} error": curve.y}
        return columns


def _curve(child: Child, rows: list[HeldOutLoss], colour: str, *, seconds: bool) -> Curve:
    x = np.array([row.elapsed_s if seconds else row.step for row in rows], np.float64)
    return Curve(child.words, x, np.array([row.loss for row in rows]), colour, _STYLES[child.modes[0]])


def _tagged(children: list[Child], curves: list[Curve]) -> list[Curve]:
    """Name k at one curve for each, the longest; only in the first mode, as the curves of the other lie together."""
    longest: dict[str, int] = {}
    for number, (child, curve) in enumerate(zip(children, curves, strict=True)):
        of_first_mode, name = child.modes[0] == children[0].modes[0], series_words(child.k, child.fusion)
        if of_first_mode and (name not in longest or curve.x[-1] > curves[longest[name]].x[-1]):
            longest[name] = number
    named = {number: name for name, number in longest.items()}
    return [replace(curve, tag=named.get(number, "")) for number, curve in enumerate(curves)]


def _bands(mode: Mode, rows: list[TableRow]) -> Curves:
    """Return the errors by noise of one mode, with those of the exact posterior mean as dotted lines."""
    series = {series_order(row.k, row.place): row for row in rows}
    colours, curves, keys = order_colours(list(series)), list[Curve](), tuple[Key, ...]()
    for at, row in series.items():
        words = series_words(row.k, row.fusion)
        curves.append(Curve(words, row.band_sigma_eff, row.band_error, colours[at], _STYLES[mode]))
        keys += (Key("line", colours[at], words),)
    if rows:
        keys += (Key(_STYLES[mode], "text", MODE_TITLES[mode]),)
    exact = {at: row for at, row in series.items() if not row.place and np.isfinite(row.band_floor).any()}
    for at, row in exact.items():
        # Exact errors of a finite set of images fall below any axis as the noise goes to zero.
        words = f"k = {row.k}, exact"
        curves.append(Curve(words, row.band_sigma_eff, row.band_floor, colours[at], "dotted", framed=False))
    if exact:
        keys += (Key("dotted", "text", "exact"),)
    title = f"Error by noise, {MODE_TITLES[mode]}"
    return Curves(title, Axis("σ_eff", log=True), _ERROR, tuple(curves), keys)


def _together(words: str) -> str:
    """Keep equations and spreads on one line."""
    for sign in ("=", "±"):
        words = words.replace(f" {sign} ", f"\u00a0{sign}\u00a0")
    return words


def _cells(row: TableRow) -> tuple[str, ...]:
    return (
        mode_words(row.mode, row.fusion), str(row.k), str(row.seeds), row.steps_in_words, figure(row.error, row.spread),
        figure(row.ratio, row.ratio_spread), figure(row.floor_ratio), figure(row.reported_ratio),
        figure(row.fusion_ratio, row.fusion_spread),
    )  # fmt: skip
