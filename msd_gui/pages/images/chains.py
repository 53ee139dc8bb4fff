"""The chains of the images page: when and with which network they are drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal, Slot

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
from msd_engine.specs import Branch, ExperimentSpec
from msd_engine.specs.experiment import same_data
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import Status
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.images.preview import PREVIEW_CHAINS, Preview
from msd_gui.pages.sampling.gallery import Gallery
from msd_gui.pages.training.page import Chains
from msd_gui.pages.training.trainer import Trainer
from msd_gui.session.made import Made
from msd_gui.session.resolve import Resolved

WEIGHTS_EVERY_S = 0.0


class ImageChains(Chains):
    """Draw chains for the settings of a page into its gallery.

    While a network for these settings is in training, chains wait for its newest weights.

    Attributes:
        laddered: Emitted with the settings and the `Ladder` of started chains.
    """

    laddered = Signal(object, object)

    def __init__(self, page: ResolvedPage, engine: Engine, trainer: Trainer, gallery: Gallery) -> None:
        super().__init__(page, engine, trainer)
        self._gallery = gallery
        self._editing = False
        self._cut = False
        self._wanted = False
        # Bound of the number of chains until the user asks for all of them; 0 for none.
        self._most = 0
        self._watched = False
        self._runner.running_changed.connect(self._on_running)
        self.preview = Preview(page, engine, gallery, self.drawable)
        gallery.scrubber.set_branching(True)
        gallery.scrubber.branch_requested.connect(self._branch)
        gallery.requested.connect(self._on_requested)
        gallery.repeat.toggled.connect(self.repeat)

    def drawable(self) -> tuple[ExperimentSpec, Path | None] | None:
        """Return the settings with the run to sample from; None if no chains can be drawn."""
        now = self._page.resolved
        return (now.spec, now.run) if now.serves and self._engine.ready else None

    # -- drawing -------------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Wait for the next request, because the training of another network starts."""
        if self._most:
            # Nobody asked for these chains: the training needs the processor.
            self._runner.stop()
        self.made, self._most = None, 0
        self._page.renew()

    def begin(self) -> None:
        """Draw chains unasked, if the page is visible and empty and a shipped network serves."""
        now = self._page.resolved
        shipped = now.in_use is not None and now.in_use.card is not None
        free = self._watched and self._gallery.restored is None and self.made is None and not self._trainer.running
        if free and shipped and self.drawable() is not None:
            self._most = PREVIEW_CHAINS
            self.made = self.requested
            self._runner.submit(self._engine.sample_at_first_sight(now.spec, now.run))

    def set_watched(self, watched: bool) -> None:
        """Set whether the page is visible."""
        self._watched = watched
        if watched:
            self.begin()

    def draw_if_new(self) -> None:
        """Draw all chains if possible and not done yet."""
        self._most = 0
        if self.drawable() is not None and self.made != self._page.resolved.made:
            self._draw()

    def draw_next(self) -> None:
        """Draw chains with the newest averaged weights, and with the next seed if nothing else changed."""
        now = self._page.resolved
        unasked, self._most = self._most > 0, 0
        if now.learning:
            self._wanted = True
            self._trainer.request_weights(WEIGHTS_EVERY_S)
        elif self.drawable() is not None and self.made == now.made and not unasked:
            self._page.experiment.set(now.spec.with_next_seed())
        else:
            self._draw()

    def restart(self) -> None:
        """Draw the same chains again from their first step."""
        self.made = None
        self._draw()

    def leave(self, *, same: bool) -> None:
        """Draw nothing, because restored images are shown; `same` says that the present settings drew them."""
        self._wanted, self._most = False, 0
        self._runner.drop()
        self.made = self._page.resolved.made if same else None

    def stop(self) -> None:
        """Stop the chains and cancel waiting ones."""
        self._wanted = False
        super().stop()

    def set_editing(self, editing: bool) -> None:
        """Set whether a slider is being dragged: previews show its effect, and all chains are drawn at the end."""
        self._editing = editing
        if not editing:
            self.preview.end()
            self._draw_others()
            if self._wanted:
                self._trainer.request_weights(WEIGHTS_EVERY_S)

    @Slot()
    def _on_requested(self) -> None:
        """Draw chains; if no network fits, apply the remedy of the button first."""
        problem = self._page.resolved.problem
        if problem is not None:
            self._page.carry_out(problem.remedies[0])
        if self._page.can("sample"):
            self.draw_next()

    def follow(self, before: Resolved) -> None:
        """Draw existing chains again if the change since `before` affects them and a denoiser is available."""
        now = self._page.resolved
        if now.spec.sampling.chains != before.spec.sampling.chains:
            self._most = 0
        if self.made is None:
            if not same_data(now.spec, before.spec):
                self.begin()
            return
        if not same_data(self.made.spec, now.spec):
            # The old chains belong to other data.
            self._runner.drop()
            self.made, self._most = None, 0
            self._gallery.clear()
            if now.exact:
                self.draw_if_new()
            else:
                self.begin()
        elif now.made.chains != before.made.chains:
            self._draw_others()

    def _draw_others(self) -> None:
        """Draw chains if the settings of the last ones differ, or if a preview has cut them off."""
        now = self.requested
        if self.made is None or (now.chains == self.made.chains and not self._cut):
            return
        if not self._editing:
            self._draw()
        elif self.drawable() is not None:
            self._cut = self._cut or self._runner.running
            self._runner.drop()
            self.preview.draw()

    @property
    def requested(self) -> Made:
        """The settings and the network of the page, with fewer chains until the user asks for all."""
        made = self._page.resolved.made
        return _at_most(self._most, made) if self._most else made

    def _draw(self) -> None:
        made = self.requested
        if self.drawable() is None or (self.made == made and self._runner.running):
            return
        self.made, self._cut = made, False
        self._runner.submit(self._engine.sample(made.spec, made.run, beside=self._trainer.running))

    @Slot()
    def repeat(self) -> None:
        """Draw chains with the first and all newer weights of a running training, if the user wants them."""
        if self._gallery.repeat.isChecked() and self._trainer.running and self._page.resolved.learning:
            self.draw_next()
        elif self._repeats_watched():
            self._draw()

    def _repeats_watched(self) -> bool:
        """Whether each newer network of a followed training is to draw chains."""
        return self._gallery.repeat.isChecked() and self._trainer.watching

    def use_weights(self) -> None:
        """Draw the chains that wait for newer weights."""
        if (self._wanted or self._repeats_watched()) and not self._editing and self._page.resolved.serves:
            self._wanted = False
            self._draw()

    @Slot(object)
    def _branch(self, start: Branch) -> None:
        """Continue chains from a kept state with the present settings."""
        drawable = self.drawable()
        if drawable is None:
            self._page.noticed.emit("No network fits these settings: see the card at the right.")
        else:
            self._runner.submit(self._engine.chain_task("draw", *drawable, start=start))

    # -- events --------------------------------------------------------------------------------------------------------

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self._begin(event)
                if self._most and self.made is not None and not self._editing:
                    self._most = self.begun.spec.sampling.chains
                    self.made = replace(self.made, spec=self.made.spec.replace("sampling.chains", self._most))
                self._gallery.begin(event.total, event.step, self.begun, event.spec_json)
            case Ladder():
                self.laddered.emit(self.begun, event)
            case ImageFrame() | FilmFrame() | Samples() | Verdicts():
                self._gallery.receive(event)
            case Progress():
                self.preview.measure(event)
                if not self._trainer.running:
                    self._page.set_status(Status.of(event, "Sampling"))
            case Finished():
                self._on_end()

    @Slot(bool)
    def _on_running(self, running: bool) -> None:
        if not running and not self._trainer.running:
            self._page.set_status(Status())

    def _on_end(self) -> None:
        if self._gallery.repeat.isChecked() and self._trainer.running and not self._page.resolved.exact:
            self._wanted = True
            self._trainer.request_weights(WEIGHTS_EVERY_S)
        self._page.actions_changed.emit()


def _at_most(chains: int, made: Made) -> Made:
    """Bound the number of chains; chain i does not depend on it."""
    if made.spec.sampling.chains <= chains:
        return made
    return replace(made, spec=made.spec.replace("sampling.chains", chains))
