"""The chains of the mixture page: when they are drawn, with which score, and their events."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot

from msd_engine.events import ChainReport, ChainSegment, Event, Finished, Ladder, Modes, Samples, Started
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import GRACE_MS, Status
from msd_gui.pages.base.resolved import ResolvedPage
from msd_gui.pages.training.page import Chains
from msd_gui.pages.training.trainer import Trainer
from msd_gui.session.resolve import Resolved


class PlaneChains(Chains):
    """Draws chains for the spec of a page as soon as it changes.

    Attributes:
        began: Emitted with their settings as JSON when other chains begin.
        ladder_ready: Emitted with what they are made with, and the `Ladder` that they go down.
        grown: Emitted with each `ChainSegment`.
        modes_ready: Emitted with the `Modes` that they draw from.
        ended: Emitted with what chains were made with that have come to their end, and their last `ChainReport`.
        samples: The chains that have come to their end last; None for none.
        report: Their figures.
    """

    began = Signal(str)
    ladder_ready = Signal(object, object)
    grown = Signal(object)
    modes_ready = Signal(object)
    ended = Signal(object, object)

    def __init__(self, page: ResolvedPage, engine: Engine, trainer: Trainer) -> None:
        """Draw nothing yet; for the arguments see `Chains`."""
        super().__init__(page, engine, trainer)
        self.samples: Samples | None = None
        self.report: ChainReport | None = None

    def draw(self) -> None:
        """Draw chains with the present settings and the newest weights, where something serves."""
        now = self._page.resolved
        if self._engine.ready and now.serves and self.drawn != now.made:
            self.made = now.made
            run, branch = now.run, now.spec.branch
            if branch is not None and branch.sampling.source == "trained" and now.network is not None:
                # The way before the branch needs the network, even where the exact score goes on.
                run = now.network.folder
            self._runner.submit(self._engine.sample(now.spec, run), grace_ms=GRACE_MS)

    def follow(self, before: Resolved) -> None:
        """Draw chains where others come of a change than were drawn last.

        Args:
            before: What the page showed before the change.
        """
        now = self._page.resolved.made.chains
        if now != before.made.chains and (self.made is None or now != self.made.chains):
            self.draw()

    def leave(self) -> None:
        """Draw nothing until the settings change, because chains of a file are shown."""
        self._runner.drop()
        self.made, self.samples, self.report = None, None, None

    # -- events --------------------------------------------------------------------------------------------------------

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self._begin(event)
                self.began.emit(event.spec_json)
            case Ladder():
                self.ladder_ready.emit(self.begun, event)
            case Modes():
                self.modes_ready.emit(event)
            case ChainSegment():
                self.grown.emit(event)
            case ChainReport():
                self._take(event)
            case Samples():
                self.samples = event
                self._page.actions_changed.emit()
            case Finished() if not self._trainer.running:
                self._show_speed(event)

    def _take(self, report: ChainReport) -> None:
        if report.step >= self.begun.spec.sampling.total_steps:
            # Theory speaks of the end of a level, not of the way there.
            self.report = report
            self.ended.emit(self.begun, report)

    def _show_speed(self, event: Finished) -> None:
        chains, took_ms = self.begun.spec.sampling.chains, 1000 * event.elapsed_s
        rate = f"{event.step / event.elapsed_s:,.0f} steps/s" if event.elapsed_s else ""
        counted = f"{chains:,} chains" if chains > 1 else "1 chain"
        self._page.set_status(Status(f"{counted} × {event.step:,} steps took {took_ms:,.0f} ms", rate))
