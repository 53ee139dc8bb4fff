"""The manifest of a run: its spec, device, versions and progress."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

import msd_engine
from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import MIB, read_bytes
from msd_engine.runs.layout import MANIFEST
from msd_engine.specs import ExperimentSpec, SpecError
from msd_engine.specs.base import Spec

Status = Literal["running", "finished", "stopped", "failed"]


class Manifest(Spec):
    """The content of `manifest.json`, read as strictly as a spec.

    Attributes:
        format: Name and number of the layout of a run folder.
        spec: The experiment.
        versions: Versions of msd, torch, numpy and python.
        device: Description of the device.
        threads: Threads of torch at creation.
        thread_history: Pairs of a step and the number of threads from there on; repeating a training to the same bits
            needs the same numbers. Empty for runs of older versions.
        process_history: Pairs of a step and the number of processes that share each batch from there on; empty for
            one process.
        seed: Seed of the training.
        generator: Name of the generator of the training noise; empty for runs of older versions, which used another.
        created: Time of creation in ISO 8601, UTC.
        step: Training steps in the last checkpoint.
        elapsed_s: Seconds of training up to this step.
        status: State of the run.
    """

    format: Literal["msd-run-1"] = "msd-run-1"
    spec: ExperimentSpec
    versions: dict[str, str]
    device: str
    threads: int = Field(ge=1)
    thread_history: tuple[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]], ...] = ()
    process_history: tuple[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]], ...] = ()
    seed: int = Field(ge=0)
    generator: str = ""
    created: str
    step: int = Field(ge=0)
    elapsed_s: float = Field(ge=0.0)
    status: Status


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a run; imports no torch.

    Raises:
        BadFile: It is missing or damaged.
    """
    path, expected = folder / MANIFEST, "the manifest of a run"
    text = read_bytes(path, expected, limit=4 * MIB)
    try:
        return Manifest.from_json(text)
    except SpecError as error:
        raise BadFile(f"{path} is not {expected}: {error}") from error


def new_manifest(spec: ExperimentSpec, *, device: str, threads: int, generator: str) -> Manifest:
    """Return the manifest of a new run."""
    versions = {name: version(name) for name in ("torch", "numpy")}
    return Manifest(
        spec=spec,
        versions={"msd": msd_engine.__version__, **versions, "python": platform.python_version()},
        device=device,
        threads=threads,
        seed=spec.training.seed,
        generator=generator,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        step=0,
        elapsed_s=0.0,
        status="running",
    )
