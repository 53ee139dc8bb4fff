"""The comparison page: the same training for several k and seeds, in one or two modes, with live results."""

from __future__ import annotations

import math
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QToolButton, QWidget

from msd_engine.events import (
    ChildHeldOut,
    ChildStarted,
    Event,
    Failed,
    Finished,
    Progress,
    Started,
    SweepTable,
)
from msd_engine.events.figures import SWEEP_SHEET
from msd_engine.specs import SpecError, SweepSpec, example_folder
from msd_engine.specs.sweep import MODE_TITLES
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine, Job
from msd_gui.pages.base import layout
from msd_gui.pages.base.exports import plot_exports, sweep_export
from msd_gui.pages.base.page import Export, Page, Status
from msd_gui.pages.compare.form import SweepForm
from msd_gui.pages.compare.shown import ComparisonShown
from msd_gui.session.settings import Settings
from msd_gui.theme import icon
from msd_gui.theme.tips import wrapped
from msd_gui.views.base.rich import indexed

_PLAN = "sweep.json"
"""The file by which a folder is known to hold a comparison."""


_START_HELP, _OPEN_HELP = "Start a new comparison with these settings.", "Open the folder of a comparison."
_EXAMPLE = "An example that came with the program is shown. Start a comparison or open one, and it takes its place."
_STARTING = "The engine is starting: one moment."


