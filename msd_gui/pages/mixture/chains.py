"""The chains of the mixture page: when they are drawn, with whose score, and what the page is told of them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from msd_engine.events import ChainReport, ChainSegment, Event, Finished, Ladder, Samples, Started
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.engine import Engine
from msd_gui.pages.base.page import GRACE_MS, ExperimentPage, Status
from msd_gui.pages.training.trainer import Trainer


class PlaneChains(QObject):
    """Draws chains for the spec of a page as soon as it changes.

    Attributes:
        began: Emitted with their settings as JSON when other chains begin.
        ladder_ready: Emitted with the `Ladder` that they go down.
        grown: Emitted with each `ChainSegment`.
        weighed: Emitted with each `ChainReport`, also of chains that are still on their way.
        ended: Emitted with the spec and the last `ChainReport` of chains that have come to their end.
        samples: The chains that have come to their end last; None for none.
        report: Their figures.
        weighed_spec_json: The settings of the chains that `weighed` told of last, as JSON.
    """

    began = Signal(str)
    ladder_ready = Signal(object)
    grown = Signal(object)
    weighed = Signal(object)
    ended = Signal(object, object)

    def __init__(self, page: ExperimentPage, engine: Engine, trainer: Trainer) -> None:
        """Draw nothing yet.

        Args:
            page: Owner of the runner; told of figures and failures.
            engine: Makes the jobs.
            trainer: Has the network.
        """
        super().__init__(page)
        self._page, self._engine, self._trainer = page, engine, trainer
        self._ready = False
        self._sampled: ExperimentSpec | None = None
        self._spec_json = ""
        self.weighed_spec_json = ""
        self.samples: Samples | None = None
        self.report: ChainReport | None = None
        self._runner = page.runner(self._show)

    @property
    def running(self) -> bool:
        """Whether chains are being drawn."""
        return self._runner.running

    def begin(self) -> None:
        """Draw chains as soon as the engine is there."""
        self._ready = True
        self.draw()

    def draw(self) -> None:
        """Draw chains with the present settings and the newest weights."""
        if not self._ready:
            return
        spec = self._page.experiment.spec
        self._sampled = spec
        run = self._trainer.run if spec.sampling.source == "trained" else None
        self._runner.submit(self._engine.sample(spec, run), grace_ms=GRACE_MS)

    def draw_if_others(self, spec: ExperimentSpec) -> None:
        """Draw chains if a spec asks for others than were drawn last."""
        before = self._sampled
        parts = ("data", "sampling", "training.k")
        if before is None or any(before.get(part) != spec.get(part) for part in parts):
            self.draw()

    def stop(self) -> None:
        """Stop the chains."""
        self._runner.stop()

    # -- what chains tell ----------------------------------------------------------------------------------------------

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self._spec_json = event.spec_json
                self.began.emit(event.spec_json)
            case Ladder():
                self.ladder_ready.emit(event)
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
        self.weighed_spec_json = self._spec_json
        self.weighed.emit(report)
        spec = self._sampled
        if spec is not None and report.step >= spec.sampling.total_steps:
            # Theory speaks of the end of a level, not of the way there.
            self.report = report
            self.ended.emit(spec, report)

    def _show_speed(self, event: Finished) -> None:
        chains, took_ms = self._page.experiment.spec.sampling.chains, 1000 * event.elapsed_s
        rate = f"{event.step / event.elapsed_s:,.0f} steps/s" if event.elapsed_s else ""
        counted = f"{chains:,} chains" if chains > 1 else "1 chain"
        self._page.set_status(Status(f"{counted} × {event.step:,} steps took {took_ms:,.0f} ms", rate))
