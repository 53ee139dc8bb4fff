"""A run: one folder with everything about one training, readable after a crash at any moment.

* ``manifest.json``: the spec, versions, device and how far the run came;
* ``metrics.jsonl``: one line for each measurement;
* ``state.safetensors``: what training needs to go on as if it had never stopped;
* ``weights.safetensors``: the averaged weights, with the spec beside them, which is all that sampling needs;
* ``earlier.safetensors``: the averaged weights of a moment early in training, by which sampling can be guided.

The state alone is the checkpoint: it holds the averaged weights too, and is put in its place whole, by one renaming.
The weights and the manifest follow it. Each file carries its step, so that a state that a crash has left ahead of them
is noticed: its weights are then those that are loaded, and whoever goes on with the run writes the other files anew.
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
from msd_engine.backend.files import MIB, make_folder, read_bytes, reading, write_atomically, writing
from msd_engine.backend.tensors import pack_tensors
from msd_engine.runs.checkpoints import GENERATOR_STATE, Checkpoint, noted_step, read_checkpoint
from msd_engine.runs.layout import EARLIER, LOCK, MANIFEST, METRICS, STATE, SWEEP, WEIGHTS, no_run, sweep_temporary
from msd_engine.runs.locks import hold
from msd_engine.runs.log import Log, Row, append_rows, flush, read_log, rewind_rows
from msd_engine.runs.manifest import Manifest, Status, new_manifest
from msd_engine.specs import ExperimentSpec, SpecError
from msd_engine.specs.models import CARD
from msd_engine.training.trainer import AVERAGED

# Who only asks whether a run is held holds it for an instant.
_PATIENCE_S = 0.2

_RUN = "the manifest of a run"
_EXPECTED_STATE = "the training state of a run (safetensors)"
_EXPECTED_WEIGHTS = "the averaged weights of a run (safetensors)"


class Run:
    """A run folder.

    Attributes:
        folder: The folder.
        manifest: What the run says about itself; replaced at each checkpoint.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Use `create` or `open`."""
        self.folder = folder
        self.manifest = manifest

    @classmethod
    def create(cls, folder: str | os.PathLike[str], spec: ExperimentSpec, *, device: str | torch.device) -> Self:
        """Begin a run.

        Args:
            folder: The folder; made where it is missing.
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
            # Asked again: another process may have been quicker by a moment.
            if (folder / MANIFEST).exists():
                raise UserError(f"{folder} already holds a run: resume it, or choose another folder.")
            run._write_manifest()
        return run

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """Open a run that exists.

        Args:
            folder: Its folder.

        Returns:
            The run.

        Raises:
            BadFile: There is none, or its manifest is damaged.
        """
        path = Path(folder) / MANIFEST
        with reading(folder, "the folder of a run"):
            if not path.exists():
                raise BadFile(no_run(folder))
        text = read_bytes(path, _RUN, limit=4 * MIB)
        try:
            return cls(Path(folder), Manifest.from_json(text))
        except SpecError as error:
            raise BadFile(f"{path} is not {_RUN}: {error}") from error

    @property
    def spec(self) -> ExperimentSpec:
        """The experiment."""
        return self.manifest.spec

    @property
    def has_state(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return (self.folder / STATE).exists()

    @property
    def has_weights(self) -> bool:
        """Whether there are averaged weights to sample from."""
        return (self.folder / WEIGHTS).exists() or self.has_state

    @property
    def has_earlier(self) -> bool:
        """Whether averaged weights of a moment early in training were kept."""
        return (self.folder / EARLIER).exists()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run, so that no other process and no other job trains it meanwhile.

        The system lets go of the lock when its holder dies, however it dies. Temporary files that earlier holders have
        left are removed.

        Yields:
            Nothing.

        Raises:
            UserError: Somebody else holds the run, its folder cannot be written, or it is a pretrained model.
        """
        if (self.folder / CARD).exists():
            raise UserError(f"{self.folder.name} is a pretrained model, which is never changed: train a new run.")
        taken = f"{self.folder} is being trained already: wait for it, stop it, or start another."
        with hold(self.folder / LOCK, _PATIENCE_S, taken):
            sweep_temporary(self.folder, (STATE, WEIGHTS, EARLIER, MANIFEST, METRICS))
            yield

    def save(self, state: Mapping[str, Tensor], step: int, *, elapsed_s: float, status: Status = "running") -> None:
        """Write a checkpoint. A crash at any moment leaves this one or the one before.

        Args:
            state: All that training needs to go on: weights, optimiser, and the averaged weights under names that
                begin with `AVERAGED`.
            step: Training steps done.
            elapsed_s: Seconds of training so far.
            status: How the run stands.

        Raises:
            NotFiniteError: A number is infinite or none; the checkpoint before is kept.
            UserError: The disk is full or the folder cannot be written; the checkpoint before is kept.
        """
        flush(self.folder / METRICS)
        packed = pack_tensors(state, self._notes(step, elapsed_s))
        write_atomically(self.folder / STATE, packed)
        self._write_weights(state, step, elapsed_s)
        self.manifest = self.manifest.replace_all({"step": step, "elapsed_s": float(elapsed_s), "status": status})
        self._write_manifest()

    def follow(self, checkpoint: Checkpoint) -> None:
        """Write anew the weights and the manifest that a crash has left behind the state; hold the run meanwhile.

        Args:
            checkpoint: The state, as `load_state` has read it.

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
        """Keep the averaged weights of a moment early in training.

        Args:
            weights: The averaged weights.
            step: Training steps done.
            elapsed_s: Seconds of training so far.

        Raises:
            UserError: The disk is full or the folder cannot be written.
        """
        write_atomically(self.folder / EARLIER, pack_tensors(weights, self._notes(step, elapsed_s)))

    def set_status(self, status: Status) -> None:
        """Note how the run stands.

        Args:
            status: ``running``, ``finished``, ``stopped`` or ``failed``.

        Raises:
            UserError: The manifest cannot be written.
        """
        self.manifest = self.manifest.replace("status", status)
        self._write_manifest()

    def begin(self, generator: str, device: str) -> None:
        """Note that the run is trained from now on.

        Args:
            generator: Name of what draws the noise of the steps that follow.
            device: The device that computes the steps that follow, in words.

        Raises:
            UserError: The manifest cannot be written.
        """
        begun = {} if self.has_state else {"threads": torch.get_num_threads()}
        values = {"status": "running", "generator": generator, "device": device, **begun}
        self.manifest = self.manifest.replace_all(values)
        self._write_manifest()

    def note_threads(self, step: int, threads: int) -> None:
        """Note with how many threads training goes on; it is written with the next checkpoint or status.

        Args:
            step: Training steps done. What was noted of later ones is dropped: they are done anew.
            threads: Threads of torch.
        """
        kept = [(since, count) for since, count in self.manifest.thread_history if since < step]
        if not kept or kept[-1][1] != threads:
            kept.append((step, threads))
        self.manifest = self.manifest.replace("thread_history", tuple(kept))

    def set_budget(self, *, steps: int, seconds: float) -> None:
        """Change how long the run is to be trained; all else stays as it was begun.

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
        """Read what training needs to go on.

        Args:
            like: Tensors whose names, shapes and dtypes are expected; None accepts any.

        Returns:
            The state, with the step that it belongs to, and with what only older versions keep.

        Raises:
            BadFile: There is no state, or it is damaged or of another network.
        """
        return read_checkpoint(self.folder / STATE, _EXPECTED_STATE, like, optional=(GENERATOR_STATE,))

    def load_weights(self, like: Mapping[str, Tensor] | None = None) -> Checkpoint:
        """Read the averaged weights; those of a pretrained model are kept in float16 and widened.

        Args:
            like: Tensors whose names, shapes and dtypes are expected; None accepts any.

        Returns:
            The weights, with the step that they belong to.

        Raises:
            BadFile: There are none yet, or they are damaged or of another network.
        """
        if not self.has_weights:
            raise BadFile(f"{self.folder} has no trained weights yet: train it until the first checkpoint.")
        if noted_step(self.folder / STATE) > noted_step(self.folder / WEIGHTS):
            return read_checkpoint(self.folder / STATE, _EXPECTED_STATE, like, part=AVERAGED)
        return read_checkpoint(self.folder / WEIGHTS, _EXPECTED_WEIGHTS, like, widen=True)

    def load_earlier(self, like: Mapping[str, Tensor] | None = None) -> Checkpoint:
        """Read the averaged weights of a moment early in training.

        Args:
            like: Tensors whose names, shapes and dtypes are expected; None accepts any.

        Returns:
            The weights, with the step that they belong to.

        Raises:
            BadFile: There are none, or they are damaged or of another network.
        """
        return read_checkpoint(self.folder / EARLIER, _EXPECTED_WEIGHTS, like, widen=True)

    def append_metrics(self, rows: Iterable[Row]) -> None:
        """Append measurements; each row has an integer ``step`` and numbers, or lists or arrays of numbers.

        Raises:
            UserError: The file cannot be written.
        """
        append_rows(self.folder / METRICS, rows)

    def read_metrics(self) -> Log:
        """Read all measurements so far; what was not finite is NaN, and damaged lines are left out.

        Raises:
            BadFile: The file cannot be read at all.
        """
        return read_log(self.folder / METRICS)

    def rewind(self, step: int) -> str:
        """Drop what was measured and kept after a step, before training goes on from there; hold the run meanwhile.

        Args:
            step: Training steps done; 0 where training begins.

        Returns:
            What was lost of the measurements before that step, in one sentence; empty for nothing.

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
        """Write the averaged weights that a state holds."""
        weights = {name.removeprefix(AVERAGED): value for name, value in state.items() if name.startswith(AVERAGED)}
        write_atomically(self.folder / WEIGHTS, pack_tensors(weights, self._notes(step, elapsed_s)))

    def _write_manifest(self) -> None:
        write_atomically(self.folder / MANIFEST, self.manifest.to_json(indent=2).encode())
