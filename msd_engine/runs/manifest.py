"""What a run says about itself: the spec, where and with what it was trained, and how far it came."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated, Literal

from pydantic import Field

import msd_engine
from msd_engine.specs import ExperimentSpec
from msd_engine.specs.base import Spec

Status = Literal["running", "finished", "stopped", "failed"]


class Manifest(Spec):
    """The content of `manifest.json`, read as strictly as a spec.

    Attributes:
        format: Name and number of the layout of a run folder.
        spec: The experiment.
        versions: Versions of msd, torch, numpy and python.
        device: The device that computes, in words.
        threads: Threads of torch when the run was made.
        thread_history: Steps done, and with how many threads training went on from there; only with the same numbers
            is a training repeated to the same bits. Empty for runs of older versions.
        seed: Seed of the training.
        generator: What draws the noise of the training; empty for runs of older versions, with noise of another.
        created: When the run was made, in ISO 8601, UTC.
        step: Training steps in the last checkpoint.
        elapsed_s: Seconds of training up to there.
        status: How the run stands.
    """

    format: Literal["msd-run-1"] = "msd-run-1"
    spec: ExperimentSpec
    versions: dict[str, str]
    device: str
    threads: int = Field(ge=1)
    thread_history: tuple[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]], ...] = ()
    seed: int = Field(ge=0)
    generator: str = ""
    created: str
    step: int = Field(ge=0)
    elapsed_s: float = Field(ge=0.0)
    status: Status


def new_manifest(spec: ExperimentSpec, *, device: str, threads: int, generator: str) -> Manifest:
    """Return the manifest of a run that begins now."""
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
