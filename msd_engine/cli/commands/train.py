"""`msd train`: start or resume a run, in one process or in each of several that torchrun starts."""

from __future__ import annotations

import dataclasses
import math
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msd_engine.cli.fields import NOT_GIVEN, given_fields, with_fields
from msd_engine.cli.follow import follow
from msd_engine.cli.inputs import (
    budget,
    check_as_begun,
    folder_of,
    is_given,
    is_repeatable,
    job_options,
    spec_of,
    spec_of_pictures,
    threads_given,
)
from msd_engine.cli.options import Train
from msd_engine.cli.outcome import AGAIN, INTERRUPTED, CutShortError, RefusedError, runs_again, say
from msd_engine.events import Event, Finished, HeldOutLoss, LossPoints, Progress, Started
from msd_engine.runs.layout import LOCK, MANIFEST
from msd_engine.runs.locks import is_locked
from msd_engine.runs.manifest import Manifest, read_manifest
from msd_engine.specs import ExperimentSpec, same_training, training_hash

if TYPE_CHECKING:
    from msd_engine.training.group import Group

LOSS_WINDOW = 100
"""Number of steps in the average of the training loss: that of a single batch is mostly noise."""


def train(options: Train) -> dict[str, Any] | None:
    """Train a denoiser and return the figures of the run; None in a process that only helps another.

    Raises:
        RefusedError: The options contradict each other, or the job cannot begin with them.
        CutShortError: The job failed or was stopped.
        SpecError: A field is unknown or out of range.
        UserError: A file or folder is missing or damaged.
    """
    if not is_one_of_many():
        return _train(options)
    # Imported here, as is the job: it imports torch.
    from msd_engine.training.group import LostError, joined

    with joined() as group:
        if not group.rank:
            return _train(options, group)
        try:
            _assist(options, group)
        except LostError:
            # Rank 0 says it.
            raise SystemExit(AGAIN) from None
    return None


def is_one_of_many() -> bool:
    """Return whether torchrun has started this process as one of several."""
    number = os.environ.get("WORLD_SIZE", "1")
    return "RANK" in os.environ and "MASTER_ADDR" in os.environ and number.isdecimal() and int(number) > 1


def _assist(options: Train, group: Group) -> None:
    """Train with rank 0, which ends the group when it is asked to stop."""
    from msd_engine.jobs.training.ranks import assist

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    assist(group, data_dir=options.data_dir, threads=threads_given(options.threads))


def _train(options: Train, group: Group | None = None) -> dict[str, Any]:
    path = given_fields(options.fields).get("data.path", NOT_GIVEN)
    repeatable = is_repeatable(options)
    if (options.resume is None or repeatable) and not is_given(options.preset):
        # The settings follow from the pictures.
        options = dataclasses.replace(options, preset=path)
    folder = folder_of(options, "RUN")
    with runs_again(f"{folder} is stopped and saved; run the same command again.", wanted=repeatable):
        spec = _new(options) if options.resume is None or repeatable else _resumed(options, folder)
        begun = _begun(folder, spec) if repeatable else None
        account = TrainAccount(folder)
        if begun is not None and _is_finished(begun, spec):
            return _of_finished(folder, begun)
        resume = options.resume is not None and (not repeatable or begun is not None)
        job = _job(options, spec, folder, resume=resume, group=group)
        account.take(follow(job, account) if group is None else _follow_group(job, account))
    return account.figures()


def _follow_group(job: Iterator[Event], account: TrainAccount) -> Finished:
    """Run the job of rank 0 to its end; a lost process counts as an interruption."""
    from msd_engine.training.group import LostError

    try:
        return follow(job, account)
    except LostError as error:
        say(f"A process of this training has ended ({error}).")
        raise CutShortError(account.how_to_continue(), INTERRUPTED, account.figures()) from None


def _begun(folder: Path, spec: ExperimentSpec) -> Manifest | None:
    """Return the manifest of the run that a repeated command has begun, None if it is the first."""
    if not (folder / MANIFEST).exists():
        return None
    if is_locked(folder / LOCK):
        raise CutShortError(f"{folder} is being trained now; run the same command again later.", AGAIN, {})
    begun = read_manifest(folder)
    if not same_training(begun.spec, spec):
        raise RefusedError(f"{folder} holds a run with other settings than these: choose another folder with --out.")
    return begun


def _is_finished(begun: Manifest, spec: ExperimentSpec) -> bool:
    return begun.status == "finished" and training_hash(begun.spec) == training_hash(spec)


def _of_finished(folder: Path, begun: Manifest) -> dict[str, Any]:
    figures = {"run": str(folder), "device": begun.device, "step": begun.step, "elapsed_s": begun.elapsed_s}
    return figures | {"text": f"{folder} is finished already, with {begun.step} steps: there is nothing to do."}


class TrainAccount:
    """The figures of one training."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Store the run folder."""
        self._figures: dict[str, Any] = {"run": os.fspath(folder), "device": "", "step": 0, "elapsed_s": 0.0}
        self._figures |= dict.fromkeys(("loss", "held_out_loss", "held_out_standard_error", "mmse"), math.nan)

    def take(self, event: Event) -> None:
        """Process one event."""
        match event:
            case Started():
                self._figures |= {"device": event.device, "step": event.step}
            case LossPoints() if len(event.steps):
                self._figures |= {"loss": float(event.loss[-LOSS_WINDOW:].mean()), "step": int(event.steps[-1])}
                self._figures["elapsed_s"] = float(event.elapsed_s[-1])
            case HeldOutLoss():
                self._figures |= {"held_out_loss": event.loss, "mmse": event.mmse}
                self._figures["held_out_standard_error"] = event.standard_error
            case Progress():
                self._figures |= {"step": event.step, "elapsed_s": event.elapsed_s}
            case Finished():
                self._figures |= {"step": event.step, "elapsed_s": event.elapsed_s, "text": event.text}
            case _:
                pass

    def figures(self) -> dict[str, Any]:
        """Return the current figures of the training, by name."""
        elapsed_s = self._figures["elapsed_s"]
        return self._figures | {"steps_per_s": self._figures["step"] / elapsed_s if elapsed_s else math.nan}

    def how_to_continue(self) -> str:
        """Return how to continue; the manifest knows the saved step better than the last event."""
        from msd_engine.runs.run import Run

        run = self._figures["run"]
        manifest = Run.open(run).manifest
        self._figures |= {"step": manifest.step, "elapsed_s": manifest.elapsed_s}
        return f"Stopped at step {manifest.step} and saved; continue with: msd train --resume {run}"


def _job(options: Train, spec: ExperimentSpec, folder: Path, *, resume: bool, group: Group | None) -> Iterator[Event]:
    # Imported here: the job imports torch, and a refusal should not wait for it.
    from msd_engine.jobs.training.train import train as job

    return job(spec, folder, **job_options(options, resume=resume), group=group)


def _new(options: Train) -> ExperimentSpec:
    given = budget(options.steps, options.seconds) | given_fields(options.fields)
    if options.preset == given.get("data.path"):
        return with_fields(spec_of_pictures(Path(options.preset).expanduser()), given)
    return with_fields(spec_of(options.preset), given)


def _resumed(options: Train, folder: Path) -> ExperimentSpec:
    from msd_engine.runs.run import Run

    check_as_begun(options, "A run resumes unchanged: only --steps and --seconds may accompany --resume.")
    return with_fields(Run.open(folder).spec, budget(options.steps, options.seconds))
