"""The window of the search for the best chain: its budget, the live table and the best samples so far."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from msd_engine.events import Figure, Finalist, Progress, TuneCost, TuneGrid, TuneReport, TuneRow, TuneTable
from msd_engine.specs import declarations
from msd_engine.specs.search.tune import TuneSpec
from msd_gui.pages.sampling.candidates import WIDEST, CandidatesModel
from msd_gui.views.images.grid import ImageGridView
from msd_gui.widgets.controls.guard import LIST_KEYS, KeyGuard
from msd_gui.widgets.controls.numbers import duration, number
from msd_gui.widgets.controls.slider import NumberSlider

PLANS: dict[str, dict[str, Any]] = {
    "Quick: 64 and 128 chains": {"rungs": (64, 128), "final": 256},
    "Usual: 64 to 256 chains": {"rungs": (64, 128, 256), "final": 1024},
    "Thorough: 64 to 512 chains": {"rungs": (64, 128, 256, 512), "final": 2048},
}
"""Chains of each rung and of the final report, by title."""

_EXPLAINED = (
    "Compares chains of the network alone on the same random numbers. Each round draws more chains of the best third. "
    "One half of the held-out images chooses; the other half judges the result."
)
_PADDING_PX = 16
_START, _STOP = "Search", "Stop"
_USE = "Use this chain"
_SHOWN_FIGURES = ("fid", "frechet", "kernel", "confident", "yield", "rarest", "commonest")


class SearchDialog(QDialog):
    """A window beside the page; it computes nothing.

    Attributes:
        toggled: Emitted when the button for start and stop is pressed.
        planned: Emitted when the plan of the next search changed.
        used: Emitted with the `TuneRow` of the chain to use.
    """

    toggled = Signal()
    planned = Signal()
    used = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("chain-search")
        self.setWindowTitle("Find a good chain")
        self.resize(1060, 660)
        self._running = False
        self._why_not = ""
        self.model = CandidatesModel(self)
        self._build_plan()
        self._build_results()
        column = QVBoxLayout(self)
        for widget in (self._head, self._split, self.report, self.status):
            column.addWidget(widget, 1 if widget is self._split else 0)
        column.addLayout(self._buttons)
        self.table.selectionModel().selectionChanged.connect(self._update_use)
        self.show_running(running=False)

    def _build_plan(self) -> None:
        declared = {one.path: one for one in declarations(TuneSpec)}
        self.evaluations, self.candidates = (NumberSlider(declared[name]) for name in ("evaluations", "candidates"))
        self.plan = QComboBox()
        self.plan.setObjectName("tune.plan")
        self.plan.setAccessibleName("Chains of each round")
        self.plan.setToolTip("Chains of each candidate in the first and in the last round.")
        for title, values in PLANS.items():
            self.plan.addItem(title, values)
        self.plan.setCurrentIndex(1)
        KeyGuard(self.plan, LIST_KEYS)
        self.cost = QLabel()
        self.cost.setProperty("role", "muted")
        words = QLabel(_EXPLAINED)
        words.setWordWrap(True)
        words.setProperty("role", "muted")
        form = QFormLayout()
        form.addRow(self.evaluations)
        form.addRow(self.candidates)
        form.addRow("Rounds", self.plan)
        form.addRow("Time", self.cost)
        self._head = QWidget()
        row = QHBoxLayout(self._head)
        row.setContentsMargins(0, 0, 0, 0)
        row.addLayout(form, 1)
        row.addWidget(words, 1, Qt.AlignmentFlag.AlignTop)
        for control in (self.evaluations, self.candidates):
            control.valueChanged.connect(self.planned)
        self.plan.currentIndexChanged.connect(self.planned)

    def _build_results(self) -> None:
        self.table = QTableView()
        self.table.setObjectName("tune.table")
        self.table.setAccessibleName("Candidates, the best first")
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setWordWrap(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        head = self.table.horizontalHeader()
        # Qt would measure every cell again after each judgement.
        for column, widest in enumerate(WIDEST, start=1):
            head.resizeSection(column, self.fontMetrics().horizontalAdvance(widest) + _PADDING_PX)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.grid = ImageGridView()
        self.grid.setToolTip("Samples of the best chain so far.")
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.addWidget(self.table)
        self._split.addWidget(self.grid)
        self._split.setSizes([760, 300])
        self.report = QLabel()
        self.report.setTextFormat(Qt.TextFormat.RichText)
        self.report.setWordWrap(True)
        self.report.hide()
        self.status = QLabel()
        self.status.setProperty("role", "muted")
        self.status.setWordWrap(True)
        self.button, self.use, close = QPushButton(_START), QPushButton(_USE), QPushButton("Close")
        self.button.setObjectName("tune.search")
        self.use.setObjectName("tune.use")
        self._buttons = QHBoxLayout()
        self._buttons.addWidget(self.button)
        self._buttons.addStretch(1)
        self._buttons.addWidget(self.use)
        self._buttons.addWidget(close)
        self.button.setDefault(True)
        self.button.clicked.connect(self.toggled)
        self.use.clicked.connect(self._use)
        close.clicked.connect(self.close)

    # -- the plan ------------------------------------------------------------------------------------------------------

    def values(self) -> dict[str, Any]:
        """Return the fields of the search that the window sets."""
        return {
            "evaluations": self.evaluations.value(),
            "candidates": self.candidates.value(),
            **self.plan.currentData(),
        }

    def show_cost(self, cost: TuneCost | None) -> None:
        """Show the predicted time of the search; None while it is measured."""
        words = "…"
        if cost is not None:
            words = f"at most {duration(cost.seconds, 0)} alone on one core, for {cost.evaluations:,} evaluations"
        self.cost.setText(words)

    # -- the search ----------------------------------------------------------------------------------------------------

    def show_running(self, *, running: bool) -> None:
        """Show whether a search runs."""
        self._running = running
        self.button.setText(_STOP if running else _START)
        for widget in (self.evaluations, self.candidates, self.plan):
            widget.setEnabled(not running)
        self._update_use()

    def set_why_not(self, search: str, use: str) -> None:
        """Set why no search can start and why no chain can be used; empty if they can."""
        self._why_not = use
        self.button.setEnabled(self._running or not search)
        self.button.setToolTip("" if self._running else search)
        self._update_use()

    def clear(self) -> None:
        """Forget the last search."""
        self.model.set_rows(())
        self.grid.set_images(np.zeros((0, 1, 1, 1), np.float32))
        self.report.hide()
        self._update_use()

    def show_table(self, table: TuneTable) -> None:
        """Show the candidates, and keep the chosen one."""
        chosen = self.chosen_number()
        self.model.set_rows(table.rows)
        for line, row in enumerate(table.rows):
            if row.number == chosen:
                self.table.selectRow(line)
        self._update_use()

    def show_grid(self, event: TuneGrid) -> None:
        """Show samples of the best candidate."""
        self.grid.set_images(event.x_hat)

    def show_progress(self, event: Progress) -> None:
        """Show the current activity."""
        left = f"; {duration(event.left_s, 0)} left at most" if math.isfinite(event.left_s) else ""
        rate = f"; {number(event.rate)} evaluations/s" if math.isfinite(event.rate) and event.rate else ""
        self.status.setText(f"{event.text}{rate}{left}")

    def show_report(self, report: TuneReport) -> None:
        """Show the judgement of the other half, and what mattered."""
        self.report.setText(report_html(report))
        self.report.show()

    # -- the chosen chain ----------------------------------------------------------------------------------------------

    def chosen(self) -> TuneRow | None:
        """Return the selected candidate, else the best judged one; None without any."""
        lines = self.table.selectionModel().selectedRows()
        row = self.model.rows[lines[0].row()] if lines else next(iter(self.model.rows), None)
        return row if row is not None and (lines or row.chains) else None

    def chosen_number(self) -> int | None:
        """Return the number of the selected candidate; None without a selection."""
        lines = self.table.selectionModel().selectedRows()
        return self.model.rows[lines[0].row()].number if lines else None

    @Slot()
    def _update_use(self) -> None:
        row = self.chosen()
        self.use.setEnabled(row is not None and not self._why_not)
        missing = self._why_not or ("" if row else "No chain is judged yet.")
        self.use.setToolTip(missing or (f"Set sampler, ladder and step: {row.words}." if row else ""))

    @Slot()
    def _use(self) -> None:
        row = self.chosen()
        if row is not None:
            self.used.emit(row)


def report_html(report: TuneReport) -> str:
    """Describe the result of a search: the figures of the best chain and of the preset, and what mattered."""
    best, preset = report.finalists[0], report.finalists[-1]
    head = (
        "",
        f"Best, {best.row.evaluations} evaluations",
        f"Settings before, network alone, {preset.row.evaluations}",
        "Real",
    )
    rows = ["".join(f"<th align='left'>{words}&nbsp;&nbsp;</th>" for words in head)]
    for name in _SHOWN_FIGURES:
        ours, before = _figure(best, name), _figure(preset, name)
        if ours is None:
            continue
        real = number(ours.real) + (f" ± {number(ours.real_spread, 2)}" if math.isfinite(ours.real_spread) else "")
        parts = (ours.title, _words(ours), "" if before is None else _words(before), real)
        rows.append("".join(f"<td>{part}&nbsp;&nbsp;</td>" for part in parts))
    table = "".join(f"<tr>{row}</tr>" for row in rows)
    clear = ", ".join(f"{effect.title} ({effect.share:.0%})" for effect in report.effects if effect.clear)
    rest = ", ".join(effect.title for effect in report.effects if not effect.clear)
    mattered = f"Mattered in the first round: {clear or 'nothing beyond chance'}."
    mattered += f" Unclear: {rest}." if rest else ""
    return (
        f"<p>{best.n} chains, judged by {report.reported_n} held-out images that chose nothing:</p>"
        f"<table>{table}</table><p>{mattered}</p>"
    )


def _figure(finalist: Finalist, name: str) -> Figure | None:
    return next((figure for figure in finalist.figures if figure.name == name), None)


def _words(figure: Figure) -> str:
    interval = f" ({number(figure.low)} to {number(figure.high)})" if math.isfinite(figure.low) else ""
    return f"{number(figure.value)}{interval}"
