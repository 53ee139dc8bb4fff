"""Training as a page sees it: one run at a time, its curves, and whether its network fits the present settings."""

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
from msd_gui.views.curves.losses import LossView

LOSSES_EVERY_S = 0.1
# What a network depends on: change one of these and another network is needed.
NETWORK_FIELDS = ("data", "network", "noise.s", "training.k", "training.form")


class Trainer(QObject):
    """Runs training jobs for a page and keeps what they tell.

    Attributes:
        checkpointed: Emitted when newer averaged weights are on disk.
        strip: Emitted with each `StripFrame` and the spec of the training that it belongs to.
        ended: Emitted when training has ended for whatever reason.
        progressed: Emitted with a `Status` for the status bar.
    """

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
        self.spec: ExperimentSpec | None = None
        self.step = 0
        self._seen = 0
        self._spent: Finished | None = None
        self.held_out: HeldOutLoss | None = None
        self.progress: Progress | None = None

    @property
    def running(self) -> bool:
        """Whether training runs."""
        return self._runner.running

    @property
    def has_weights(self) -> bool:
        """Whether there are weights to sample with."""
        return self.run is not None and self.step > 0

    @property
    def can_resume(self) -> bool:
        """Whether there is a stopped run to go on with."""
        return self.has_weights and not self.running

    def fits(self, spec: ExperimentSpec) -> bool:
        """Return whether the network of the run can sample what a spec asks for."""
        return self.has_weights and self.same_network(spec)

    def same_network(self, spec: ExperimentSpec) -> bool:
        """Return whether a spec asks for the network of the run."""
        return self.spec is not None and all(self.spec.get(path) == spec.get(path) for path in NETWORK_FIELDS)

    def start(self, spec: ExperimentSpec) -> None:
        """Begin a new run."""
        self._begin()
        self.run, self.spec, self.step, self.held_out = self._engine.new_run(spec), spec, 0, None
        self._seen, self._spent = 0, None
        self._runner.submit(self._engine.train(spec, self.run))

    def resume(self, spec: ExperimentSpec) -> None:
        """Go on with the run, within the budget of a spec; where it is spent, as long again."""
        if self.run is not None:
            if self._spent is not None:
                spec = as_long_again(spec, self._spent.step, self._spent.elapsed_s)
            # The job tells the measurements again that the run holds.
            self._begin()
            self._spent = None
            self._runner.submit(self._engine.train(spec, self.run, resume=True))

    def stop(self) -> None:
        """Stop training; the run can be resumed."""
        self._runner.stop()

    def adopt(self, run: Path, spec: ExperimentSpec) -> None:
        """Take a run from disk as the present one, with the curves that it has kept."""
        self._begin()
        self.run, self.spec, self.step, self.held_out = run, spec, 1, None
        self._spent = None
        self._reader.submit(self._engine.recall(run))

    def _begin(self) -> None:
        self._reader.stop()
        self._points = []
        self._losses.clear_curves()

    def request_weights(self, every_s: float) -> None:
        """Ask the running job for newer weights on disk, not more often than given."""
        now = time.monotonic()
        if self.running and now >= self._next_checkpoint:
            self._next_checkpoint = now + every_s
            self._runner.live.request_checkpoint()

    @Slot(object)
    def _show(self, event: Event) -> None:
        match event:
            case Started():
                # Of a run that is resumed only the budget is changed, whatever the page asks for.
                self.spec = ExperimentSpec.from_json(event.spec_json)
                self.step = event.step
            case LossPoints():
                self._seen = int(event.steps[-1])
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
        """Show what an adopted run had measured, unless its training goes on already and tells that itself."""
        match event:
            case _ if self.running:
                pass
            case LossPoints():
                self._points.append(event)
                self._show_points(0.0)
            case HeldOutLoss() | StripFrame():
                self._show(event)
            case _:
                # A folder without curves, such as a pretrained model's, still samples.
                pass

    def _show_points(self, every_s: float) -> None:
        """Bring the curve up to date, not more often than given: painting it costs more than most steps."""
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
            # A job that is closed saves its last step, but cannot tell of it any more.
            self.step = max(self.step, self._seen)
            self._show_points(0.0)
            self.progress = None
            self.ended.emit()

    def status(self) -> Status:
        """Return what the status bar shows while training runs."""
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
            text=f"Training, step {progress.step:,}{of}{loss}",
            rate=f"{progress.rate:.1f} steps/s · {progress.items_rate:,.0f} {items}/s",
            fraction=fraction,
            left_s=progress.left_s,
        )
