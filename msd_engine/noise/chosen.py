"""The process and the coordinates that a spec names, read from the files that their rows name."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from msd_engine.noise.process import Process
from msd_engine.noise.space import Space
from msd_engine.specs import NoiseSpec
from msd_engine.specs.tables.noise import COVARIANCES, PROCESSES


@cache
def process_of(spec: NoiseSpec) -> Process:
    """Return the forward process of a spec."""
    name = f"msd_engine.noise.processes.{PROCESSES[spec.process].module}"
    made: Process = import_module(name).process(spec)
    return made


@cache
def space_of(spec: NoiseSpec, shape: tuple[int, ...]) -> Space:
    """Return the coordinates in which the noise of a spec is white.

    Args:
        spec: Names the covariance.
        shape: Shape of one datum.
    """
    name = f"msd_engine.noise.covariances.{COVARIANCES[spec.covariance].module}"
    made: Space = import_module(name).space(spec, shape)
    return made
