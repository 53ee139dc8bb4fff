"""The scores page: several objectives trained side by side, with the exact score, live."""

from __future__ import annotations

import shlex
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from msd_engine.events import (
    Event,
    Failed,
    Finished,
    Progress,
    ScoreCurves,
    ScoreFields,
    ScoreTable,
    ScoreTruth,
    Started,
)
from msd_engine.events.scores.copies import CopiesTested
from msd_engine.specs import ExperimentSpec, SpecError, load_preset
from msd_engine.specs.scores.contenders import BY_FUSION
from msd_engine.specs.scores.spec import USUAL, ScoresSpec, learned_figure, shown_in_figure, usual_base
from msd_engine.specs.tables.papers import FIGURES
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base import layout
from msd_gui.pages.base.exports import paper_exports, plot_exports
from msd_gui.pages.base.page import ExperimentPage, Export, Status
from msd_gui.pages.scores.form import ScoresForm
from msd_gui.pages.scores.shown import ScoresShown
from msd_gui.session.command import differences
from msd_gui.session.experiment import Experiment
from msd_gui.session.settings import Settings
from msd_gui.theme import icon
from msd_gui.theme.tips import wrapped

_COPIES = 4
_BUTTONS = (
    ("train", "Start", "train", "Train the chosen objectives side by side, seed by seed."),
    ("pause", "Pause", "pause", "Hold all trainings; press again to continue."),
    ("stop", "Stop", "stop", "Stop. What has been measured stays on the screen."),
)


