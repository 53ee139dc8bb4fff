"""What a comparison of numbers of copies shows as it goes on: curves, table, errors by noise, and what they say."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from msd_engine.events import HeldOutLoss, SweepTable, TableRow
from msd_engine.specs import SweepSpec
from msd_engine.specs.sweep import MODE_TITLES, Child
from msd_gui.pages.base import layout
from msd_gui.pages.compare.table import ComparisonTable, figure
from msd_gui.views.base.placeholder import PlaceholderStack
from msd_gui.views.base.rich import SIGMA_EFF, IndexedCells, indexed
from msd_gui.views.curves.compared import Compared, ComparedView

STYLES = {"line": "same σ per copy", "dash": "same σ_eff", "dot": "exact"}
_STYLE_OF = {"same-sigma": "line", "same-sigma-eff": "dash"}
CURVES_EVERY_S = 0.2
BANDS_PX = 230
# What Qt takes for no limit.
_NO_LIMIT_PX = 2**24 - 1
_AWAITED = "What the figures confirm and refute of the report's claim will be said here."


class ComparisonShown:
    """The views of a comparison, in two columns.

    Attributes:
        middle: The curves above the table.
        right: What the figures say, above the errors by noise.
        latest: The table as it was told last; None before.
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
        self.unit.currentTextChanged.connect(self._unit_changed)
        self.curves = ComparedView("Held-out error of every run", "step", STYLES)
        self.place = layout.with_placeholder(
            self.curves, "The held-out error of every run will be drawn here, live.", "Start"
        )
        self.table = ComparisonTable()
        self.table.setItemDelegateForColumn(0, IndexedCells(self.table))
        self.table_place = layout.with_placeholder(
            self.table, "The final error of each k will stand here: its spread over the seeds, and its ratio to k = 1."
        )
        top = QWidget()
        row = QHBoxLayout(top)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(layout.heading("Held-out error against"))
        row.addWidget(self.unit)
        row.addStretch(1)
        return layout.column(top, self.place, layout.heading("Final errors"), self.table_place, stretch=(0, 5, 0, 4))

    def _build_right(self) -> QWidget:
        self.bands = {mode: ComparedView(f"Error by noise, {words}", SIGMA_EFF, STYLES, log_x=True)
                      for mode, words in MODE_TITLES.items()}  # fmt: skip
        self.findings = QLabel(_AWAITED)
        self.findings.setWordWrap(True)
        self.findings.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.band_places: dict[str, PlaceholderStack] = {}
        parts: list[QWidget] = [layout.heading("What it says"), self.findings]
        for mode, view in self.bands.items():
            words = f"The final error at each {SIGMA_EFF} will be drawn here."
            self.band_places[mode] = layout.with_placeholder(view, words, height_px=BANDS_PX)
            parts += [layout.heading(indexed(f"By noise: {MODE_TITLES[mode]}")), self.band_places[mode]]
        holder = QWidget()
        box = QVBoxLayout(holder)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(layout.column(*parts))
        return holder

    # -- what is told --------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget what was told of another comparison."""
        self._measured, self.latest = {}, None
        self.table.set_rows([])
        self.table_place.set_ready(False)
        self.table_place.setMaximumHeight(_NO_LIMIT_PX)
        self.findings.setText(_AWAITED)
        for place in self.band_places.values():
            place.set_ready(False)
        self.draw_curves()

    def begin(self, spec: SweepSpec) -> None:
        """Take the comparison that is told."""
        self._spec = spec

    def child(self, name: str) -> Child | None:
        """Return a run of the comparison by its name; None where it has none of this name."""
        children = () if self._spec is None else self._spec.children()
        return next((child for child in children if child.name == name), None)

    def start_child(self, name: str) -> None:
        """A run begins, or is told again from its start."""
        self._measured[name] = []

    def measure(self, name: str, measured: HeldOutLoss) -> None:
        """Take one measurement of a run."""
        self._measured.setdefault(name, []).append(measured)
        if time.monotonic() - self._drawn_s >= CURVES_EVERY_S:
            self.draw_curves()

    def show_table(self, event: SweepTable) -> None:
        """Show the table as it stands, and what it says."""
        self.latest = event
        self.draw_curves()
        self.table_place.set_ready(bool(event.rows))
        self.table.set_rows([_cells(row) for row in event.rows])
        self.table_place.setMaximumHeight(self.table.maximumHeight())
        if event.findings:
            self.findings.setText("".join(f"<p>{_together(indexed(sentence))}</p>" for sentence in event.findings))
        for mode, view in self.bands.items():
            known = [row for row in event.rows if row.mode == mode and len(row.band_error)]
            learned = [Compared(f"k = {r.k}", r.k, _STYLE_OF[mode], r.band_sigma_eff, r.band_error) for r in known]
            exact = [Compared(f"k = {r.k}, exact", r.k, "dot", r.band_sigma_eff, r.band_floor) for r in known]
            self.band_places[mode].set_ready(bool(known))
            view.set_curves(learned + [curve for curve in exact if np.isfinite(curve.y).any()])

    def draw_curves(self) -> None:
        """Draw all that was measured."""
        self._drawn_s = time.monotonic()
        children = {} if self._spec is None else {child.name: child for child in self._spec.children()}
        shown = [(children[name], rows) for name, rows in self._measured.items() if rows and name in children]
        self.place.set_ready(bool(shown))
        self.curves.set_curves([self._curve(child, rows) for child, rows in shown])

    def _curve(self, child: Child, rows: list[HeldOutLoss]) -> Compared:
        x = [row.step if self.unit.currentText() == "steps" else row.elapsed_s for row in rows]
        y = np.array([row.loss for row in rows])
        return Compared(child.words, child.k, _STYLE_OF[child.modes[0]], np.array(x, float), y)

    def _unit_changed(self, unit: str) -> None:
        self.curves.set_label("bottom", "step" if unit == "steps" else "time / s")
        self.draw_curves()
        self.curves.frame()


def _together(words: str) -> str:
    """Return words whose equations and spreads are not broken over lines."""
    for sign in ("=", "±"):
        words = words.replace(f" {sign} ", f"\u00a0{sign}\u00a0")
    return words


def _cells(row: TableRow) -> tuple[str, ...]:
    return (
        MODE_TITLES[row.mode], str(row.k), str(row.seeds), figure(row.error, row.spread),
        figure(row.ratio, row.ratio_spread), figure(row.floor_ratio), figure(row.reported_ratio),
    )  # fmt: skip
