"""Training for a page: one run at a time, with its curves and newest weights."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from msd_engine.events import (
    Checkpointed,
    Event,
    Failed,
    Finished,
    HeldOutLoss,
    LossPoints,
    Notice,
    Progress,
    Started,
    StripFrame,
)
from msd_engine.specs import ExperimentSpec
from msd_gui.bridge.engine import Engine
from msd_gui.bridge.runner import Runner
from msd_gui.pages.base.page import Page, Status
from msd_gui.session.budget import as_long_again
from msd_gui.session.networks import Network
from msd_gui.views.curves.losses import LossView

LOSSES_EVERY_S = 0.1


class Trainer(QObject):
    """Run training jobs for a page and keep their results.

    Attributes:
        began: Emitted with the name of a new or opened run.
        opened: Emitted when the state of an opened run is known.
        checkpointed: Emitted when newer averaged weights are on disk.
        strip: Emitted with each `StripFrame` and the spec of its training.
        ended: Emitted at the end of training, for any reason.
        progressed: Emitted with a `Status` for the status bar.
    """

    began = Signal(str)
    opened = Signal()
    checkpointed = Signal()
    strip = Signal(object, object)
    ended = Signal()
    progressed = Signal(object)

    def __init__(self, page: Page, engine: Engine, losses: LossView) -> None:
        super().__init__(page)
        self._page = page
        self._engine = engine
        self._losses = losses
        self._runner: Runner = page.runner(self._show)
        self._runner.running_changed.connect(self._running_changed)
        self._reader: Runner = page.runner(self._show_again, apart=(Failed, Notice))
        self._next_checkpoint = 0.0
        self._points: list[LossPoints] = []
        self._shown_s = 0.0
        self.run: Path | None = None
        self.elsewhere = ""
        self.spec: ExperimentSpec | None = None
        self.step = 0
        self._last_step = 0
        self._spent: Finished | None = None
        self.held_out: HeldOutLoss | None = None
        self.progress: Progress | None = None

    @property
    def running(self) -> bool:
        """Whether training runs."""
        return self._runner.running

    @property
    def watching(self) -> bool:
        """Whether a training elsewhere is followed, whose copy is open."""
        return self.progress is not None and not self.running

    @property
    def has_weights(self) -> bool:
        """Whether there are weights to sample with."""
        return self.run is not None and self.step > 0

    @property
    def network(self) -> Network | None:
        """The network of the run with its newest weights on disk; None without weights."""
        if self.run is None or self.spec is None or not self.has_weights:
            return None
        return Network(self.run, self.spec, self.step)

    @property
    def stopped(self) -> ExperimentSpec | None:
        """Spec of a run that can be resumed; None without one."""
        return self.spec if self.has_weights and not self.running else None

    def start(self, spec: ExperimentSpec) -> None:
        """Start a new run."""
        self._begin()
        self.run, self.spec, self.step, self.held_out = self._engine.new_run(spec), spec, 0, None
        self._last_step, self._spent = 0, None
        self.began.emit(self.run.name)
        self._runner.submit(self._engine.train(spec, self.run))

    def resume(self, spec: ExperimentSpec) -> None:
        """Resume the run within the budget of a spec; extend a spent budget by its own length."""
        if self.run is not None:
            if self._spent is not None:
                spec = as_long_again(spec, self._spent.step, self._spent.elapsed_s)
            # The job emits the stored measurements of the run again.
            self._begin()
            self._spent = None
            self._runner.submit(self._engine.train(spec, self.run, resume=True))

    def stop(self) -> None:
        """Stop training; the run can be resumed."""
        self._runner.stop()

    def adopt(self, run: Path, spec: ExperimentSpec) -> None:
        """Open a run from disk, with its stored curves."""
        self._begin()
        self.run, self.spec, self.step, self.held_out = run, spec, 1, None
        self._spent = None
        self.began.emit(run.name)
        self._reader.submit(self._engine.watched(run))

    def _begin(self) -> None:
        self._reader.stop()
        self.progress, self.elsewhere = None, ""
        self._points = []
        self._losses.clear_curves()

    def request_weights(self, every_s: float) -> None:
        """Request newer weights on disk from the running job, at most once in `every_s`."""
        now = time.monotonic()
        if self.running and now >= self._next_checkpoint:
            self._next_checkpoint = now + every_s
            self._runner.live.request_checkpoint()

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                # A resumed run keeps its settings except the budget.
                self.spec = ExperimentSpec.from_json(event.spec_json)
                self.step = event.step
            case LossPoints():
                self._last_step = int(event.steps[-1])
                self._points.append(event)
                self._show_points(LOSSES_EVERY_S)
            case HeldOutLoss():
                self.held_out = event
                self._losses.append_held_out(event.step, event.loss, event.elapsed_s, event.standard_error)
                self._losses.set_floor(event.mmse)
                self.progressed.emit(self.status())
            case Progress():
                self.progress = event
                self.progressed.emit(self.status())
            case StripFrame():
                self.strip.emit(event, self.spec)
            case Checkpointed():
                self.step = event.step
                self.checkpointed.emit()
            case Finished():
                self.step, self._spent = event.step, event
                self._page.noticed.emit(event.text)

    @Slot(object)
    def _show_again(self, event: Event) -> None:
        """Show the stored measurements of an opened run, unless a running training emits them itself."""
        match event:
            case _ if self.running:
                pass
            case Started():
                # Step 0: the folder has no weights.
                self.step, self.elsewhere = event.step, event.elsewhere
                self.opened.emit()
            case LossPoints():
                self._points.append(event)
                self._show_points(0.0)
            case HeldOutLoss() | StripFrame() | Progress() | Checkpointed():
                self._show(event)
            case Finished() if self.watching:
                self.step, self.progress = event.step, None
                self.ended.emit()
            case _:
                # Folders without curves, such as those of pretrained models, still sample.
                pass

    def _show_points(self, every_s: float) -> None:
        """Update the curve at most once in `every_s`: painting it costs more than most steps."""
        now = time.monotonic()
        if self._points and now - self._shown_s >= every_s:
            self._shown_s = now
            points, self._points = self._points, []
            steps, loss, elapsed_s = (
                np.concatenate([getattr(part, name) for part in points]) for name in ("steps", "loss", "elapsed_s")
            )
            self._losses.append_train(steps, loss, elapsed_s)

    @Slot(bool)
    def _running_changed(self, running: bool) -> None:
        if not running:
            # A closed job saves its last step but emits no more events.
            self.step = max(self.step, self._last_step)
            self._show_points(0.0)
            self.progress = None
            self.ended.emit()

    def status(self) -> Status:
        """Describe the running training for the status bar."""
        progress = self.progress
        if progress is None:
            return Status()
        loss = f", held-out ‖x̂ − x‖² {self.held_out.loss:.4g}" if self.held_out else ""
        of = f" of {progress.total:,}" if progress.total else ""
        fraction = None
        items = "images" if self.spec is not None and self.spec.data.kind == "images" else "points"
        whole = progress.elapsed_s + progress.left_s
        if whole > 0:
            fraction = progress.elapsed_s / whole
        return Status(
            text=f"{progress.text}, step {progress.step:,}{of}{loss}",
            rate=f"{progress.rate:.1f} steps/s · {progress.items_rate:,.0f} {items}/s",
            fraction=fraction,
            left_s=progress.left_s,
        )
