"""A run: the folder of one training, readable after a crash at any moment.

* ``manifest.json``: the spec, versions, device and progress;
* ``metrics.jsonl``: one line per measurement;
* ``state.safetensors``: all that training needs to resume as if it had never stopped;
* ``weights.safetensors``: the averaged weights and the spec, for sampling;
* ``earlier.safetensors``: averaged weights from early in training, for guided sampling.

The state alone is the checkpoint: it holds the averaged weights too, and one renaming replaces it whole. The weights
and the manifest follow it. Each file carries its step, which shows whether a crash has left the state ahead of them:
then its weights are loaded, and resuming the run rewrites the other files.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from msd_engine.backend.counter import GENERATOR
from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import make_folder, reading, write_atomically, writing
from msd_engine.backend.tensors import pack_tensors
from msd_engine.runs.checkpoints import GENERATOR_STATE, Checkpoint, noted_step, read_checkpoint
from msd_engine.runs.layout import EARLIER, LOCK, MANIFEST, METRICS, STATE, SWEEP, WEIGHTS, no_run, sweep_temporary
from msd_engine.runs.locks import hold
from msd_engine.runs.log import Log, Row, append_rows, flush, read_log, rewind_rows
from msd_engine.runs.manifest import Manifest, Status, new_manifest, read_manifest
from msd_engine.runs.remote.copies import refuse_copy
from msd_engine.specs import ExperimentSpec
from msd_engine.specs.models import CARD
from msd_engine.training.trainer import AVERAGED

# Checking whether a run is locked locks it for an instant.
_PATIENCE_S = 0.2

_EXPECTED_STATE = "the training state of a run (safetensors)"
_EXPECTED_WEIGHTS = "the averaged weights of a run (safetensors)"


class Run:
    """A run folder.

    Attributes:
        folder: The folder.
        manifest: The manifest; replaced at each checkpoint.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Use `create` or `open`."""
        self.folder = folder
        self.manifest = manifest

    @classmethod
    def create(cls, folder: str | os.PathLike[str], spec: ExperimentSpec, *, device: str | torch.device) -> Self:
        """Create a run.

        Args:
            folder: The folder; created if missing.
            spec: The experiment.
            device: The device that computes, for the manifest.

        Returns:
            The run, without checkpoint.

        Raises:
            UserError: The folder holds a run or a comparison already, or cannot be written.
        """
        folder = Path(folder)
        if (folder / SWEEP).exists():
            raise UserError(f"{folder} holds a comparison, whose runs would be hidden: choose another folder.")
        if any((folder / name).exists() for name in (MANIFEST, METRICS, STATE, WEIGHTS)):
            raise UserError(f"{folder} already holds a run: resume it, or choose another folder.")
        make_folder(folder)
        run = cls(folder, new_manifest(spec, device=str(device), threads=torch.get_num_threads(), generator=GENERATOR))
        with run.locked():
            # Check again under the lock: another process may have created it meanwhile.
            if (folder / MANIFEST).exists():
                raise UserError(f"{folder} already holds a run: resume it, or choose another folder.")
            run._write_manifest()
        return run

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """Open an existing run.

        Args:
            folder: Its folder.

        Returns:
            The run.

        Raises:
            BadFile: The folder holds no run, or its manifest is damaged.
        """
        path = Path(folder) / MANIFEST
        with reading(folder, "the folder of a run"):
            if not path.exists():
                raise BadFile(no_run(folder))
        return cls(Path(folder), read_manifest(Path(folder)))

    @property
    def spec(self) -> ExperimentSpec:
        """The experiment."""
        return self.manifest.spec

    @property
    def has_state(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return (self.folder / STATE).exists()

    @property
    def has_weights(self) -> bool:
        """Whether there are averaged weights to sample from."""
        return (self.folder / WEIGHTS).exists() or self.has_state

    @property
    def has_earlier(self) -> bool:
        """Whether averaged weights from early in training are saved."""
        return (self.folder / EARLIER).exists()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run, so that no other process or job trains it meanwhile.

        The system releases the lock when its holder dies, for any reason. Temporary files of earlier holders are
        removed.

        Yields:
            Nothing.

        Raises:
            UserError: The run is locked, its folder cannot be written, or it is a pretrained model or a copy.
        """
        if (self.folder / CARD).exists():
            raise UserError(f"{self.folder.name} is a pretrained model, which is never changed: train a new run.")
        refuse_copy(self.folder)
        taken = f"{self.folder} is being trained already: wait for it, stop it, or start another."
        with hold(self.folder / LOCK, _PATIENCE_S, taken):
            sweep_temporary(self.folder, (STATE, WEIGHTS, EARLIER, MANIFEST, METRICS))
            yield

    def save(self, state: Mapping[str, Tensor], step: int, *, elapsed_s: float, status: Status = "running") -> None:
        """Write a checkpoint. A crash at any moment leaves this one or the previous one.

        Args:
            state: All that training needs to resume: weights, optimiser, and the averaged weights under names that
                begin with `AVERAGED`.
            step: Training steps done.
            elapsed_s: Seconds of training so far.
            status: How the run stands.

        Raises:
            NotFiniteError: A number is infinite or NaN; the previous checkpoint stays.
            UserError: The disk is full or the folder cannot be written; the previous checkpoint stays.
        """
        flush(self.folder / METRICS)
        packed = pack_tensors(state, self._notes(step, elapsed_s))
        write_atomically(self.folder / STATE, packed)
        self._write_weights(state, step, elapsed_s)
        self.manifest = self.manifest.replace_all({"step": step, "elapsed_s": float(elapsed_s), "status": status})
        self._write_manifest()

    def follow(self, checkpoint: Checkpoint) -> None:
        """Rewrite weights and manifest if a crash has left them behind the state; the caller holds the lock.

        Args:
            checkpoint: The state from `load_state`.

        Raises:
            UserError: A file cannot be written.
        """
        step, elapsed_s = checkpoint.step, checkpoint.elapsed_s
        try:
            behind = read_checkpoint(self.folder / WEIGHTS, _EXPECTED_WEIGHTS).step != step
        except BadFile:
            behind = True
        if behind:
            self._write_weights(checkpoint.tensors, step, elapsed_s)
        if (self.manifest.step, self.manifest.elapsed_s) != (step, elapsed_s):
            self.manifest = self.manifest.replace_all({"step": step, "elapsed_s": elapsed_s})
            self._write_manifest()

    def save_earlier(self, weights: Mapping[str, Tensor], step: int, *, elapsed_s: float) -> None:
        """Save averaged weights from early in training.

        Args:
            weights: The averaged weights.
            step: Training steps done.
            elapsed_s: Seconds of training so far.

        Raises:
            UserError: The disk is full or the folder cannot be written.
        """
        write_atomically(self.folder / EARLIER, pack_tensors(weights, self._notes(step, elapsed_s)))

    def set_status(self, status: Status) -> None:
        """Set the status of the run.

        Args:
            status: ``running``, ``finished``, ``stopped`` or ``failed``.

        Raises:
            UserError: The manifest cannot be written.
        """
        self.manifest = self.manifest.replace("status", status)
        self._write_manifest()

    def begin(self, generator: str, device: str) -> None:
        """Record that training starts.

        Args:
            generator: Name of the noise generator of the following steps.
            device: Description of the device of the following steps.

        Raises:
            UserError: The manifest cannot be written.
        """
        begun = {} if self.has_state else {"threads": torch.get_num_threads()}
        values = {"status": "running", "generator": generator, "device": device, **begun}
        self.manifest = self.manifest.replace_all(values)
        self._write_manifest()

    def note_threads(self, step: int, threads: int) -> None:
        """Record the number of threads from now on; the next checkpoint or status saves it.

        Args:
            step: Training steps done. Records of later steps are dropped, since these are repeated.
            threads: Threads of torch.
        """
        history = _with(self.manifest.thread_history, step, threads)
        self.manifest = self.manifest.replace("thread_history", history)

    def note_processes(self, step: int, processes: int) -> int:
        """Record the number of processes from now on, as `note_threads`.

        Args:
            step: Training steps done.
            processes: Processes that share each batch.

        Returns:
            The number before; 0 if nothing was trained.
        """
        history = self.manifest.process_history
        before = next((count for since, count in reversed(history) if since < step), 1) if step else 0
        if processes > 1 or history:
            self.manifest = self.manifest.replace("process_history", _with(history, step, processes))
        return before

    def set_budget(self, *, steps: int, seconds: float) -> None:
        """Change the training budget of the run, and nothing else.

        Args:
            steps: Training ends after this many steps in all.
            seconds: Training also ends after this many seconds in all; 0 sets no limit.

        Raises:
            SpecError: A limit is out of range.
            UserError: The run is being trained, or the manifest cannot be written.
        """
        budget = {"spec.training.steps": steps, "spec.training.seconds": seconds}
        with self.locked():
            self.manifest = self.manifest.replace_all(budget)
            self._write_manifest()

    def load_state(self, like: Mapping[str, Tensor] | None = None) -> Checkpoint:
        """Read the training state.

        Args:
            like: Tensors whose names, shapes and dtypes are expected; None accepts any.

        Returns:
            The state with its step, including tensors that only older versions save.

        Raises:
            BadFile: The state is missing, damaged or of another network.
        """
        return read_checkpoint(self.folder / STATE, _EXPECTED_STATE, like, optional=(GENERATOR_STATE,))

    def load_weights(self, like: Mapping[str, Tensor] | None = None) -> Checkpoint:
        """Read the averaged weights; those of a pretrained model are converted from float16.

        Args:
            like: Tensors whose names, shapes and dtypes are expected; None accepts any.

        Returns:
            The weights, with the step that they belong to.

        Raises:
            BadFile: They are missing yet, damaged or of another network.
        """
        if not self.has_weights:
            raise BadFile(f"{self.folder} has no trained weights yet: train it until the first checkpoint.")
        if noted_step(self.folder / STATE) > noted_step(self.folder / WEIGHTS):
            return read_checkpoint(self.folder / STATE, _EXPECTED_STATE, like, part=AVERAGED)
        return read_checkpoint(self.folder / WEIGHTS, _EXPECTED_WEIGHTS, like, widen=True)

    def load_earlier(self, like: Mapping[str, Tensor] | None = None) -> Checkpoint:
        """Read averaged weights from early in training.

        Args:
            like: Tensors whose names, shapes and dtypes are expected; None accepts any.

        Returns:
            The weights, with the step that they belong to.

        Raises:
            BadFile: They are missing, damaged or of another network.
        """
        return read_checkpoint(self.folder / EARLIER, _EXPECTED_WEIGHTS, like, widen=True)

    def append_metrics(self, rows: Iterable[Row]) -> None:
        """Append measurements; each row has an integer ``step`` and numbers, or lists or arrays of numbers.

        Raises:
            UserError: The file cannot be written.
        """
        append_rows(self.folder / METRICS, rows)

    def read_metrics(self) -> Log:
        """Read all measurements so far; null becomes NaN, and damaged lines are skipped.

        Raises:
            BadFile: The file cannot be read at all.
        """
        return read_log(self.folder / METRICS)

    def rewind(self, step: int) -> str:
        """Drop measurements and weights of later steps before training resumes; the caller holds the lock.

        Args:
            step: Training steps done; 0 at the start of training.

        Returns:
            A message on lost measurements up to that step; empty if none.

        Raises:
            UserError: A file cannot be written.
        """
        if noted_step(self.folder / EARLIER) > step:
            with writing(self.folder / EARLIER):
                (self.folder / EARLIER).unlink()
        path = self.folder / METRICS
        if not path.exists():
            return ""
        try:
            damaged = rewind_rows(path, step)
        except BadFile as error:
            aside = path.with_name(f"unreadable-{METRICS}")
            with writing(aside):
                os.replace(path, aside)
            return f"The measurements so far cannot be read and were put aside as {aside.name}. {error}"
        lines = "1 damaged line was" if damaged == 1 else f"{damaged} damaged lines were"
        return f"{lines} left out of {METRICS}: the curves have a gap there." if damaged else ""

    def _notes(self, step: int, elapsed_s: float) -> dict[str, str]:
        return {"step": str(step), "elapsed_s": repr(float(elapsed_s)), "spec": self.spec.to_json()}

    def _write_weights(self, state: Mapping[str, Tensor], step: int, elapsed_s: float) -> None:
        """Write the averaged weights of a state."""
        weights = {name.removeprefix(AVERAGED): value for name, value in state.items() if name.startswith(AVERAGED)}
        write_atomically(self.folder / WEIGHTS, pack_tensors(weights, self._notes(step, elapsed_s)))

    def _write_manifest(self) -> None:
        write_atomically(self.folder / MANIFEST, self.manifest.to_json(indent=2).encode())


def _with(history: tuple[tuple[int, int], ...], step: int, number: int) -> tuple[tuple[int, int], ...]:
    """Return a history of numbers by step with one that holds from a step on, and without those of later steps."""
    kept = tuple((since, count) for since, count in history if since < step)
    return kept if kept and kept[-1][1] == number else (*kept, (step, number))
