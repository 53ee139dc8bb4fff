"""The window of a shoot-out: its plan, the live chart and table, and the verdict."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from msd_engine.events import Progress
from msd_engine.events.plots import OWN_COLOURS, Axis, Curves
from msd_engine.events.shoot_out.charts import charts
from msd_engine.events.shoot_out.table import MEASURES, ShootOutRow, ShootOutTable
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.base import layout
from msd_gui.pages.mixture.shoot_out.plan import Plan
from msd_gui.theme.tips import wrapped
from msd_gui.views.base.rich import indexed
from msd_gui.views.curves.curves import CurvesView
from msd_gui.widgets.controls.guard import LIST_KEYS, KeyGuard
from msd_gui.widgets.controls.numbers import duration
from msd_gui.widgets.panels.table import ReadTable

_START, _STOP = "Start", "Stop"
_EXPLAINED = (
    "Every sampler draws as many chains with as many evaluations of the denoiser. The dotted line is truth against "
    "truth: exact draws, as many as chains, compared with the same fresh data."
)
_COLOURS = tuple(f"own {number}" for number in range(1, OWN_COLOURS + 1))
_EMPTY = Curves("Sliced Wasserstein distance to fresh data", Axis("evaluations", log=True), Axis("distance", log=True))
_HEAD = ("sampler", "evaluations", "distance", "weight error", "lost")
_TIPS = (
    "Sampler, and what tells it from another row with the same sampler.",
    "Evaluations of the denoiser for one chain, with its last jump.",
    "Sliced Wasserstein distance of the samples to 10,000 fresh data, in data units: mean over the seeds ± half of its "
    "95 % interval.",
    "Largest error of the weight of a mode, likewise; a dash for points, which have no modes.",
    "Share of the chains that left the plane. They count as far away.",
)


class ShootOutDialog(QDialog):
    """A window beside the page; it computes nothing.

    Attributes:
        toggled: Emitted when the button for start and stop is pressed.
        save_asked: Emitted when the button for files is pressed.
        plan: The controls.
        chart: The chosen measure against the evaluations.
        table: One row for each sampler and budget.
        verdict: The sentence.
    """

    toggled = Signal()
    save_asked = Signal()

    def __init__(self, base: ExperimentSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shoot-out")
        self.setWindowTitle("Shoot-out of samplers")
        self.resize(1080, 720)
        self._table = ShootOutTable()
        self._running = False
        self.plan = Plan(base)
        self.plan.changed.connect(self.update_buttons)
        self.measure = QComboBox()
        self.measure.setObjectName("shoot-out.measure")
        self.measure.setAccessibleName("Measure in the chart")
        for words in MEASURES.values():
            self.measure.addItem(words[0].upper() + words[1:])
        KeyGuard(self.measure, LIST_KEYS)
        self.measure.currentIndexChanged.connect(self._draw)
        self.chart = CurvesView(_EMPTY)
        self.table = _Table()
        self.verdict, self.status = QLabel(), QLabel()
        self.verdict.setWordWrap(True)
        self.status.setProperty("role", "muted")
        self._build()
        self.update_buttons()

    def _build(self) -> None:
        words = QLabel(_EXPLAINED)
        words.setWordWrap(True)
        words.setProperty("role", "muted")
        shown = layout.column(
            words, layout.row(self.measure, QWidget(), stretch=(0, 1)), self.chart, self.table, self.verdict,
            stretch=(0, 0, 3, 2, 0),
        )  # fmt: skip
        self.plan.setFixedWidth(260)
        self.button, self.save, close = QPushButton(_START), QPushButton("Save…"), QPushButton("Close")
        self.button.setObjectName("shoot-out.start")
        self.save.setObjectName("shoot-out.save")
        self.save.setToolTip(wrapped("Write the table as CSV or Markdown, or the charts as a figure."))
        self.button.setDefault(True)
        self.button.clicked.connect(self.toggled)
        self.save.clicked.connect(self.save_asked)
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        for widget in (self.button, self.status):
            buttons.addWidget(widget)
        buttons.addStretch(1)
        for widget in (self.save, close):
            buttons.addWidget(widget)
        column = QVBoxLayout(self)
        column.addWidget(layout.row(self.plan, shown, stretch=(0, 1)), 1)
        column.addLayout(buttons)

    def show_running(self, *, running: bool) -> None:
        """Show whether a shoot-out runs."""
        self._running = running
        self.plan.setEnabled(not running)
        self.button.setText(_STOP if running else _START)
        self.update_buttons()

    @Slot()
    def update_buttons(self) -> None:
        """Allow what is possible."""
        self.button.setEnabled(self._running or self.plan.cost.property("role") != "error")
        self.save.setEnabled(bool(self._table.rows))

    def show_table(self, table: ShootOutTable) -> None:
        """Show the rows so far."""
        self._table = table
        self.table.set_rows(table.rows if table.exact is None else (*table.rows, table.exact))
        self.verdict.setText(indexed(table.text))
        self.update_buttons()
        self._draw()

    def show_progress(self, event: Progress) -> None:
        """Show how far it is."""
        share = 100 * event.step / event.total if event.total else 0.0
        left = f", {duration(event.left_s, 0)} left" if math.isfinite(event.left_s) else ""
        self.status.setText(f"{share:.0f} %{left}")

    @Slot()
    def _draw(self) -> None:
        known = charts(self._table, _COLOURS, "text")
        place = self.measure.currentIndex()
        self.measure.setItemData(1, None if len(known) > 1 or not self._table.rows else "Points have no modes.",
                                 Qt.ItemDataRole.ToolTipRole)  # fmt: skip
        self.chart.set_plot(known[place] if place < len(known) else _EMPTY)


class _Table(ReadTable):
    """One row for each sampler and budget, and one for exact draws."""

    def __init__(self) -> None:
        super().__init__("Table of the shoot-out", _HEAD, _TIPS)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def set_rows(self, rows: tuple[ShootOutRow, ...]) -> None:
        """Replace the rows."""
        self.setRowCount(len(rows))
        for line, row in enumerate(rows):
            counted = f"{row.evaluations:,}" if row.evaluations else ""
            lost = f"{100 * row.lost:.1f} %" if row.lost else "0"
            cells = (row.title, counted, *(row.quality[measure].words for measure in MEASURES), lost)
            tip = f"L = {row.levels}, T = {row.steps_per_level}" if row.levels else ""
            for column, words in enumerate(cells):
                item = QTableWidgetItem(words)
                side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                item.setToolTip(tip)
                self.setItem(line, column, item)
