"""The images page: train a k-sample denoiser on real images, and watch chains become new ones."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Slot

from msd_engine.events import (
    Event,
    Failed,
    FilmFrame,
    Finished,
    HeldOutLoss,
    ImageFrame,
    Progress,
    Samples,
    Started,
    StripFrame,
    Verdicts,
)
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.launch import Launch
from msd_gui.pages import frame, images_exports
from msd_gui.pages.adviser import Adviser
from msd_gui.pages.brancher import Brancher
from msd_gui.pages.controls import IMAGES_GROUPS
from msd_gui.pages.gallery import Gallery
from msd_gui.pages.loss_options import LossOptions
from msd_gui.pages.measuring import Measuring
from msd_gui.pages.page import ExperimentPage, Export, Status
from msd_gui.pages.pretrained import PretrainedChip
from msd_gui.pages.sampling import SamplingControls
from msd_gui.pages.sources import is_exact, other_chains
from msd_gui.pages.training import Trainer
from msd_gui.pages.yields import YieldPanel
from msd_gui.session.command import command
from msd_gui.session.experiment import Experiment
from msd_gui.views.bands import BandView
from msd_gui.views.losses import LossView
from msd_gui.views.strip import HeldOutView
from msd_gui.widgets.card import Card
from msd_gui.widgets.spec_form import SpecForm

GRACE_MS = 800
PREVIEW_CHAINS = 16
WEIGHTS_EVERY_S = 0.0


class ImagesPage(ExperimentPage):
    """Training on images, and chains of images."""

    title = "Images"
    presets = ("digits-30s", "digits-exact", "mnist-2min", "fashion-2min", "cifar10-20min", "report-mnist")

    def __init__(self, experiment: Experiment, launch: Launch, clock: ScreenClock) -> None:
        super().__init__(experiment, launch, clock)
        self.held_out: StripFrame | None = None
        self._bands_of: HeldOutLoss | None = None
        self._ready = False
        self._editing = False
        self._paused = False
        self._wanted = False
        self._sampled: tuple[ExperimentSpec, int] | None = None
        self._sampler = self.runner(self._on_sampling)
        self._build()
        self.trainer = Trainer(self, launch, self.losses)
        self.way = SamplingControls(self, launch, self.form, "Ladder", asks=True)
        self._connect()
        self._show_spec(experiment.spec)

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.form = SpecForm(IMAGES_GROUPS, self.experiment.spec)
        self.form.section("More of training").set_open(False)
        self.strip = HeldOutView()
        self.gallery = Gallery()
        self.losses = LossView()
        self.bands = BandView()
        self.strip_place = frame.awaiting(
            self.strip,
            "Press Train: a fixed strip of held-out images appears here, clean, noisy and denoised, and gets better "
            "as training goes on.",
            "Train",
            222,
        )
        self.losses_place = frame.awaiting(self.losses, "Training and held-out loss will be drawn here.", "", 230)
        self.bands_place = frame.awaiting(self.bands, "The held-out error at each σ_eff will be drawn here.", "", 190)
        self.yields = YieldPanel()
        self.adviser = Adviser(self.experiment, self)
        self.card = Card("info", "", "", dismissible=False)
        self.card.hide()
        self.pretrained = PretrainedChip()
        self.measuring = Measuring(self, self.launch, self._measurable, self.gallery.images)
        middle = frame.column(frame.heading("Held-out images"), self.strip_place, self.gallery, stretch=(0, 0, 1))
        figures = frame.column(
            self.card,
            self.adviser.cards,
            self.pretrained,
            frame.heading("Loss"),
            self.losses_place,
            LossOptions(self.losses),
            frame.heading("Error by noise"),
            self.bands_place,
            self.yields,
            self.measuring,
        )
        frame.lay_out(self, self.form, middle, figures)

        self.offer_menu(self.strip, self.gallery.grid, self.gallery.film, self.losses, self.bands)

    def _connect(self) -> None:
        self.form.edited.connect(self._edited)
        self.form.editing_started.connect(self._begin_edit)
        self.form.editing_finished.connect(self._end_edit)
        self.experiment.changed.connect(self._spec_changed)
        self.strip_place.placeholder.asked.connect(self.do_train)
        Brancher(self, self._sampler, self.gallery.scrubber, lambda: (self.experiment.spec, self.trainer.run))
        self.gallery.asked.connect(self._ask_chains)
        self.gallery.judged.connect(self.yields.take)
        self.gallery.judged.connect(self.adviser.take_verdicts)
        self.gallery.grid.chosen.connect(self.measuring.choose)
        self.actions_changed.connect(self.measuring.update_button)
        self.card.action.connect(self.do_train)
        self.trainer.strip.connect(self._on_strip)
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
        self._editing = True
        self.experiment.begin_edit()

    @Slot()
    def _end_edit(self) -> None:
        self._editing = False
        self.experiment.end_edit()
        self._resample()

    @Slot(object)
    def _spec_changed(self, spec: ExperimentSpec) -> None:
        self._show_spec(spec)
        if self._sampled is not None and other_chains(self._sampled[0], spec):
            self._resample()

    def _show_spec(self, spec: ExperimentSpec) -> None:
        self.form.set_reset(self.experiment.reset_spec)
        self.form.setValue(spec)
        self.way.show(spec)
        uniform = spec.noise.law == "uniform-t"
        for path in ("noise.log_mean", "noise.log_std"):
            self.form.set_enabled(path, not uniform, "Belongs to the log-normal law.")
        stale = self.trainer.has_weights and not is_exact(spec) and not self.trainer.same_network(spec)
        self.card.setVisible(stale)
        if stale:
            self.card.set_message(
                "info", "Another network", "Data, copies, network or form have changed: train again.", "Train"
            )
        self.pretrained.offer(spec, in_use=not is_exact(spec) and not self.trainer.fits(spec))
        self.measuring.update_button()

    def load(self, spec: ExperimentSpec, run: Path | None = None) -> None:
        """Show another experiment; with a run, its network can sample at once."""
        if run is not None:
            self.trainer.adopt(run, spec)
        self.experiment.load(spec)
        self.actions_changed.emit()
        if run is not None and self._ready:
            self.do_sample()
        elif is_exact(spec):
            self._sample_at_once()

    # -- sampling ------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Allow training once the engine is there."""
        self._ready = True
        self.way.begin()
        self.actions_changed.emit()
        if is_exact(self.experiment.spec):
            self._sample_at_once()

    def _drawable(self, spec: ExperimentSpec) -> bool:
        """Return whether chains of a spec can be drawn now."""
        return self._ready and (is_exact(spec) or self._run_for(spec) is not None)

    def _run_for(self, spec: ExperimentSpec) -> Path | None:
        """Return the run to sample from, a pretrained model where the trained network does not fit."""
        if is_exact(spec):
            return None
        return self.trainer.run if self.trainer.fits(spec) else self.pretrained.folder_for(spec)

    def _measurable(self) -> tuple[ExperimentSpec, Path | None] | None:
        spec = self.experiment.spec
        return (spec, self._run_for(spec)) if self._drawable(spec) else None

    def _weights(self, spec: ExperimentSpec) -> int:
        """Return the step of the weights that a spec samples with, 0 for none."""
        return self.trainer.step if self.trainer.fits(spec) and not is_exact(spec) else 0

    def _sample_at_once(self) -> None:
        """Draw chains where they can be and are not there yet."""
        spec = self.experiment.spec
        if self._drawable(spec) and self._sampled != (spec, self._weights(spec)):
            self._sample(spec)

    @Slot()
    def _ask_chains(self) -> None:
        """Draw chains; without a network, with the exact score of the images."""
        if not self.can("sample"):
            self.experiment.set(self.experiment.spec.replace("sampling.source", "exact"))
            self.noticed.emit("No network has been trained yet: the chains follow the exact score of the images.")
        self.do_sample()

    def _resample(self) -> None:
        """Draw the chains anew if chains were asked for before and the network fits."""
        spec = self.experiment.spec
        if self._sampled is None or not self._drawable(spec):
            return
        self._sample(spec)

    def _sample(self, spec: ExperimentSpec) -> None:
        if self._editing and spec.sampling.chains > PREVIEW_CHAINS:
            # Chain i is the same whatever their number: a few of them show the effect of a dragged slider sooner.
            spec = spec.replace("sampling.chains", PREVIEW_CHAINS)
        step = self._weights(spec)
        if self._sampled == (spec, step) and self._sampler.running:
            return
        self._sampled = (spec, step)
        self._paused = False
        job = self.launch.sample(spec, self._run_for(spec), beside=self.trainer.running)
        self._sampler.submit(job, grace_ms=GRACE_MS if self._editing else 0)

    @Slot(object)
    def _on_sampling(self, event: Event) -> None:
        match event:
            case Started():
                self.gallery.begin(event.total, event.step)
            case ImageFrame() | FilmFrame() | Samples() | Verdicts():
                self.gallery.take(event)
            case Progress() if not self.trainer.running:
                self._sampling_status(event)
            case Finished():
                self._on_sampled()
            case Failed():
                self.show_failure(event)
            case _:
                pass

    def _sampling_status(self, event: Progress) -> None:
        fraction = event.step / event.total if event.total else None
        self.set_status(
            Status(f"Sampling, step {event.step} of {event.total}", f"{event.rate:.1f} steps/s", fraction, event.left_s)
        )

    def _on_sampled(self) -> None:
        if self.gallery.repeat.isChecked() and self.trainer.running and not is_exact(self.experiment.spec):
            self._wanted = True
            self.trainer.ask_weights(WEIGHTS_EVERY_S)
        elif not self.trainer.running:
            self.set_status(Status())
        self.actions_changed.emit()

    # -- training ------------------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_strip(self, event: StripFrame) -> None:
        self.held_out = event
        self.strip_place.set_ready(True)
        self.strip.set_strip(event.clean, event.noisy, event.x_hat, event.sigma, event.error)

    @Slot(object)
    def _on_training_status(self, status: Status) -> None:
        self.set_status(status)
        held_out = self.trainer.held_out
        if held_out is not None and held_out is not self._bands_of:
            self._bands_of = held_out
            self.bands_place.set_ready(True)
            self.bands.set_bands(held_out.band_sigma_eff, held_out.band_loss, held_out.band_mmse)

    @Slot()
    def _on_weights(self) -> None:
        if self._wanted and self.trainer.fits(self.experiment.spec):
            self._wanted = False
            self._sample(self.experiment.spec)
        self.actions_changed.emit()

    @Slot()
    def _on_trained(self) -> None:
        self.set_status(Status())
        self._show_spec(self.experiment.spec)
        self.actions_changed.emit()

    # -- actions -------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """Return whether an action makes sense now."""
        match action:
            case "train":
                return self._ready and not self.trainer.running
            case "resume":
                return self.trainer.can_resume and self.trainer.same_network(self.experiment.spec)
            case "sample":
                spec = self.experiment.spec
                learning = self.trainer.running and self.trainer.same_network(spec)
                return self._drawable(spec) or (self._ready and learning)
            case "stop":
                return self.trainer.running or self._sampler.running
            case "play":
                return self._sampler.running
            case "step" | "back":
                return bool(self.gallery.films)
            case "restart":
                return self._sampled is not None and self._drawable(self.experiment.spec)
            case _:
                return False

    @property
    def playing(self) -> bool:
        """Whether chains are being denoised and not held."""
        return self._sampler.running and not self._paused

    def do_train(self) -> None:
        """Train a network with the present settings."""
        if self.can("train"):
            self._sampled = None
            self.losses_place.set_ready(True)
            self.trainer.start(self.experiment.spec)
            self._show_spec(self.experiment.spec)

    def do_resume(self) -> None:
        """Go on with the stopped run."""
        self.trainer.resume(self.experiment.spec)

    def do_stop(self) -> None:
        """Stop training and sampling."""
        self._wanted = False
        self.trainer.stop()
        self._sampler.stop()

    def do_sample(self) -> None:
        """Draw chains with the newest averaged weights; drawing the same again takes the next seed."""
        if not self.can("sample"):
            return
        spec = self.experiment.spec
        if self.trainer.running and self.trainer.same_network(spec) and not is_exact(spec):
            self._wanted = True
            self.trainer.ask_weights(WEIGHTS_EVERY_S)
        elif self._sampled == (spec, self._weights(spec)):
            self.experiment.set(spec.replace("sampling.seed", (spec.sampling.seed + 1) % 2**31))
        else:
            self._sample(spec)

    def do_play(self) -> None:
        """Hold the chains, or let them go on."""
        self._paused = not self._paused
        (self._sampler.live.pause if self._paused else self._sampler.live.resume)()

    def do_step(self) -> None:
        """Show the next picture of the film strip."""
        self.gallery.go(1)

    def do_back(self) -> None:
        """Show the picture of the film strip before."""
        self.gallery.go(-1)

    def do_restart(self) -> None:
        """Draw the same chains again from their first step."""
        if self._sampled is not None:
            self._sampled = None
            self._sample(self.experiment.spec)

    def exports(self) -> list[Export]:
        """Return what can be written now."""
        return images_exports.exports(self)

    def command(self) -> str:
        """Return the `msd` line that draws these chains, or that trains where nothing is trained yet."""
        spec = self.experiment.spec
        if self.trainer.fits(spec) and not is_exact(spec):
            return command(spec, "sample", run=str(self.trainer.run))
        return command(spec, "sample" if is_exact(spec) or self._run_for(spec) is not None else "train")
