"""The images page: train a k-sample denoiser on real images, and sample new images."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Slot

from msd_engine.events import RestoredImages, RestoredPoints
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Engine
from msd_gui.pages.advice.adviser import Adviser
from msd_gui.pages.advice.why import Why
from msd_gui.pages.base import layout
from msd_gui.pages.base.page import Export, Status
from msd_gui.pages.images.chains import ImageChains
from msd_gui.pages.images.exports import exports
from msd_gui.pages.images.fields_shown import GROUPS
from msd_gui.pages.images.pictures import PicturesRow
from msd_gui.pages.images.strip import ShippedStrip
from msd_gui.pages.quality.judge import JudgeButton
from msd_gui.pages.quality.panel import Measuring
from msd_gui.pages.quality.survival import SurvivalPanel
from msd_gui.pages.sampling.controls import SamplingControls, show_fields
from msd_gui.pages.sampling.gallery import Gallery
from msd_gui.pages.sampling.networks import NetworkCard, NetworkRow
from msd_gui.pages.sampling.search import ChainSearch
from msd_gui.pages.training.page import TrainingPage
from msd_gui.pages.training.shown import TrainingShown
from msd_gui.pages.training.trainer import Trainer
from msd_gui.session.command import command
from msd_gui.session.experiment import Experiment
from msd_gui.session.networks import NetworkStore
from msd_gui.session.resolve import Resolved
from msd_gui.widgets.panels.spec_form import SpecForm


class ImagesPage(TrainingPage):
    """Training on images, and image chains."""

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

    def __init__(self, experiment: Experiment, engine: Engine, clock: ScreenClock, store: NetworkStore) -> None:
        super().__init__(experiment, engine, clock, store)
        self._build()
        self.ladder_controls = SamplingControls(self, engine, self.form, drawn=lambda: self.chains.drawn)
        self.search = ChainSearch(self, self.engine, self.form)
        self.chains.laddered.connect(self.ladder_controls.set_drawn_ladder)
        self.ladder_controls.ladder_ready.connect(self.adviser.set_ladder)
        self._connect()
        self.renew()
        self.show_resolved(self.resolved)

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.form = SpecForm(GROUPS, self.experiment.spec)
        self.form.section("Noise").set_open(False)
        self.form.section("More of training").set_open(False)
        self.shown = TrainingShown(self)
        self.gallery = Gallery()
        self.survival = SurvivalPanel()
        self.adviser = Adviser(self.experiment, self)
        self.card = NetworkCard()
        self.network = NetworkRow()
        self.pictures = PicturesRow()
        self.form.add_below("data.name", self.pictures, self.pictures.button)
        self.form.add_below("sampling.source", self.network, self.network.combo)
        self.trainer = Trainer(self, self.engine, self.shown.losses)
        self.chains = ImageChains(self, self.engine, self.trainer, self.gallery)
        self.strip = ShippedStrip(self, self.engine, self.trainer, self.shown)
        self.why = Why(self, self.engine, self.adviser)
        self.judging = JudgeButton(self, self.engine, self.gallery)
        self.measuring = Measuring(self, self.engine, self.chains.drawable, self.gallery.images)
        shown = self.shown
        middle = layout.column(shown.strip_heading, shown.strip_place, self.gallery, stretch=(0, 0, 1))
        figures = layout.column(
            self.card,
            self.adviser.cards,
            shown.losses_panel,
            shown.bands_panel,
            self.survival,
            self.judging,
            self.measuring,
        )
        layout.lay_out(self, self.form, middle, figures)
        self.add_export_menu(shown.strip, self.gallery.grid, self.gallery.film, shown.losses, shown.bands)
        self.add_export_menu(self.measuring.curve.view, self.measuring.shares, self.measuring.near)

    def _connect(self) -> None:
        self.form.edited.connect(self._edited)
        self.form.editing_started.connect(self._begin_edit)
        self.form.editing_finished.connect(self._end_edit)
        self.strip.wanted.connect(self.do_train)
        self.gallery.judged.connect(lambda event: self.survival.add(event, self.gallery.made))
        self.gallery.cleared.connect(self.survival.clear)
        self.gallery.judged.connect(lambda event: self.adviser.set_verdicts(event, self.gallery.made))
        self.measuring.measured.connect(self.adviser.set_quality)
        self.gallery.grid.chosen.connect(self.measuring.choose)
        self.actions_changed.connect(self.measuring.update_button)
        self.card.remedy.connect(self.carry_out)
        self.network.chosen.connect(self.use)
        self.pictures.chosen.connect(lambda path: self.run_requested.emit(path, ""))
        self.network.opened.connect(self.open_folder)
        self.trainer.began.connect(self.shown.begin)
        self.trainer.strip.connect(self.shown.set_strip)
        self.connect_trainer()
        self.trainer.progressed.connect(self._on_training_status)

    # -- the spec ------------------------------------------------------------------------------------------------------

    @Slot(object, str)
    def _edited(self, spec: ExperimentSpec, path: str) -> None:
        if path == "data.name":
            if spec.get(path) == "folder":
                # Its settings follow from the pictures.
                self.form.setValue(self.experiment.spec)
                self.pictures.choose()
                return
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

    def show_resolved(self, before: Resolved) -> None:
        """Show the settings, the denoiser, and the allowed actions."""
        now = self.resolved
        self.form.set_reset(self.experiment.reset_spec)
        self.form.setValue(now.spec)
        show_fields(self.form, now, allowed=[("data.name", "folder")])
        self.card.show_problem(now.card)
        self.network.show_resolved(now)
        self.pictures.show_data(now.spec.data)
        self.gallery.set_placeholder(now.placeholder, now.problem.remedies[0].label if now.problem else "Sample")
        self.measuring.show_beside(now.spec)
        self.measuring.why_not = self.why_not("sample")
        self.measuring.update_button()
        self.search.update_button()
        self.chains.follow(before)
        if now.spec.data.name != before.spec.data.name and self.gallery.restored is not None:
            self.gallery.clear()
        self.strip.show_resolved(now)
        self.gallery.set_beside(self.chains.requested, drawing=self.chains.running or self.chains.preview.shown)
        self.survival.set_older(self.gallery.older())
        self.adviser.set_beside(now.made)
        self.why.follow()

    def has_states(self) -> bool:
        """Check whether the film strip has frames."""
        return bool(self.gallery.films)

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show another experiment; with a run, its network can sample at once."""
        if run is None:
            self.show_experiment(spec)
        else:
            self.open_run(spec, run)
        if run is not None or self.resolved.exact:
            self.chains.draw_if_new()
        else:
            self.chains.begin()

    def show_restored(self, event: RestoredImages | RestoredPoints) -> None:
        """Show the images of an opened file instead of new chains."""
        if not isinstance(event, RestoredImages):
            return
        self.chains.leave(same=bool(event.run))
        self.gallery.show_restored(event)
        self.gallery.set_beside(self.resolved.made, drawing=False)

    def begin(self) -> None:
        """Start when the engine is ready: draw chains with the exact score, or a few with a shipped network."""
        self.renew()
        self.ladder_controls.begin()
        if self.resolved.exact:
            self.chains.draw_if_new()
        self.strip.show_resolved(self.resolved)
        self.chains.begin()
        self.actions_changed.emit()

    def set_watched(self, watched: bool) -> None:
        """Draw the first chains and the strip when the page is visible for the first time."""
        super().set_watched(watched)
        self.strip.set_watched(watched)
        self.chains.set_watched(watched)

    def files_changed(self) -> None:
        """Show the held-out images of a data set that was missing."""
        self.strip.retry()

    # -- training ------------------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_training_status(self, status: Status) -> None:
        self.set_status(status)
        self.shown.set_held_out(self.trainer.held_out)

    @Slot()
    def use_weights(self) -> None:
        """Use the newest weights, and draw the chains that wait for them."""
        super().use_weights()
        # The run may now have the earlier weights that guidance needs.
        self.ladder_controls.renew_ladder()
        self.chains.use_weights()
        self.actions_changed.emit()

    # -- actions -------------------------------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether chains are being drawn and not paused."""
        return self.chains.playing

    def do_train(self) -> None:
        """Train a network with the present settings."""
        if self.can("train"):
            self.chains.forget()
            super().do_train()
            self.shown.losses_panel.show()
            self.chains.repeat()

    def do_resume(self) -> None:
        """Resume the stopped run."""
        super().do_resume()
        self.chains.repeat()

    def do_sample(self) -> None:
        """Draw chains with the newest averaged weights, and with the next seed if nothing else changed."""
        self.chains.draw_next()

    def do_denoise(self) -> None:
        """Open the network of the chains on the denoise page."""
        self.run_requested.emit(self.resolved.run, "denoise")

    def do_play(self) -> None:
        """Pause or continue the chains."""
        self.chains.hold()

    def do_step(self) -> None:
        """Show the next kept state."""
        self.gallery.go(1)

    def do_back(self) -> None:
        """Show the previous kept state."""
        self.gallery.go(-1)

    def do_restart(self) -> None:
        """Draw the same chains again from their first step."""
        self.chains.restart()

    def exports(self) -> list[Export]:
        """List the exports available now."""
        return exports(self, self.gallery, self.trainer, self.shown, self.measuring)

    def command(self) -> str:
        """Build the `msd` command that draws these chains, or trains if there is no network yet."""
        now = self.resolved
        if now.in_use is not None and now.in_use.card is None:
            return command(now.spec, "sample", run=str(now.in_use.folder), trained=now.in_use.spec)
        return command(now.spec, "sample" if now.serves else "train")
