"""The views of a comparison of numbers of copies: curves, table, errors by noise, and conclusions."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from msd_engine.events import HeldOutLoss, SweepTable, TableRow
from msd_engine.events.plots import Axis, Curve, Curves, Key, LineStyle, order_colours, order_keys
from msd_engine.events.sweep import moment
from msd_engine.specs import SweepSpec
from msd_engine.specs.sweep import MODE_TITLES, Child, Mode
from msd_gui.pages.base import layout
from msd_gui.pages.compare.table import ComparisonTable, figure
from msd_gui.views.base.placeholder import PlaceholderStack
from msd_gui.views.base.rich import SIGMA_EFF, IndexedCells, indexed
from msd_gui.views.curves.curves import SECONDS, STEPS, CurvesView

_STYLES: dict[Mode, LineStyle] = {"same-sigma": "line", "same-sigma-eff": "dash"}
_ERROR = Axis("‖x̂ − x‖²", log=True)
_EMPTY = Curves("Held-out error of every run", STEPS, _ERROR)
CURVES_EVERY_S = 0.2
BANDS_PX = 230
# Qt's value for no limit.
_NO_LIMIT_PX = 2**24 - 1
_AWAITED = "The conclusions from the table appear here: whether the error falls with k, and why."
_ERRORS = "Final errors"


class ComparisonShown:
    """The views of a comparison, in two columns.

    Attributes:
        middle: The curves above the table.
        right: The conclusions above the errors by noise.
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
        self.table_place = layout.with_placeholder(
            self.table, "The error of each k appears here: its spread over the seeds, and its ratio to k = 1."
        )
        top = QWidget()
        row = QHBoxLayout(top)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(layout.heading("Held-out error against"))
        row.addWidget(self.unit)
        row.addStretch(1)
        self.table_head = layout.heading(_ERRORS)
        return layout.column(top, self.place, self.table_head, self.table_place, stretch=(0, 5, 0, 4))

    def _build_right(self) -> QWidget:
        self.bands = {mode: CurvesView(_bands(mode, [])) for mode in MODE_TITLES}
        self.findings = QLabel(_AWAITED)
        self.findings.setWordWrap(True)
        self.findings.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.band_places: dict[str, PlaceholderStack] = {}
        parts: list[QWidget] = [layout.heading("Conclusions"), self.findings]
        for mode, view in self.bands.items():
            words = f"The error at each {SIGMA_EFF} will be drawn here."
            self.band_places[mode] = layout.with_placeholder(view, words, height_px=BANDS_PX)
            parts += [layout.heading(indexed(f"By noise: {MODE_TITLES[mode]}")), self.band_places[mode]]
        holder = QWidget()
        box = QVBoxLayout(holder)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(layout.column(*parts))
        return holder

    # -- events --------------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Remove everything that belongs to another comparison."""
        self._measured, self.latest = {}, None
        self.table.set_rows([])
        self.table_place.set_ready(False)
        self.table_place.setMaximumHeight(_NO_LIMIT_PX)
        self.findings.setText(_AWAITED)
        self.table_head.setText(_ERRORS)
        for place in self.band_places.values():
            place.set_ready(False)
        self.draw_curves()

    def begin(self, spec: SweepSpec) -> None:
        """Set the comparison whose runs will be shown."""
        self._spec = spec

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
        self.table_place.set_ready(bool(event.rows))
        self.table.set_rows([_cells(row) for row in event.rows])
        self.table_head.setText(moment(event.rows).replace("Final error", _ERRORS))
        self.table_place.setMaximumHeight(self.table.maximumHeight())
        sentences = "".join(f"<p>{_together(indexed(sentence))}</p>" for sentence in event.findings)
        self.findings.setText(sentences or _AWAITED)
        for mode, view in self.bands.items():
            known = [row for row in event.rows if row.mode == mode and len(row.band_error)]
            self.band_places[mode].set_ready(bool(known))
            view.set_plot(_bands(mode, known))

    def draw_curves(self) -> None:
        """Draw the curves of all runs."""
        self._drawn_s = time.monotonic()
        children = {} if self._spec is None else {child.name: child for child in self._spec.children()}
        shown = [(children[name], rows) for name, rows in self._measured.items() if rows and name in children]
        self.place.set_ready(bool(shown))
        colours = order_colours([child.k for child, _ in shown])
        seconds = self.unit.currentText() == "seconds"
        curves = [_curve(child, rows, colours[child.k], seconds=seconds) for child, rows in shown]
        curves = _tagged([child for child, _ in shown], curves)
        modes = {child.modes[0] for child, _ in shown}
        keys = order_keys([child.k for child, _ in shown], "k")
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
    longest: dict[int, int] = {}
    for number, (child, curve) in enumerate(zip(children, curves, strict=True)):
        of_first_mode = child.modes[0] == children[0].modes[0]
        if of_first_mode and (child.k not in longest or curve.x[-1] > curves[longest[child.k]].x[-1]):
            longest[child.k] = number
    named = {number: f"k = {k}" for k, number in longest.items()}
    return [replace(curve, tag=named.get(number, "")) for number, curve in enumerate(curves)]


def _bands(mode: Mode, rows: list[TableRow]) -> Curves:
    """Return the errors by noise of one mode, with those of the exact posterior mean as dotted lines."""
    ks = [row.k for row in rows]
    colours, curves, keys = order_colours(ks), list[Curve](), order_keys(ks, "k")
    for row in rows:
        curves.append(Curve(f"k = {row.k}", row.band_sigma_eff, row.band_error, colours[row.k], _STYLES[mode]))
    if rows:
        keys += (Key(_STYLES[mode], "text", MODE_TITLES[mode]),)
    exact = [row for row in rows if np.isfinite(row.band_floor).any()]
    for row in exact:
        # Exact errors of a finite set of images fall below any axis as the noise goes to zero.
        words = f"k = {row.k}, exact"
        curves.append(Curve(words, row.band_sigma_eff, row.band_floor, colours[row.k], "dotted", framed=False))
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
        MODE_TITLES[row.mode], str(row.k), str(row.seeds), row.steps_in_words, figure(row.error, row.spread),
        figure(row.ratio, row.ratio_spread), figure(row.floor_ratio), figure(row.reported_ratio),
    )  # fmt: skip