class ScoresPage(ExperimentPage):
    """Controls, panels, curves and table of one comparison of objectives.

    Attributes:
        spec: The comparison on the screen; None before the first.
    """

    title = "Scores"
    presets = (
        "two-gaussians",
        "ncsn-toy",
        "ring-8",
        "grid-25",
        *(name for name, row in FIGURES.items() if row.learned),
    )

    def __init__(self, experiment: Experiment, engine: Engine, clock: ScreenClock) -> None:
        super().__init__(experiment, engine, clock)
        self.spec: ScoresSpec | None = None
        # Whether a figure of the papers waits for the engine.
        self._begins = False
        self._racer = self.runner(self._show)
        self._racer.running_changed.connect(self._update_buttons)
        self._build()
        experiment.changed.connect(self._show_spec)
        self._update_buttons()

    def _build(self) -> None:
        self.form = ScoresForm(self.experiment.spec)
        self.form.edited.connect(self._edited)
        self.form.copies_test.clicked.connect(self._choose_copies_test)
        self.form.fields.editing_started.connect(self.experiment.begin_edit)
        self.form.fields.editing_finished.connect(self.experiment.end_edit)
        self.form.changed.connect(self.actions_changed)
        self.buttons = {name: self._button(name, *parts) for name, *parts in _BUTTONS}
        self.buttons["pause"].setCheckable(True)
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for button in self.buttons.values():
            row.addWidget(button)
        row.addStretch(1)
        self.shown = ScoresShown()
        self.shown.placeholder.placeholder.pressed.connect(lambda: self.act("train"))
        layout.lay_out_controls(self, layout.column(holder, self.form), self.shown)
        self.add_export_menu(*self.shown.panels.values(), self.shown.curves, self.shown.table)

    def _button(self, name: str, words: str, glyph: str, help_text: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"scores.{name}")
        button.setText(words)
        button.setIcon(icon(glyph))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(wrapped(help_text))
        button.clicked.connect(lambda: self.act(name))
        return button

    # -- the experiment ------------------------------------------------------------------------------------------------

    @Slot(object, str)
    def _edited(self, spec: ExperimentSpec, path: str) -> None:
        # The preset's title would name another target.
        self.experiment.set(spec.replace("title", "") if path == "data.name" else spec, path)

    @Slot()
    def _choose_copies_test(self) -> None:
        """Compare the three fusions of copies, with four copies where there is one."""
        spec = self.experiment.spec
        if spec.training.k == 1:
            self.experiment.set(spec.replace("training.k", _COPIES))
        self.form.choose(dict.fromkeys(BY_FUSION, True), self.form.seeds.text())

    @Slot(object)
    def _show_spec(self, spec: ExperimentSpec) -> None:
        self.form.show_spec(spec, self.experiment.reset_spec)
        self.actions_changed.emit()

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show another target, with the network of comparisons; begin a figure of the papers at once."""
        del run
        try:
            self.experiment.load(usual_base(spec))
        except SpecError as error:
            self.failed.emit(str(error), "")
            return
        named = learned_figure(spec.title)
        if named is not None:
            wanted = shown_in_figure(spec)
            self.form.choose(dict.fromkeys(wanted.contenders, True), ", ".join(map(str, wanted.seeds)))
            # The sentences name a field of it.
            self.form.fields.section("Training").set_open(True)
            self._begins = True
            self._begin_figure()
            self.noticed.emit(FIGURES[named].story)

    def _begin_figure(self) -> None:
        if self._begins and self.engine.ready:
            self._begins = False
            self.do_train()

    def restore(self, name: str, settings: Settings) -> None:
        """Restore the settings of the last session as they were."""
        spec = settings.last_spec(name)
        if spec is not None and spec.data.kind == "mixture":
            self.experiment.load(spec)

    def command(self) -> str:
        """Build the `msd` command that repeats the comparison."""
        spec = self.experiment.spec
        named = (self.experiment.preset, spec.data.name, self.presets[0])
        preset = next(name for name in named if name in self.presets)
        words = ["msd", "scores", "--preset", preset]
        try:
            wanted = self.form.value()
        except SpecError:
            return ""
        if wanted.contenders != USUAL:
            words += ["--objectives", ",".join(wanted.contenders)]
        words += ["--seeds", ",".join(map(str, wanted.seeds))]
        for path, value in differences(spec, usual_base(load_preset(preset))).items():
            words += [f"--{path}", str(value)]
        return shlex.join(words)

    # -- actions -------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Allow a start when the engine is ready, and make the start that waits for it."""
        self._update_buttons()
        self.actions_changed.emit()
        self._begin_figure()

    def can(self, action: str) -> bool:
        """Return whether an action is possible now."""
        match action:
            case "train":
                return self.engine.ready and not self.running and self._wanted() is not None
            case "stop" | "pause":
                return self.running
            case "home":
                return self.shown.truth is not None
            case _:
                return False

    def do_train(self) -> None:
        """Start a comparison."""
        if (spec := self._wanted()) is not None:
            self._racer.submit(self.engine.scores(spec))

    def do_stop(self) -> None:
        """Stop the comparison."""
        self._racer.stop()

    def do_pause(self) -> None:
        """Hold or continue the comparison."""
        self._racer.hold()
        if self._racer.held:
            self.set_status(Status("Paused."))
        self._update_buttons()

    def do_home(self) -> None:
        """Frame the panels."""
        for panel in self.shown.panels.values():
            panel.frame()

    def _wanted(self) -> ScoresSpec | None:
        try:
            return self.form.value()
        except SpecError:
            # The form shows the sentence.
            return None

    def exports(self) -> list[Export]:
        """List the figures and tables that can be written now."""
        spec, rows = self.spec, paper_exports(self.engine, self.experiment.spec.title)
        if spec is None or self.shown.truth is None:
            return rows

        def spec_json() -> str:
            return spec.base.to_json()

        for name, panel in self.shown.panels.items():
            if panel.plot().vectors is not None:
                rows += plot_exports(self, panel, f"{name} score", f"{name.lower()}-score", spec_json)
        if self.shown.curves.plot().curves:
            words = ("Copies test", "copies-test") if self.shown.tests_copies else ("Errors of scores", "score-errors")
            rows += plot_exports(self, self.shown.curves, *words, spec_json, table=self.shown.columns)
        return rows

    # -- events --------------------------------------------------------------------------------------------------------

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self.spec = ScoresSpec.from_json(event.spec_json)
                self.shown.begin(self.spec.contenders)
            case ScoreTruth():
                self.shown.show_truth(event)
            case ScoreFields():
                self.shown.show_fields(event)
            case ScoreCurves():
                self.shown.show_curves(event)
            case CopiesTested():
                self.shown.show_copies(event)
            case ScoreTable():
                self.shown.show_table(event)
            case Progress() if not self._racer.held:
                self.set_status(Status.of(event, "Scores"))
            case Finished() | Failed():
                self.set_status(Status())

    @Slot()
    def _update_buttons(self, *_: object) -> None:
        held = self._racer.held
        self.buttons["train"].setVisible(not self.running)
        self.buttons["train"].setEnabled(self.can("train"))
        for name in ("pause", "stop"):
            self.buttons[name].setVisible(self.running)
        self.buttons["pause"].setChecked(held)
        self.buttons["pause"].setText("Go on" if held else "Pause")
        self.form.setEnabled(not self.running)
        if not self.running:
            self.set_status(Status())