class ComparePage(Page):
    """Controls, curves and results of one comparison.

    Attributes:
        folder: Folder of the user's comparison; None before the first.
        spec: The comparison as its job sent it; None before the first.
        example: Whether the shipped example is shown, in place of a comparison of the user.
    """

    title = "Compare"

    def __init__(self, engine: Engine, clock: ScreenClock) -> None:
        super().__init__(engine, clock)
        self.folder: Path | None = None
        self.spec: SweepSpec | None = None
        self.example = False
        self._watched = False
        self._spec_title = ""
        self._then = ""
        self._stopped = False
        self._opening = False
        self._only_reads = False
        self._elsewhere = ""
        self._sweeper = self.runner(self._show)
        # The runner delivers the last event before it reports the end of the job.
        self._sweeper.running_changed.connect(self._on_running)
        self._build()
        self._update_buttons()

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.form = SweepForm()
        self.buttons = {
            name: self._button(name, words, glyph, help_text)
            for name, words, glyph, help_text in (
                ("train", "Start", "train", _START_HELP),
                ("pause", "Pause", "pause", "Pause what is running; press again to continue."),
                ("stop", "Stop", "stop", "Stop. All results are kept, and Resume continues."),
                ("resume", "Resume", "resume", "Continue this comparison; ks, seeds, modes and fusions may be added."),
                ("open", "Open…", "open_run", _OPEN_HELP),
            )
        }
        self.buttons["pause"].setCheckable(True)
        self.words = QLabel("A comparison trains the same network for each k, seed and mode, one run after the other.")
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.words.setWordWrap(True)
        self.words.setProperty("role", "muted")
        controls = layout.column(layout.heading("Compare"), self.form, self._button_row(), self.words)
        self.shown = ComparisonShown()
        self.shown.place.placeholder.pressed.connect(lambda: self.act("train"))
        layout.lay_out(self, controls, self.shown.middle, self.shown.right)
        self.add_export_menu(self.shown.curves, self.shown.table, *self.shown.bands.values())

    def _button_row(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for button in self.buttons.values():
            row.addWidget(button)
        row.addStretch(1)
        return holder

    def _button(self, name: str, words: str, glyph: str, help_text: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"compare.{name}")
        button.setText(words)
        button.setIcon(icon(glyph))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(wrapped(help_text))
        button.clicked.connect(lambda: self.act(name))
        return button

    # -- calls by the window -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open the last comparison when the engine is ready, or the example if the page is visible."""
        self._update_buttons()
        if self.folder is not None and self.spec is None and not self.running:
            self.open_sweep(self.folder)
        self._open_example()

    def set_watched(self, watched: bool) -> None:
        """Open the example when the page is visible and has nothing to show."""
        super().set_watched(watched)
        self._watched = watched
        self._open_example()

    def _open_example(self) -> None:
        if self._watched and self.engine.ready and self.folder is None and self.spec is None and not self.running:
            self.example = self._only_reads = True
            self._sweeper.submit(self.engine.open_sweep(example_folder()))

    def restore(self, name: str, settings: Settings) -> None:
        """Remember the comparison of the last session, if it is still on the disk."""
        folder = settings.last_run(name)
        if folder is not None and (folder / _PLAN).is_file():
            self.folder = folder

    def keep(self, name: str, settings: Settings) -> None:
        """Keep the folder of the comparison."""
        settings.set_last_run(name, self.folder)

    def can(self, action: str) -> bool:
        """Return whether an action is possible now."""
        match action:
            case "train" | "open":
                return self.engine.ready and not self._busy
            case "resume":
                opened = None not in (self.folder, self.spec)
                return self.engine.ready and not self.running and opened and not self._elsewhere
            case "stop" | "pause":
                return self._busy
            case "duplicate":
                return self.engine.ready and not self._busy and self.spec is not None and self.folder is not None
            case _:
                return False

    def why_not(self, action: str) -> str:
        """Explain why a copy is not resumed."""
        if action == "resume" and self._elsewhere and self.folder is not None:
            return f"This comparison is a copy of {self._elsewhere}: resume it there, or start a new one here."
        return ""

    def do_train(self) -> None:
        """Start a new comparison."""
        if (spec := self._requested()) is not None:
            self._clear()
            self.folder, self._only_reads = self.engine.new_sweep(spec), False
            self._sweeper.submit(self.engine.sweep(spec, self.folder, workers=self.form.workers.currentData()))

    def do_resume(self) -> None:
        """Continue the comparison, with the new ks, seeds and modes of the form."""
        wanted = self._requested()
        if wanted is not None and self.folder is not None and self.spec is not None:
            wider = self.spec.with_more(ks=wanted.ks, seeds=wanted.seeds, modes=wanted.modes, fusions=wanted.fusions)
            self.shown.clear()
            self._only_reads = False
            workers = self.form.workers.currentData()
            self._sweeper.submit(self.engine.sweep(wider, self.folder, resume=True, workers=workers))

    def do_stop(self) -> None:
        """Stop the comparison; its results stay on the disk."""
        self._stopped = True
        self._sweeper.stop()

    def do_pause(self) -> None:
        """Pause or continue the current run."""
        self._sweeper.hold()
        if self._sweeper.held:
            self.set_status(Status("Paused: the current run waits."))
        self._update_buttons()

    def do_duplicate(self) -> None:
        """Keep the settings of the opened comparison for a new one, and leave the comparison itself."""
        self._say(f"The settings are those of {self._spec_title}: change them, and press Start for a new comparison.")
        self.folder = None
        self.shown.clear()
        self._update_buttons()
        self.actions_changed.emit()

    def do_open(self) -> None:
        """Ask for the folder of a comparison, and open it."""
        path = QFileDialog.getExistingDirectory(self, "Open the folder of a comparison")
        if path:
            self.open_sweep(Path(path))

    def open_sweep(self, folder: Path, then: str = "") -> None:
        """Show a comparison from the disk.

        Args:
            folder: The folder of the comparison.
            then: Action to carry out afterwards; empty for none.
        """
        if self._busy:
            if folder != self.folder:
                self.noticed.emit(f"Stop the comparison {self._place_name} first: it still runs on this page.")
            return
        self._then = then
        self._opening = self._only_reads = True
        self._clear()
        self.folder = folder
        self._sweeper.submit(self.engine.open_sweep(folder))

    def _clear(self) -> None:
        """Remove the shown comparison, before another of the user."""
        self.example = False
        self.shown.clear()

    def exports(self) -> list[Export]:
        """Return the files that can be exported now."""
        folder = example_folder() if self.example else self.folder
        if folder is None or self.shown.latest is None:
            return []

        def make(path: Path) -> Job:
            return self.engine.export_sweep(folder, path)

        whole = [Export("Comparison", suffix, "comparison", make) for suffix in (".csv", ".md")]
        spec = self.spec
        if spec is None:
            return whole
        title = spec.title or spec.base.title or spec.base.data.name
        whole.insert(0, sweep_export(self.engine, folder, SWEEP_SHEET, f"Comparison: {title}."))
        for name, view in self.shown.bands.items():
            if view.plot().curves:
                label = f"Error by noise: {MODE_TITLES[name]}"
                whole += plot_exports(self, view, label, f"error-by-noise-{name}", lambda: spec.base.to_json())
        curves = plot_exports(
            self, self.shown.curves, "Curves", "curves", lambda: spec.base.to_json(), table=self.shown.columns
        )
        return whole + curves

    def _requested(self) -> SweepSpec | None:
        try:
            return self.form.value()
        except SpecError as error:
            self.failed.emit(str(error), "")
            return None

    # -- events of the engine ------------------------------------------------------------------------------------------

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self.spec, self._elsewhere = SweepSpec.from_json(event.spec_json), event.elsewhere
                self.shown.begin(self.spec)
                if not self.example:
                    self.form.set_lists(self.spec)
                if self._opening:
                    self._opening = False
                    self.form.set_opened(self.spec)
                self._spec_title = self.spec.title or self.spec.base.data.name
            case ChildStarted() if self.example:
                self.shown.start_child(event.name)
            case ChildStarted():
                self.shown.start_child(event.name)
                child = self.shown.child(event.name)
                words = event.name if child is None else child.words
                self._say(f"{self._place_name}: run {event.number} of {event.total}, {words}.")
            case ChildHeldOut():
                self.shown.measure(event.name, event.measured)
            case SweepTable():
                self.shown.show_table(event)
            case Progress() if not self._sweeper.held:
                whole = event.elapsed_s + event.left_s
                fraction = event.elapsed_s / whole if whole > 0 else None
                rate = "" if math.isnan(event.rate) else f"{event.rate:.1f} steps/s"
                self.set_status(Status(event.text, rate, fraction, event.left_s))
            case Finished():
                self._ended(event.text)
            case Failed():
                if self._opening:
                    self.folder = None
                self._then, self._opening = "", False
                self._ended("")
        self._update_buttons()

    def _ended(self, text: str) -> None:
        self.shown.draw_curves()
        self.set_status(Status())
        if self.example:
            self._say(_EXAMPLE)
        elif text:
            self._say(f"{self._spec_title}, in {self._place_name}: {text}")

    def _say(self, text: str) -> None:
        self.words.setText(indexed(text))

    @property
    def _busy(self) -> bool:
        """Whether a comparison is trained here; one from the disk, or a copy of one elsewhere, may be left."""
        return self.running and not self._only_reads

    @property
    def _place_name(self) -> str:
        """Name of the folder; the whole path would take several lines."""
        return self.folder.name if self.folder else ""

    def _show_stopped(self) -> None:
        self._ended("")
        latest = self.shown.latest
        done = f"{latest.done} of {latest.total} runs are done" if latest is not None else "no run is done yet"
        self._say(f"{self._place_name}: stopped; {done}. Resume continues with the rest.")

    @Slot(bool)
    def _on_running(self, running: bool) -> None:
        if self._stopped and not running:
            # All events before the stop have been shown by now.
            self._stopped = False
            self._show_stopped()
        self._update_buttons()
        if self._then and not running:
            then, self._then = self._then, ""
            self.act(then)

    def _update_buttons(self, *_: object) -> None:
        for name, button in self.buttons.items():
            button.setVisible(self.can(name) or (name in ("train", "open") and not self.engine.ready))
            button.setEnabled(self.can(name))
        held = self._sweeper.held
        pause, start = self.buttons["pause"], self.buttons["train"]
        pause.setChecked(held)
        pause.setText("Go on" if held else "Pause")
        pause.setIcon(icon("resume" if held else "pause"))
        start.setToolTip(_START_HELP if self.engine.ready else _STARTING)
        self.buttons["open"].setToolTip(_OPEN_HELP if self.engine.ready else _STARTING)
        self.form.setEnabled(not self._busy)
        self.shown.place.placeholder.button.setEnabled(start.isEnabled())
