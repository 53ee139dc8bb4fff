"""The comparison page: the same training for several k and seeds, in one or two modes, and what comes of it, live."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton

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
from msd_engine.specs import SpecError, SweepSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine, Job
from msd_gui.pages.base import layout
from msd_gui.pages.base.exports import plot_exports
from msd_gui.pages.base.page import Export, Page, Status
from msd_gui.pages.compare.form import SweepForm
from msd_gui.pages.compare.shown import ComparisonShown
from msd_gui.theme import icon
from msd_gui.views.base.rich import indexed


class ComparePage(Page):
    """Compare numbers of copies fairly."""

    title = "Compare"

    def __init__(self, engine: Engine, clock: ScreenClock) -> None:
        super().__init__(engine, clock)
        self.folder: Path | None = None
        self.spec: SweepSpec | None = None
        self._spec_title = ""
        self._ready = False
        self._then = ""
        self._stopped = False
        self._opening = False
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
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.words.setWordWrap(True)
        self.words.setProperty("role", "muted")
        controls = layout.column(layout.heading("Compare"), self.form, *self.buttons.values(), self.words)
        self.shown = ComparisonShown()
        self.shown.place.placeholder.pressed.connect(lambda: self.act("train"))
        layout.lay_out(self, controls, self.shown.middle, self.shown.right)
        self.add_export_menu(self.shown.curves, self.shown.table, *self.shown.bands.values())

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
            case "duplicate":
                return self._ready and not self.running and self.spec is not None and self.folder is not None
            case _:
                return False

    def do_train(self) -> None:
        """Begin a new comparison."""
        if (spec := self._requested()) is not None:
            self.shown.clear()
            self.folder = self.engine.new_sweep(spec)
            self._sweeper.submit(self.engine.sweep(spec, self.folder))

    def do_resume(self) -> None:
        """Go on with the comparison, with what is new in the lists added."""
        wanted = self._requested()
        if wanted is not None and self.folder is not None and self.spec is not None:
            wider = self.spec.with_more(ks=wanted.ks, seeds=wanted.seeds, modes=wanted.modes)
            self.shown.clear()
            self._sweeper.submit(self.engine.sweep(wider, self.folder, resume=True))

    def do_stop(self) -> None:
        """Stop."""
        self._stopped = True
        self._sweeper.stop()

    def do_pause(self) -> None:
        """Hold, or go on."""
        self._sweeper.hold()
        if self._sweeper.held:
            self.set_status(Status("Paused: the run that is going on is held."))
        self._update_buttons()

    def do_duplicate(self) -> None:
        """Keep the settings of the comparison that was opened, and leave itself: a new one is to begin with them."""
        self._say(f"The settings of {self._spec_title} are set: change what you like, and press Start for a new one.")
        self.folder = None
        self.shown.clear()
        self._update_buttons()
        self.actions_changed.emit()

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
        self._opening = True
        self.shown.clear()
        self.folder = folder
        self._sweeper.submit(self.engine.open_sweep(folder))

    def exports(self) -> list[Export]:
        """Return what can be written now."""
        folder = self.folder
        if folder is None or self.shown.latest is None:
            return []

        def make(path: Path) -> Job:
            return self.engine.export_sweep(folder, path)

        whole = [Export("Comparison", suffix, "comparison", make) for suffix in (".csv", ".md", ".png", ".svg")]
        spec = self.spec
        if spec is None:
            return whole
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

    # -- what the engine tells -----------------------------------------------------------------------------------------

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self.spec = SweepSpec.from_json(event.spec_json)
                self.shown.begin(self.spec)
                self.form.set_lists(self.spec)
                if self._opening:
                    self._opening = False
                    self.form.set_opened(self.spec)
                self._spec_title = self.spec.title or self.spec.base.data.name
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
                self.set_status(Status(event.text, f"{event.rate:.1f} steps/s", fraction, event.left_s))
            case Finished():
                self._ended(event.text)
            case Failed():
                self._then, self._opening = "", False
                self._ended("")
        self._update_buttons()

    def _ended(self, text: str) -> None:
        self.shown.draw_curves()
        self.set_status(Status())
        if text:
            self._say(f"{self._spec_title}, in {self._place_name}: {text}")

    def _say(self, text: str) -> None:
        self.words.setText(indexed(text))

    @property
    def _place_name(self) -> str:
        """Name of the sweep's folder; the whole path would be broken over lines."""
        return self.folder.name if self.folder else ""

    def _show_stopped(self) -> None:
        self._ended("")
        latest = self.shown.latest
        done = f"{latest.done} of {latest.total} runs are done" if latest is not None else "nothing is done yet"
        self._say(f"{self._place_name}: stopped; {done}. Resume goes on with the rest.")

    @Slot(bool)
    def _on_running(self, running: bool) -> None:
        if self._stopped and not running:
            # What was told before the job was closed has been shown by now.
            self._stopped = False
            self._show_stopped()
        self._update_buttons()
        if self._then and not running:
            then, self._then = self._then, ""
            self.act(then)

    def _update_buttons(self, *_: object) -> None:
        for name, button in self.buttons.items():
            button.setEnabled(self.can(name))
        held = self._sweeper.held
        self.buttons["pause"].setChecked(held)
        self.buttons["pause"].setText("Go on" if held else "Pause")
        self.buttons["pause"].setIcon(icon("resume" if held else "pause"))
        self.form.setEnabled(not self.running)
        self.shown.place.placeholder.button.setEnabled(self.can("train"))
