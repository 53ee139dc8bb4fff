"""The images page: train a k-sample denoiser on real images, and watch chains become new ones."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Slot

from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.advice.adviser import Adviser
from msd_gui.pages.base import layout
from msd_gui.pages.base.chains import is_exact
from msd_gui.pages.base.page import Export, Status
from msd_gui.pages.images.chains import ImageChains
from msd_gui.pages.images.exports import exports
from msd_gui.pages.images.fields_shown import GROUPS
from msd_gui.pages.quality.judge import JudgeButton
from msd_gui.pages.quality.panel import Measuring
from msd_gui.pages.quality.survival import SurvivalPanel
from msd_gui.pages.sampling.controls import SamplingControls
from msd_gui.pages.sampling.gallery import Gallery
from msd_gui.pages.sampling.pretrained import PretrainedChip
from msd_gui.pages.training.page import TrainingPage
from msd_gui.pages.training.shown import TrainingShown
from msd_gui.pages.training.trainer import Trainer
from msd_gui.session.command import command
from msd_gui.session.experiment import Experiment
from msd_gui.session.network import LatestNetwork, Network
from msd_gui.widgets.panels.card import Card
from msd_gui.widgets.panels.spec_form import SpecForm


class ImagesPage(TrainingPage):
    """Training on images, and chains of images."""

    title = "Images"
    chains: ImageChains
    presets = (
        "digits-30s",
        "digits-exact",
        "mnist-2min",
        "fashion-2min",
        "cifar10-20min",
        "report-mnist",
        "ncsnv2-cifar10-sigma1",
        "ncsnv2-cifar10-sigma50",
    )

    def __init__(self, experiment: Experiment, engine: Engine, clock: ScreenClock, latest: LatestNetwork) -> None:
        super().__init__(experiment, engine, clock)
        self._latest = latest
        self._build()
        self.ladder_controls = SamplingControls(
            self, engine, self.form, "Ladder", run_for=self.chains.run_for, drawn=lambda: self.chains.drawn
        )
        self.chains.laddered.connect(self.ladder_controls.set_drawn_ladder)
        self.ladder_controls.ladder_ready.connect(self.adviser.set_ladder)
        self._connect()
        self._show_spec(experiment.spec)

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.form = SpecForm(GROUPS, self.experiment.spec)
        self.form.section("More of training").set_open(False)
        self.shown = TrainingShown(self)
        self.gallery = Gallery()
        self.survival = SurvivalPanel()
        self.adviser = Adviser(self.experiment, self)
        self.card = Card("info", "", "", dismissible=False, stacked=True)
        self.card.hide()
        self.pretrained = PretrainedChip()
        self.trainer = Trainer(self, self.engine, self.shown.losses)
        self.chains = ImageChains(self, self.engine, self.gallery, self.trainer, self.pretrained)
        self.judging = JudgeButton(self, self.engine, self.gallery)
        self.measuring = Measuring(self, self.engine, self.chains.drawable, self.gallery.images)
        shown = self.shown
        middle = layout.column(layout.heading("Held-out images"), shown.strip_place, self.gallery, stretch=(0, 0, 1))
        figures = layout.column(
            self.card,
            self.adviser.cards,
            self.pretrained,
            layout.heading("Loss"),
            shown.losses_place,
            layout.heading("Error by noise"),
            shown.bands_place,
            self.survival,
            self.judging,
            self.measuring,
        )
        layout.lay_out(self, self.form, middle, figures)
        self.add_export_menu(shown.strip, self.gallery.grid, self.gallery.film, shown.losses, shown.bands)
        self.add_export_menu(self.measuring.curve.view)

    def _connect(self) -> None:
        self.form.edited.connect(self._edited)
        self.form.editing_started.connect(self._begin_edit)
        self.form.editing_finished.connect(self._end_edit)
        self.experiment.changed.connect(self._show_spec)
        self.shown.strip_place.placeholder.pressed.connect(self.do_train)
        self.gallery.judged.connect(self.survival.take)
        self.gallery.cleared.connect(self.survival.clear)
        self.gallery.judged.connect(self.adviser.set_verdicts)
        self.measuring.measured.connect(self.adviser.set_quality)
        self.gallery.grid.chosen.connect(self.measuring.choose)
        self.actions_changed.connect(self.measuring.update_button)
        self.card.action.connect(self.do_train)
        self.trainer.strip.connect(self.shown.set_strip)
        self.trainer.checkpointed.connect(self._on_weights)
        self.trainer.ended.connect(self._on_trained)
        self.trainer.progressed.connect(self._on_training_status)

    # -- the spec ------------------------------------------------------------------------------------------------------

    @Slot(object, str)
    def _edited(self, spec: ExperimentSpec, path: str) -> None:
        if path == "data.name":
            # The preset's title would name other data.
            spec = spec.replace("title", "")
        self.experiment.set(spec, path)

    @Slot()
    def _begin_edit(self) -> None:
        self.chains.set_editing(True)
        self.experiment.begin_edit()

    @Slot()
    def _end_edit(self) -> None:
        self.experiment.end_edit()
        self.chains.set_editing(False)

    @Slot(object)
    def _show_spec(self, spec: ExperimentSpec) -> None:
        self.form.set_reset(self.experiment.reset_spec)
        self.form.setValue(spec)
        self.ladder_controls.show(spec)
        uniform = spec.noise.law == "uniform-t"
        for path in ("noise.log_mean", "noise.log_std"):
            self.form.set_enabled(path, not uniform, "Belongs to the log-normal law.")
        stale = self.trainer.has_weights and not is_exact(spec) and not self.trainer.same_network(spec)
        self.card.setVisible(stale)
        if stale:
            self.card.set_message(
                "info", "Another network", "Data, copies, network or form have changed: train again.", "Train"
            )
        self.gallery.set_placeholder(self.chains.set_placeholder(spec), "Sample")
        self.pretrained.offer(spec, in_use=not is_exact(spec) and not self.trainer.fits(spec))
        self.measuring.show_beside(spec.data.name)
        self.measuring.update_button()

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show another experiment; with a run, its network can sample at once."""
        if run is not None:
            self.trainer.adopt(run, spec)
            self._show_network()
        self.experiment.load(spec)
        self.actions_changed.emit()
        if run is not None and self.ready:
            self.do_sample()
        elif is_exact(spec):
            self.chains.draw_if_new()

    def begin(self) -> None:
        """Allow training once the engine is there."""
        super().begin()
        self.ladder_controls.begin()
        self.chains.begin()
        self.actions_changed.emit()

    # -- training ------------------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_training_status(self, status: Status) -> None:
        self.set_status(status)
        self.shown.set_held_out(self.trainer.held_out)

    def _show_network(self) -> None:
        """Let other pages know the network that there is now."""
        trainer = self.trainer
        if trainer.has_weights and trainer.run is not None and trainer.spec is not None:
            self._latest.set(Network(trainer.run, trainer.spec))
            # It may have its earlier self by now, which its chains are guided by.
            self.ladder_controls.renew_ladder()

    @Slot()
    def _on_weights(self) -> None:
        self._show_network()
        self.actions_changed.emit()

    @Slot()
    def _on_trained(self) -> None:
        self._show_network()
        self.set_status(Status())
        self._show_spec(self.experiment.spec)
        self.actions_changed.emit()

    # -- actions -------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """Return whether an action makes sense now."""
        match action:
            case "sample":
                return self.chains.can_request(self.experiment.spec)
            case "denoise":
                return self.chains.run_for(self.experiment.spec) is not None
            case "play":
                return self.chains.running
            case "step" | "back":
                return bool(self.gallery.films)
            case "restart":
                return self.chains.requested_before and self.chains.can_draw(self.experiment.spec)
            case _:
                return super().can(action)

    @property
    def playing(self) -> bool:
        """Whether chains are being denoised and not held."""
        return self.chains.playing

    def do_train(self) -> None:
        """Train a network with the present settings."""
        if self.can("train"):
            self.chains.forget()
            self.shown.losses_place.set_ready(True)
            self.trainer.start(self.experiment.spec)
            self._show_spec(self.experiment.spec)

    def do_sample(self) -> None:
        """Draw chains with the newest averaged weights; drawing the same again takes the next seed."""
        self.chains.draw_next()

    def do_denoise(self) -> None:
        """Take the network that chains are drawn with to the denoise page."""
        self.run_requested.emit(self.chains.run_for(self.experiment.spec), "denoise")

    def do_play(self) -> None:
        """Hold the chains, or let them go on."""
        self.chains.hold()

    def do_step(self) -> None:
        """Show the next picture of the film strip."""
        self.gallery.go(1)

    def do_back(self) -> None:
        """Show the picture of the film strip before."""
        self.gallery.go(-1)

    def do_restart(self) -> None:
        """Draw the same chains again from their first step."""
        self.chains.restart()

    def exports(self) -> list[Export]:
        """Return what can be written now."""
        return exports(self, self.gallery, self.trainer, self.shown, self.measuring.curve)

    def command(self) -> str:
        """Return the `msd` line that draws these chains, or that trains where nothing is trained yet."""
        spec = self.experiment.spec
        if self.trainer.fits(spec) and not is_exact(spec):
            return command(spec, "sample", run=str(self.trainer.run), trained=self.trainer.spec)
        return command(spec, "sample" if is_exact(spec) or self.chains.run_for(spec) is not None else "train")
