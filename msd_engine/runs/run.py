"""A run: one folder with everything about one training, readable after a crash at any moment.

* ``manifest.json``: the spec, versions, device and how far the run came;
* ``metrics.jsonl``: one line for each measurement;
* ``state.safetensors``: what training needs to go on as if it had never stopped;
* ``weights.safetensors``: the averaged weights, with the spec beside them, which is all that sampling needs;
* ``earlier.safetensors``: the averaged weights of a moment early in training, by which sampling can be guided.

A checkpoint writes the state first. Each file carries its step, so that after a crash between two files the state
is simply ahead of the others, and the run goes on from the state.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from msd_engine.backend.counter import GENERATOR
from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import MIB, make_folder, read_bytes, reading, write_atomically
from msd_engine.backend.tensors import pack_tensors, read_tensors
from msd_engine.runs.layout import EARLIER, LOCK, MANIFEST, METRICS, STATE, SWEEP, WEIGHTS, no_run
from msd_engine.runs.locks import hold
from msd_engine.runs.log import Row, append_rows, flush, read_rows, rewind_rows
from msd_engine.runs.manifest import Manifest, Status, new_manifest
from msd_engine.runs.older import older_tensors
from msd_engine.specs import ExperimentSpec, SpecError
from msd_engine.specs.models import CARD

# Who only asks whether a run is held holds it for an instant.
_PATIENCE_S = 0.2

_RUN = "the manifest of a run"
_EXPECTED_STATE = "the training state of a run (safetensors)"
_EXPECTED_WEIGHTS = "the averaged weights of a run (safetensors)"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Tensors read back from a run.

    Attributes:
        step: Training steps done.
        elapsed_s: Seconds of training up to there.
        tensors: The tensors by name, on the CPU.
    """

    step: int
    elapsed_s: float
    tensors: dict[str, Tensor]


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
        return (self.folder / WEIGHTS).exists()

    @property
    def has_earlier(self) -> bool:
        """Whether averaged weights of a moment early in training were kept."""
        return (self.folder / EARLIER).exists()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run, so that no other process and no other job trains it meanwhile.

        The system lets go of the lock when its holder dies, however it dies.

        Yields:
            Nothing.

        Raises:
            UserError: Somebody else holds the run, its folder cannot be written, or it is a pretrained model.
        """
        if (self.folder / CARD).exists():
            raise UserError(f"{self.folder.name} is a pretrained model, which is never changed: train a new run.")
        taken = f"{self.folder} is being trained already: wait for it, stop it, or start another."
        with hold(self.folder / LOCK, _PATIENCE_S, taken):
            yield

    def save(
        self,
        state: Mapping[str, Tensor],
        weights: Mapping[str, Tensor],
        step: int,
        *,
        elapsed_s: float,
        status: Status = "running",
    ) -> None:
        """Write a checkpoint. A crash at any moment leaves this one or the one before.

        Args:
            state: All that training needs to go on: weights, optimiser, averaged weights, generator states.
            weights: The averaged weights.
            step: Training steps done.
            elapsed_s: Seconds of training so far.
            status: How the run stands.

        Raises:
            UserError: The disk is full or the folder cannot be written; the checkpoint before is kept.
        """
        notes = {"step": str(step), "elapsed_s": repr(float(elapsed_s)), "spec": self.spec.to_json()}
        flush(self.folder / METRICS)
        write_atomically(self.folder / STATE, pack_tensors(state, notes))
        write_atomically(self.folder / WEIGHTS, pack_tensors(weights, notes))
        self.manifest = self.manifest.replace_all({"step": step, "elapsed_s": float(elapsed_s), "status": status})
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
        notes = {"step": str(step), "elapsed_s": repr(float(elapsed_s))}
        write_atomically(self.folder / EARLIER, pack_tensors(weights, notes))

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
        if like is not None:
            like = {**like, **older_tensors(self.folder / STATE, _EXPECTED_STATE)}
        return self._load(STATE, _EXPECTED_STATE, like)

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
        return self._load(WEIGHTS, _EXPECTED_WEIGHTS, like, widen=True)

    def load_earlier(self, like: Mapping[str, Tensor] | None = None) -> Checkpoint:
        """Read the averaged weights of a moment early in training.

        Args:
            like: Tensors whose names, shapes and dtypes are expected; None accepts any.

        Returns:
            The weights, with the step that they belong to.

        Raises:
            BadFile: There are none, or they are damaged or of another network.
        """
        return self._load(EARLIER, _EXPECTED_WEIGHTS, like, widen=True)

    def append_metrics(self, rows: Iterable[Row]) -> None:
        """Append measurements; each row has an integer ``step`` and numbers, or lists or arrays of numbers.

        Raises:
            UserError: The file cannot be written.
        """
        append_rows(self.folder / METRICS, rows)

    def read_metrics(self) -> list[dict[str, Any]]:
        """Read all measurements so far; what was not finite is NaN.

        Raises:
            BadFile: The file is damaged.
        """
        return read_rows(self.folder / METRICS)

    def rewind_metrics(self, step: int) -> None:
        """Drop the measurements after a step, before training goes on from there.

        Raises:
            UserError: The file cannot be read or written.
        """
        rewind_rows(self.folder / METRICS, step)

    def _load(self, name: str, expected: str, like: Mapping[str, Tensor] | None, *, widen: bool = False) -> Checkpoint:
        path = self.folder / name
        tensors, notes = read_tensors(path, expected, like, widen=widen)
        try:
            step, elapsed_s = int(notes["step"]), float(notes["elapsed_s"])
        except (KeyError, ValueError) as error:
            raise BadFile(f"{path} does not say its step; expected {expected}.") from error
        if step < 0 or not 0.0 <= elapsed_s < float("inf"):
            raise BadFile(f"{path} has an impossible step or time; expected {expected}.")
        return Checkpoint(step, elapsed_s, tensors)

    def _write_manifest(self) -> None:
        write_atomically(self.folder / MANIFEST, self.manifest.to_json(indent=2).encode())
