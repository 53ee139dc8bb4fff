"""The comparison page: the same training for several k and seeds, in one or two modes, and what comes of it, live."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from msd_engine.events import (
    ChildHeldOut,
    ChildStarted,
    Event,
    Failed,
    Finished,
    HeldOutLoss,
    Notice,
    Progress,
    Started,
    SweepTable,
)
from msd_engine.specs import SpecError, SweepSpec
from msd_engine.specs.sweep import MODE_TITLES, Child
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.launch import Job, SweepLaunch
from msd_gui.pages import frame
from msd_gui.pages.page import Export, Page, Status
from msd_gui.pages.plot_exports import plot_exports
from msd_gui.pages.sweep_form import SweepForm
from msd_gui.theme import icon
from msd_gui.views.compared import Compared, ComparedView
from msd_gui.views.placeholder import Awaiting
from msd_gui.widgets.comparison_table import ComparisonTable, figure

STYLES = {"line": "same σ per copy", "dash": "same σ_eff", "dot": "exact"}
_STYLE_OF = {"same-sigma": "line", "same-sigma-eff": "dash"}
CURVES_EVERY_S = 0.2
BANDS_PX = 230


class ComparePage(Page):
    """Compare numbers of copies fairly."""

    title = "Compare"

    def __init__(self, launch: SweepLaunch, clock: ScreenClock) -> None:
        super().__init__(launch, clock)
        self.sweeps = launch
        self.folder: Path | None = None
        self.spec: SweepSpec | None = None
        self.told: SweepTable | None = None
        self._measured: dict[str, list[HeldOutLoss]] = {}
        self._drawn_s = 0.0
        self._told_title = ""
        self._ready = False
        self._then = ""
        self._sweeper = self.runner(self._show)
        # The last event comes before the end of the job.
        self._sweeper.running_changed.connect(self._on_running)
        self._build()
        self._update_buttons()

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.form = SweepForm()
        self.buttons = {
            name: self._button(name, words, glyph, help_text)
            for name, words, glyph, help_text in (
                ("train", "Start", "train", "Begin a new comparison with these settings."),
                ("pause", "Pause", "pause", "Hold the run that is going on; press again to go on."),
                ("stop", "Stop", "stop", "Stop; what is done is kept and can be gone on with."),
                (
                    "resume",
                    "Resume",
                    "resume",
                    "Go on where it was stopped, with new ks, seeds and modes added.",
                ),
                ("open", "Open…", "open_run", "Open the folder of a comparison."),
            )
        }
        self.buttons["pause"].setCheckable(True)
        self.words = QLabel("A comparison trains the same network for each k, seed and mode, one run after the other.")
        self.words.setWordWrap(True)
        self.words.setProperty("role", "muted")
        controls = frame.column(frame.heading("Compare"), self.form, *self.buttons.values(), self.words)
        self.unit = QComboBox()
        self.unit.setObjectName("compare.x")
        self.unit.setAccessibleName("What the curves are drawn against")
        self.unit.addItems(["steps", "seconds"])
        self.unit.currentTextChanged.connect(self._unit_changed)
        self.curves = ComparedView("Held-out error of every run", "step", STYLES)
        self.place = frame.awaiting(self.curves, "The held-out error of every run will be drawn here, live.", "Start")
        self.place.placeholder.asked.connect(lambda: self.act("train"))
        self.table = ComparisonTable()
        self.table_place = frame.awaiting(
            self.table, "The final error of each k will stand here: its spread over the seeds, and its ratio to k = 1."
        )
        top = QWidget()
        row = QHBoxLayout(top)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(frame.heading("Held-out error against"))
        row.addWidget(self.unit)
        row.addStretch(1)
        middle = frame.column(top, self.place, frame.heading("Final errors"), self.table_place, stretch=(0, 5, 0, 4))
        self.bands = {mode: ComparedView(f"Error by noise, {words}", "σ<sub>eff</sub>", STYLES, log_x=True)
                      for mode, words in MODE_TITLES.items()}  # fmt: skip
        self.findings = QLabel("What the figures confirm and refute of the report's claim will be said here.")
        self.findings.setWordWrap(True)
        self.findings.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.band_places: dict[str, Awaiting] = {}
        parts: list[QWidget] = [frame.heading("What it says"), self.findings]
        for mode, view in self.bands.items():
            words = "The final error at each σ_eff will be drawn here."
            self.band_places[mode] = frame.awaiting(view, words, height_px=BANDS_PX)
            parts += [frame.heading(f"By noise: {MODE_TITLES[mode]}"), self.band_places[mode]]
        holder = QWidget()
        box = QVBoxLayout(holder)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(frame.column(*parts))
        frame.lay_out(self, controls, middle, holder)
        self.offer_menu(self.curves, self.table, *self.bands.values())

    def _button(self, name: str, words: str, glyph: str, help_text: str) -> QPushButton:
        button = QPushButton(icon(glyph), words)
        button.setObjectName(f"compare.{name}")
        button.setToolTip(help_text)
        button.clicked.connect(lambda: self.act(name))
        return button

    # -- what the window asks ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The engine is there."""
        self._ready = True
        self._update_buttons()

    def can(self, action: str) -> bool:
        """Return whether an action makes sense now."""
        match action:
            case "train" | "open":
                return self._ready and not self.running
            case "resume":
                return self._ready and not self.running and self.folder is not None
            case "stop" | "pause":
                return self.running
            case _:
                return False

    def do_train(self) -> None:
        """Begin a new comparison."""
        if (spec := self._asked()) is not None:
            self._clear()
            self.folder = self.sweeps.new_sweep(spec)
            self._sweeper.submit(self.sweeps.sweep(spec, self.folder))

    def do_resume(self) -> None:
        """Go on with the comparison, with what is new in the lists added."""
        asked = self._asked()
        if asked is not None and self.folder is not None and self.spec is not None:
            wider = self.spec.with_more(ks=asked.ks, seeds=asked.seeds, modes=asked.modes)
            self._clear()
            self._sweeper.submit(self.sweeps.sweep(wider, self.folder, resume=True))

    def do_stop(self) -> None:
        """Stop."""
        self._sweeper.stop()

    def do_pause(self) -> None:
        """Hold, or go on."""
        live = self._sweeper.live
        live.resume() if live.paused else live.pause()
        self._update_buttons()

    def do_open(self) -> None:
        """Let the user choose the folder of a comparison."""
        path = QFileDialog.getExistingDirectory(self, "Open the folder of a comparison")
        if path:
            self.open_sweep(Path(path))

    def open_sweep(self, folder: Path, then: str = "") -> None:
        """Show a comparison from the disk.

        Args:
            folder: The folder of the comparison.
            then: Action to carry out once it is told; empty for none.
        """
        if self.running:
            # What is going on here is not broken off for a look at something else.
            if folder != self.folder:
                self.noticed.emit(f"Stop the comparison {self._place_name} first: it is going on here.")
            return
        self._then = then
        self._clear()
        self.folder = folder
        self._sweeper.submit(self.sweeps.open_sweep(folder))

    def exports(self) -> list[Export]:
        """Return what can be written now."""
        folder = self.folder
        if folder is None or self.told is None:
            return []

        def make(path: Path) -> Job:
            return self.sweeps.export_sweep(folder, path)

        whole = [Export("Comparison", suffix, "comparison", make) for suffix in (".csv", ".md", ".png", ".svg")]
        spec = self.spec
        if spec is None:
            return whole
        curves = plot_exports(
            self, self.curves, "Curves", "curves", lambda: spec.base.to_json(), table=self.curves.data
        )
        return whole + curves

    def _asked(self) -> SweepSpec | None:
        try:
            return self.form.value()
        except SpecError as error:
            self.failed.emit(str(error), "")
            return None

    # -- what the engine tells -----------------------------------------------------------------------------------------

    def _clear(self) -> None:
        self._measured, self.told = {}, None
        self.table.set_rows([])
        self.table_place.set_ready(False)
        self._draw_curves()

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self.spec = SweepSpec.from_json(event.spec_json)
                self.form.set_lists(self.spec)
                self._told_title = self.spec.title or self.spec.base.data.name
            case ChildStarted():
                self._measured[event.name] = []
                self.words.setText(f"{self._place_name}: run {event.number} of {event.total}, {event.name}.")
            case ChildHeldOut():
                self._measured.setdefault(event.name, []).append(event.measured)
                if time.monotonic() - self._drawn_s >= CURVES_EVERY_S:
                    self._draw_curves()
            case SweepTable():
                self._show_table(event)
            case Progress():
                whole = event.elapsed_s + event.left_s
                fraction = event.elapsed_s / whole if whole > 0 else None
                self.set_status(Status(event.text, f"{event.rate:.1f} steps/s", fraction, event.left_s))
            case Notice():
                self.noticed.emit(event.text)
            case Finished():
                self._ended(event.text)
            case Failed():
                self._then = ""
                self._ended("")
                self.show_failure(event)
            case _:
                pass
        self._update_buttons()

    def _ended(self, text: str) -> None:
        self._draw_curves()
        self.set_status(Status())
        if text:
            self.words.setText(f"{self._told_title}, in {self._place_name}: {text}")

    def _show_table(self, event: SweepTable) -> None:
        self.told = event
        self._draw_curves()
        self.table_place.set_ready(bool(event.rows))
        self.table.set_rows(
            [
                (MODE_TITLES[row.mode], str(row.k), str(row.seeds), figure(row.error, row.spread),
                 figure(row.ratio, row.ratio_spread), figure(row.floor_ratio), figure(row.reported_ratio))
                for row in event.rows
            ]
        )  # fmt: skip
        if event.findings:
            self.findings.setText("\n\n".join(event.findings))
        for mode, view in self.bands.items():
            known = [row for row in event.rows if row.mode == mode and len(row.band_error)]
            learned = [Compared(f"k = {r.k}", r.k, _STYLE_OF[mode], r.band_sigma_eff, r.band_error) for r in known]
            exact = [Compared(f"k = {r.k}, exact", r.k, "dot", r.band_sigma_eff, r.band_floor) for r in known]
            self.band_places[mode].set_ready(bool(known))
            view.set_curves(learned + [curve for curve in exact if np.isfinite(curve.y).any()])

    @property
    def _place_name(self) -> str:
        """Name of the sweep's folder; the whole path would be broken over lines."""
        return self.folder.name if self.folder else ""

    def _draw_curves(self) -> None:
        self._drawn_s = time.monotonic()
        children = {} if self.spec is None else {child.name: child for child in self.spec.children()}
        shown = [(children[name], rows) for name, rows in self._measured.items() if rows and name in children]
        self.place.set_ready(bool(shown))
        self.curves.set_curves([self._curve(child, rows) for child, rows in shown])

    def _curve(self, child: Child, rows: list[HeldOutLoss]) -> Compared:
        x = [row.step if self.unit.currentText() == "steps" else row.elapsed_s for row in rows]
        mode = "" if child.k == 1 else f", {MODE_TITLES[child.modes[0]]}"
        words = f"k = {child.k}{mode}, seed {child.seed}"
        return Compared(words, child.k, _STYLE_OF[child.modes[0]], np.array(x, float), np.array([r.loss for r in rows]))

    @Slot(str)
    def _unit_changed(self, unit: str) -> None:
        self.curves.set_label("bottom", "step" if unit == "steps" else "time / s")
        self._draw_curves()
        self.curves.frame()

    @Slot(bool)
    def _on_running(self, running: bool) -> None:
        self._update_buttons()
        if self._then and not running:
            then, self._then = self._then, ""
            self.act(then)

    def _update_buttons(self, *_: object) -> None:
        for name, button in self.buttons.items():
            button.setEnabled(self.can(name))
        held = self.running and self._sweeper.live.paused
        self.buttons["pause"].setChecked(held)
        self.form.setEnabled(not self.running)
        self.place.placeholder.button.setEnabled(self.can("train"))
