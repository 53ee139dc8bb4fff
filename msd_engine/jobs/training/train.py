"""The training job."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from msd_engine.backend.counter import GENERATOR
from msd_engine.backend.device import describe_device, failure_of_device, kind_of
from msd_engine.backend.errors import BadFile, NotFiniteError, UserError
from msd_engine.events import (
    Checkpointed,
    Event,
    Failed,
    Finished,
    HeldOutLoss,
    Notice,
    Progress,
    Started,
    Tick,
)
from msd_engine.jobs.factory.pace import Pace
from msd_engine.jobs.factory.training import Training, training_device
from msd_engine.jobs.pictures.own import with_digest
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tools.work_clock import WorkClock
from msd_engine.jobs.training.losses import Losses
from msd_engine.jobs.training.ranks import join_at, parts_of, threads_of
from msd_engine.jobs.training.recall import measured_again, strip_frame
from msd_engine.metrics.errors.errors import BandErrors
from msd_engine.runs.checkpoints import GENERATOR_STATE
from msd_engine.runs.manifest import Status
from msd_engine.runs.remote.requests import clear, obey
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import sweep_of
from msd_engine.runs.thumbnails import keep_thumbnail
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.training.group import Group
from msd_engine.training.trainer import DivergedError

CHECKPOINT_EVERY_S = 20.0
# The weights after this share of the budget guide the last ones in sampling (see `denoisers.guided`).
EARLIER_SHARE = 0.1
# Pictures, and checkpoints of large networks, may take at most this share of the time.
_SIDE_SHARE = 0.02
_PAUSE_POLL_S = 0.05
_PIECE_BY_PIECE = "The card cannot take a training step as a whole and does it piece by piece, which is slower"
_OTHER_NOISE = (
    "This run was begun by an older version, whose training noise came from another generator: the noise of the steps "
    "that follow is other noise than that version would have drawn."
)

_OTHER_DEVICE = (
    "This run was trained on {} before and goes on on {}: its steps are the same up to rounding, not to the bit."
)


@reports_user_errors
def train(
    spec: ExperimentSpec | None,
    run_dir: str | os.PathLike[str],
    *,
    resume: bool = False,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
    delay: int | None = None,
    threads: int = 0,
    group: Group | None = None,
) -> Iterator[Event]:
    """Train the k-sample denoiser of an experiment.

    Closing the generator at any moment leaves a run that can be resumed. It comes to the same bits as an uninterrupted
    run if the budget is in steps and each step has the same number of threads, which follows the load of the machine
    unless `threads` or MSD_THREADS fixes it. The manifest records the number of threads by step.

    Args:
        spec: The experiment. On resuming only its budget is read, and None keeps the budget of the run.
        run_dir: The run folder: new, or with `resume` an existing one.
        resume: Resume from the last checkpoint.
        data_dir: The data folder.
        device: Name of the device, or ``auto``; networks on points then use the faster device by measurement.
        cadence: Decides when to report losses, progress and pictures.
        live: Requests during the job: pause and checkpoint.
        delay: Number of steps after which a loss is read from the device; None chooses by the device.
        threads: Fixed number of threads of the CPU; 0 for MSD_THREADS, or else the fastest number under the load.
        group: Further processes that share each batch; this one is rank 0.

    Yields:
        `Started`, then for each step at least a `Tick`; `LossPoints`, `Progress` and `StripFrame` at due moments;
        `HeldOutLoss` every `training.evaluate_every` steps; `Checkpointed`; at the end `Finished` or `Failed`.

    Raises:
        LostError: A process of the group has ended; the run is saved.
    """
    run = _reopened(run_dir, spec) if resume else None
    wanted = run.spec if run else spec
    if wanted is None:
        raise ValueError("A new run needs a spec.")
    chosen = training_device(wanted, device)
    chosen = group.device(chosen.type) if group else chosen
    pace = Pace(wanted, chosen, threads_of(group, threads))
    # The data come first: where they are missing, no empty run is left behind.
    wanted = yield from with_digest(wanted, trained=run is not None)
    parts = parts_of(wanted, group, data_dir=data_dir, device=chosen, delay=delay)
    pace.begin()
    if run is None:
        run = Run.create(run_dir, wanted, device=describe_device(chosen))
    with run.locked():
        yield from _Job(run, parts, pace, chosen, cadence, live or Live(), group).events()


def _reopened(run_dir: str | os.PathLike[str], spec: ExperimentSpec | None) -> Run:
    run = Run.open(run_dir)
    if spec is not None:
        steps, seconds = spec.training.steps, spec.training.seconds
        if (steps, seconds) != (run.spec.training.steps, run.spec.training.seconds):
            _refuse_in_sweep(run.folder)
            run.set_budget(steps=steps, seconds=seconds)
    return run


def _refuse_in_sweep(folder: Path) -> None:
    """Refuse to train a run of a comparison for longer than the others, which would make their errors incomparable."""
    sweep = sweep_of(folder)
    if sweep is not None:
        raise UserError(
            f"This run belongs to the comparison in {sweep.name}, whose runs have all the same budget: "
            "go on with the comparison, or take the settings of the run for a new one."
        )


class _Job:
    """Train from the start or a checkpoint until the end or until the job is closed."""

    def __init__(
        self,
        run: Run,
        parts: Training,
        pace: Pace,
        device: torch.device,
        cadence: Cadence,
        live: Live,
        group: Group | None,
    ) -> None:
        self.run = run
        self.parts = parts
        self.pace = pace
        self.device = device
        self.cadence = cadence
        self.live = live
        self.group = group
        self.trainer = parts.trainer
        self.elapsed_s = 0.0
        self.is_ready = False
        self.work = WorkClock()
        self.saved_step = -1
        self.checkpoint_due_s = 0.0
        self.losses = Losses()
        self.mmse: BandErrors | None = None
        self.strip_ready_s = 0.0
        # Thumbnail of the run: data for points, denoised images for images.
        self.picture = parts.held_out.x.cpu().numpy() if parts.strip is None and not run.has_weights else None

    def events(self) -> Iterator[Event]:
        """Train until the budget is spent, the loss diverges or the caller closes."""
        failure: DivergedError | None = None
        status: Status = "stopped"
        lost = saved = False
        try:
            yield from self._beginning()
            self.checkpoint_due_s = self.elapsed_s + CHECKPOINT_EVERY_S
            yield from self._strip()
            yield from self._steps()
            status = "finished"
            yield from self._ending()
            saved = True
            self._save(status)
        except DivergedError as error:
            failure = error
            self._keep(error)
        except (RuntimeError, MemoryError) as error:
            lost = bool(failure_of_device(error))
            raise
        finally:
            if lost:
                self._rescue()
            elif failure is None and not saved:
                self._leave(status)
        if failure is not None:
            yield from self.losses.points()
            yield Failed(str(failure))
            return
        yield Checkpointed(self.trainer.step, str(self.run.folder))
        yield Finished(
            self.trainer.step,
            self.elapsed_s,
            f"Trained {self.trainer.step} steps in {self.elapsed_s:.0f} s.",
            str(self.run.folder),
        )

    def _beginning(self) -> Iterator[Event]:
        training = self.run.spec.training
        resumed = self.run.has_state
        older = False
        if resumed:
            checkpoint = self.run.load_state(self.trainer.state())
            older = checkpoint.tensors.pop(GENERATOR_STATE, None) is not None
            self.trainer.load(checkpoint.tensors)
            if self.trainer.step != checkpoint.step:
                raise BadFile(f"The training state in {self.run.folder} is of two different steps: train anew.")
            self.run.follow(checkpoint)
            self.elapsed_s, self.saved_step = checkpoint.elapsed_s, self.trainer.step
        gap = self.run.rewind(self.trainer.step)
        sentences = ["" if resumed else self.parts.settle(), _OTHER_NOISE if older else "", gap]
        if resumed and (before := self.run.manifest.device) and kind_of(before) != self.device.type:
            sentences.append(_OTHER_DEVICE.format(before, self.device.type))
        self.pace.settle(self.trainer.denoiser)
        sentences += [self.pace.note(self.run, self.trainer.step), join_at(self.run, self.trainer, self.group)]
        clear(self.run.folder)
        self.run.begin(GENERATOR, describe_device(self.device))
        total = 0 if training.seconds else training.steps
        yield Started("train", describe_device(self.device), total, self.trainer.step, self.run.spec.to_json())
        for sentence in filter(None, sentences):
            yield Notice(sentence)
        # Continue the curves.
        if resumed:
            yield from measured_again(self.run)
        self.is_ready = True

    def _steps(self) -> Iterator[Event]:
        training = self.run.spec.training
        self.work.lap()
        while self.trainer.spent(self.elapsed_s) < 1.0:
            if self.live.paused:
                yield from self._pause()
                # Time of a pause is no training time.
                self.work.lap()
            if sentence := self.pace.check(self.run, self.trainer.step):
                yield Notice(sentence)
                self.work.lap()
            done = self.trainer.advance(self.group.step(self.elapsed_s) if self.group else self.elapsed_s)
            self.elapsed_s += self.work.lap()
            self.losses.begun(self.elapsed_s)
            self.losses.note(done)
            if trouble := self.trainer.pop_trouble():
                yield Notice(f"{_PIECE_BY_PIECE}: {trouble}")
            if self.trainer.spent(self.elapsed_s) >= EARLIER_SHARE and not self.run.has_earlier:
                self._catch_up()
                weights = self.trainer.averaged.state_dict()
                with self._finite():
                    self.run.save_earlier(weights, self.trainer.step, elapsed_s=self.elapsed_s)
            if self.trainer.step % training.evaluate_every == 0:
                yield self._held_out()
            if self.live.pop_checkpoint_request() or self.elapsed_s >= self.checkpoint_due_s:
                self._save("running")
                yield Checkpointed(self.trainer.step, str(self.run.folder))
            yield from self._moment()

    def _moment(self) -> Iterator[Event]:
        """Yield the due events after a step."""
        if not self.cadence.due():
            yield Tick()
            return
        obey(self.run.folder, self.live)
        yield from self.losses.points()
        yield self._progress()
        if self.elapsed_s >= self.strip_ready_s:
            yield from self._strip()

    def _pause(self) -> Iterator[Event]:
        self._catch_up()
        while not self.live.wait_while_paused(_PAUSE_POLL_S):
            yield Tick()
        self.losses.rest()

    def _ending(self) -> Iterator[Event]:
        self._catch_up()
        yield from self.losses.points()
        if self.trainer.step % self.run.spec.training.evaluate_every:
            yield self._held_out()
        yield from self._strip()
        yield self._progress()

    def _catch_up(self) -> None:
        """Wait for all steps and their losses, so that reports and checkpoints are up to date."""
        self.losses.note(self.trainer.drain())

    def _held_out(self) -> HeldOutLoss:
        self._catch_up()
        held_out = self.parts.held_out
        found = held_out.measure(self.trainer.averaged)
        if self.mmse is None and self.parts.exact is not None:
            self.mmse = held_out.measure(self.parts.exact)
        unknown = np.full(len(found.band_loss), np.nan)
        event = HeldOutLoss(
            step=self.trainer.step,
            loss=found.loss,
            elapsed_s=self.elapsed_s,
            band_sigma_eff=found.sigma_eff.numpy(),
            band_loss=found.band_loss.numpy(),
            band_mmse=unknown if self.mmse is None else self.mmse.band_loss.numpy(),
            mmse=float("nan") if self.mmse is None else self.mmse.loss,
            standard_error=found.standard_error,
        )
        self.losses.rows.append({"held_out" if name == "loss" else name: value for name, value in vars(event).items()})
        # Save at once, so that other processes that watch the run see that it continues.
        self._write_rows()
        return event

    def _progress(self) -> Progress:
        return self.losses.progress(self.run.spec.training, self.trainer.step, self.elapsed_s)

    def _strip(self) -> Iterator[Event]:
        strip = self.parts.strip
        if strip is None:
            return
        self._catch_up()
        took = WorkClock()
        x_hat = strip.estimate(self.trainer.averaged)
        frame = strip_frame(self.trainer.step, strip, x_hat, self.trainer.averaged.space)
        yield frame
        self.picture = frame.x_hat
        self.strip_ready_s = self.elapsed_s + took.lap() / _SIDE_SHARE

    def _write_rows(self) -> None:
        self.run.append_metrics(self.losses.rows)
        self.losses.rows = []

    def _leave(self, status: Status) -> None:
        """Save at the end, even if the caller has closed the job and cannot receive a failure."""
        if not self.is_ready:
            # Nothing was trained, and the trainer may not hold the state of the run.
            if self.run.manifest.status == "running":
                self.run.set_status(status)
            return
        try:
            self._save(status)
        except DivergedError as error:
            self._keep(error)

    def _rescue(self) -> None:
        """Save after a failure of the device; if that fails too, the last checkpoint stays."""
        try:
            self._leave("failed")
        except (RuntimeError, MemoryError):
            self.run.set_status("failed")

    def _keep(self, error: DivergedError) -> None:
        """Keep the last checkpoint after a failure; without one, save the present weights if they are finite."""
        self.losses.note(error.done)
        try:
            if not self.run.has_weights:
                self._save("failed")
                return
        except DivergedError as worse:
            self.losses.note(worse.done)
        self._write_rows()
        self.run.set_status("failed")

    def _save(self, status: Status) -> None:
        self._catch_up()
        took = WorkClock()
        self._write_rows()
        if self.trainer.step == self.saved_step:
            self.run.set_status(status)
        else:
            with self._finite():
                self.run.save(self.trainer.state(), self.trainer.step, elapsed_s=self.elapsed_s, status=status)
        self.saved_step = self.trainer.step
        if self.picture is not None:
            keep_thumbnail(self.run.folder, self.picture)
            self.picture = None
        rest_s = took.lap() / _SIDE_SHARE
        self.checkpoint_due_s = self.elapsed_s + max(CHECKPOINT_EVERY_S, rest_s)

    @contextlib.contextmanager
    def _finite(self) -> Iterator[None]:
        """End the training if its state is not finite."""
        try:
            yield
        except NotFiniteError as error:
            kept = "The last checkpoint is kept" if self.run.has_state else "There is no checkpoint before"
            raise DivergedError(
                f"Training stopped at step {self.trainer.step}: its weights or moments are no longer finite numbers, "
                f"and were not saved. {kept}; try a smaller learning rate, or float32 as training.precision."
            ) from error
