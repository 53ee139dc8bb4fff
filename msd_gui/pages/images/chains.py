"""The chains of the images page: when they are drawn, with whose score, and what the page is told of them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from msd_engine.events import (
    Event,
    FilmFrame,
    Finished,
    ImageFrame,
    Ladder,
    Progress,
    Samples,
    Started,
    Verdicts,
)
from msd_engine.specs import Branch, ExperimentSpec, pretrained_for
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.chains import is_exact, other_chains
from msd_gui.pages.base.page import GRACE_MS, ExperimentPage, Status
from msd_gui.pages.sampling.gallery import Gallery
from msd_gui.pages.sampling.pretrained import PretrainedChip, model_title
from msd_gui.pages.training.trainer import Trainer

# Chains of images take longer than those in the plane.
_GRACE_MS = 2 * GRACE_MS
PREVIEW_CHAINS = 16
WEIGHTS_EVERY_S = 0.0


class ImageChains(QObject):
    """Draws chains for the spec of a page into its gallery.

    The network is the one that was trained or opened last where it fits, else a pretrained one; the exact score needs
    none. While a network of the spec is being trained, chains wait for its newest weights.

    Attributes:
        laddered: Emitted with the spec of chains and the `Ladder` that they go down.
    """

    laddered = Signal(object, object)

    def __init__(
        self, page: ExperimentPage, engine: Engine, gallery: Gallery, trainer: Trainer, chip: PretrainedChip
    ) -> None:
        """Draw nothing yet.

        Args:
            page: Owner of the runner; told of progress and failures.
            engine: Makes the jobs.
            gallery: Shows the chains.
            trainer: Has the network, and may be training it.
            chip: Knows the pretrained models.
        """
        super().__init__(page)
        self._page, self._engine, self._gallery, self._trainer, self._chip = page, engine, gallery, trainer, chip
        self._ready = False
        self._editing = False
        self._wanted = False
        self._sampled: tuple[ExperimentSpec, int] | None = None
        self._runner = page.runner(self._show)
        gallery.scrubber.set_branching(True)
        gallery.scrubber.branch_requested.connect(self._branch)
        page.experiment.changed.connect(self._spec_changed)
        trainer.checkpointed.connect(self._on_weights)
        gallery.requested.connect(self._ask)

    # -- what can be drawn ---------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether chains are being drawn."""
        return self._runner.running

    @property
    def playing(self) -> bool:
        """Whether chains are being drawn and not held."""
        return self._runner.running and not self._runner.held

    @property
    def drawn(self) -> ExperimentSpec | None:
        """The spec of the chains that are being drawn, None where none are."""
        return self._sampled[0] if self._runner.running and self._sampled is not None else None

    @property
    def requested_before(self) -> bool:
        """Whether chains were drawn since the last training began."""
        return self._sampled is not None

    def run_for(self, spec: ExperimentSpec) -> Path | None:
        """Return the run to sample from, a pretrained model where the trained network does not fit."""
        if is_exact(spec):
            return None
        return self._trainer.run if self._trainer.fits(spec) else self._chip.folder_for(spec)

    def can_draw(self, spec: ExperimentSpec) -> bool:
        """Return whether chains of a spec can be drawn now."""
        return self._ready and (is_exact(spec) or self.run_for(spec) is not None)

    def can_request(self, spec: ExperimentSpec) -> bool:
        """Return whether chains of a spec can be drawn now, or as soon as the network in training has weights."""
        return self.can_draw(spec) or (self._ready and self._learning(spec))

    def set_placeholder(self, spec: ExperimentSpec) -> str:
        """Say what will be in the empty grid, and whose score makes it."""
        if is_exact(spec):
            score = "with the exact score of the images"
        elif self._trainer.fits(spec) or self._learning(spec):
            score = "by the network of this page"
        elif (card := pretrained_for(spec)) is not None:
            score = f"by the pretrained model {model_title(card)}, until you train a network"
        else:
            score = "with the exact score of the images, until you train a network"
        return f"Press Sample: chains are denoised here into new images {score}."

    def drawable(self) -> tuple[ExperimentSpec, Path | None] | None:
        """Return the present settings with the run to sample from; None where nothing can be drawn."""
        spec = self._page.experiment.spec
        return (spec, self.run_for(spec)) if self.can_draw(spec) else None

    def _learning(self, spec: ExperimentSpec) -> bool:
        return self._trainer.running and self._trainer.same_network(spec)

    def _weights(self, spec: ExperimentSpec) -> int:
        """Return the step of the weights that a spec samples with, 0 for none."""
        return self._trainer.step if self._trainer.fits(spec) and not is_exact(spec) else 0

    # -- drawing -------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Allow drawing once the engine is there; exact chains begin at once."""
        self._ready = True
        if is_exact(self._page.experiment.spec):
            self.draw_if_new()

    def forget(self) -> None:
        """Wait to be asked again: another network is being trained."""
        self._sampled = None

    def draw_if_new(self) -> None:
        """Draw chains where they can be and are not there yet."""
        spec = self._page.experiment.spec
        if self.can_draw(spec) and self._sampled != (spec, self._weights(spec)):
            self._draw(spec)

    def draw_next(self) -> None:
        """Draw chains with the newest averaged weights; drawing the same again takes the next seed."""
        spec = self._page.experiment.spec
        if not self.can_request(spec):
            return
        if self._learning(spec) and not is_exact(spec):
            self._wanted = True
            self._trainer.request_weights(WEIGHTS_EVERY_S)
        elif self._sampled == (spec, self._weights(spec)):
            self._page.experiment.set(spec.with_next_seed())
        else:
            self._draw(spec)

    def restart(self) -> None:
        """Draw the same chains again from their first step."""
        if self._sampled is not None:
            self._sampled = None
            self._draw(self._page.experiment.spec)

    def hold(self) -> None:
        """Hold the chains, or let them go on."""
        self._runner.hold()

    def stop(self) -> None:
        """Stop the chains, and want no others."""
        self._wanted = False
        self._runner.stop()

    def set_editing(self, editing: bool) -> None:
        """Say whether a slider is being dragged: a few chains show what it does; all of them come at its end."""
        self._editing = editing
        if not editing:
            self._draw_again()

    @Slot()
    def _ask(self) -> None:
        """Draw chains; without a network, with the exact score of the images."""
        experiment = self._page.experiment
        if not self.can_request(experiment.spec):
            experiment.set(experiment.spec.replace("sampling.source", "exact"))
            self._page.noticed.emit("No network has been trained yet: the chains follow the exact score of the images.")
        self.draw_next()

    @Slot(object)
    def _spec_changed(self, spec: ExperimentSpec) -> None:
        if self._sampled is None:
            return
        before = self._sampled[0]
        if before.data.name != spec.data.name:
            # Chains of other data would stand beside these settings.
            self._runner.drop()
            self._sampled = None
            self._gallery.clear()
            if is_exact(spec):
                self.draw_if_new()
        elif other_chains(before, spec):
            self._draw_again()

    def _draw_again(self) -> None:
        """Draw the chains anew if chains were asked for before and the network fits."""
        spec = self._page.experiment.spec
        if self._sampled is not None and self.can_draw(spec):
            self._draw(spec)

    def _draw(self, spec: ExperimentSpec) -> None:
        if self._editing and spec.sampling.chains > PREVIEW_CHAINS:
            # Chain i is the same whatever their number: a few of them show the effect of a dragged slider sooner.
            spec = spec.replace("sampling.chains", PREVIEW_CHAINS)
        step = self._weights(spec)
        if self._sampled == (spec, step) and self._runner.running:
            return
        self._sampled = (spec, step)
        job = self._engine.sample(spec, self.run_for(spec), beside=self._trainer.running)
        self._runner.submit(job, grace_ms=_GRACE_MS if self._editing else 0)

    @Slot()
    def _on_weights(self) -> None:
        if self._wanted and self._trainer.fits(self._page.experiment.spec):
            self._wanted = False
            self._draw(self._page.experiment.spec)

    @Slot(object)
    def _branch(self, start: Branch) -> None:
        """Let the chains go on from a kept state with the present settings."""
        drawable = self.drawable()
        if drawable is None:
            self._page.noticed.emit("No network fits these settings: train one, or go back to those of the chains.")
        else:
            self._runner.submit(self._engine.chain_task("draw", *drawable, start=start))

    # -- what chains tell ----------------------------------------------------------------------------------------------

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self._gallery.begin(event.total, event.step, event.spec_json)
            case Ladder():
                self.laddered.emit(ExperimentSpec.from_json(self._gallery.spec_json), event)
            case ImageFrame() | FilmFrame() | Samples() | Verdicts():
                self._gallery.take(event)
            case Progress() if not self._trainer.running:
                self._page.set_status(Status.of(event, "Sampling"))
            case Finished():
                self._on_end()

    def _on_end(self) -> None:
        if self._gallery.repeat.isChecked() and self._trainer.running and not is_exact(self._page.experiment.spec):
            self._wanted = True
            self._trainer.request_weights(WEIGHTS_EVERY_S)
        elif not self._trainer.running:
            self._page.set_status(Status())
        self._page.actions_changed.emit()
