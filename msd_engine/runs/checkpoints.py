"""Read files of tensors of a run, each with its step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from msd_engine.backend.errors import BadFile
from msd_engine.backend.tensors import read_notes, read_tensors

GENERATOR_STATE = "noise"
"""Name of the state of the noise generator in training states of older versions."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Tensors read from a run.

    Attributes:
        step: Training steps done.
        elapsed_s: Seconds of training up to this step.
        tensors: The tensors by name, on the CPU.
    """

    step: int
    elapsed_s: float
    tensors: dict[str, Tensor]


def read_checkpoint(
    path: Path,
    expected: str,
    like: Mapping[str, Tensor] | None = None,
    *,
    part: str = "",
    optional: Collection[str] = (),
    widen: bool = False,
) -> Checkpoint:
    """Read a file of tensors with its step; arguments and errors as of `msd_engine.backend.tensors.read_tensors`."""
    tensors, notes = read_tensors(path, expected, like, part=part, optional=optional, widen=widen)
    try:
        step, elapsed_s = int(notes["step"]), float(notes["elapsed_s"])
    except (KeyError, ValueError) as error:
        raise BadFile(f"{path} does not say its step; expected {expected}.") from error
    if step < 0 or not 0.0 <= elapsed_s < float("inf"):
        raise BadFile(f"{path} has an impossible step or time; expected {expected}.")
    return Checkpoint(step, elapsed_s, tensors)


def noted_step(path: Path) -> int:
    """Return the step of a file of tensors; -1 if the file or its step is missing."""
    try:
        # Open regular files only: opening a named pipe would block forever.
        return int(read_notes(path, "tensors of a run (safetensors)")["step"]) if path.is_file() else -1
    except (BadFile, KeyError, ValueError):
        return -1
