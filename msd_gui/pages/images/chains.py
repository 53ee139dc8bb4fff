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
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import GRACE_MS, Status
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.sampling.gallery import Gallery
from msd_gui.pages.training.page import Chains
from msd_gui.pages.training.trainer import Trainer
from msd_gui.session.made import Made
from msd_gui.session.resolve import Resolved

# Image chains need more time than chains in the plane.
_GRACE_MS = 2 * GRACE_MS
PREVIEW_CHAINS = 16
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
        self._wanted = False
        gallery.scrubber.set_branching(True)
        gallery.scrubber.branch_requested.connect(self._branch)
        gallery.requested.connect(self._on_requested)

    def drawable(self) -> tuple[ExperimentSpec, Path | None] | None:
        """Return the settings with the run to sample from; None if no chains can be drawn."""
        now = self._page.resolved
        return (now.spec, now.run) if now.serves and self._engine.ready else None

    # -- drawing -------------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Wait for the next request, because the training of another network starts."""
        self.made = None
        self._page.renew()

    def draw_if_new(self) -> None:
        """Draw chains if possible and not done yet."""
        if self.drawable() is not None and self.made != self._page.resolved.made:
            self._draw()

    def draw_next(self) -> None:
        """Draw chains with the newest averaged weights, and with the next seed if nothing else changed."""
        now = self._page.resolved
        if now.learning:
            self._wanted = True
            self._trainer.request_weights(WEIGHTS_EVERY_S)
        elif self.drawable() is not None and self.made == now.made:
            self._page.experiment.set(now.spec.with_next_seed())
        else:
            self._draw()

    def restart(self) -> None:
        """Draw the same chains again from their first step."""
        self.made = None
        self._draw()

    def leave(self, *, same: bool) -> None:
        """Draw nothing, because restored images are shown; `same` says that the present settings drew them."""
        self._wanted = False
        self._runner.drop()
        self.made = self._page.resolved.made if same else None

    def stop(self) -> None:
        """Stop the chains and cancel waiting ones."""
        self._wanted = False
        super().stop()

    def set_editing(self, editing: bool) -> None:
        """Set whether a slider is being dragged: a few chains show its effect, and all are drawn at the end."""
        self._editing = editing
        if not editing:
            self._draw_others()

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
        if self.made is None:
            return
        if self.made.spec.data.name != now.spec.data.name:
            # The old chains belong to other data.
            self._runner.drop()
            self.made = None
            self._gallery.clear()
            if now.exact:
                self.draw_if_new()
        elif now.made.chains != before.made.chains:
            self._draw_others()

    def _draw_others(self) -> None:
        """Draw chains if the settings of the last ones differ."""
        if self.made is not None and self._made_now().chains != self.made.chains:
            self._draw()

    def _made_now(self) -> Made:
        """Return the settings of new chains, with fewer chains while a slider is dragged."""
        made = self._page.resolved.made
        if not self._editing or made.spec.sampling.chains <= PREVIEW_CHAINS:
            return made
        # Chain i does not depend on the number of chains.
        return replace(made, spec=made.spec.replace("sampling.chains", PREVIEW_CHAINS))

    def _draw(self) -> None:
        made = self._made_now()
        if self.drawable() is None or (self.made == made and self._runner.running):
            return
        self.made = made
        job = self._engine.sample(made.spec, made.run, beside=self._trainer.running)
        self._runner.submit(job, grace_ms=_GRACE_MS if self._editing else 0)

    def use_weights(self) -> None:
        """Draw the chains that wait for newer weights."""
        if self._wanted and self._page.resolved.serves:
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
                self._gallery.begin(event.total, event.step, self.begun, event.spec_json)
            case Ladder():
                self.laddered.emit(self.begun, event)
            case ImageFrame() | FilmFrame() | Samples() | Verdicts():
                self._gallery.receive(event)
            case Progress() if not self._trainer.running:
                self._page.set_status(Status.of(event, "Sampling"))
            case Finished():
                self._on_end()

    def _on_end(self) -> None:
        if self._gallery.repeat.isChecked() and self._trainer.running and not self._page.resolved.exact:
            self._wanted = True
            self._trainer.request_weights(WEIGHTS_EVERY_S)
        elif not self._trainer.running:
            self._page.set_status(Status())
        self._page.actions_changed.emit()
