"""The engine that a text names: ``local:2``, ``ray:auto``, ``slurm:gpu``."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from msd_engine.backend.errors import UserError
from msd_engine.launchers.launch import Engine, Resources
from msd_engine.launchers.local import Local

_KINDS = "local[:WORKERS], ray[:ADDRESS] or slurm[:PARTITION]"


def engine_of(text: str, resources: Resources, folder: Path) -> Engine:
    """Return an engine; it starts nothing before its first task.

    Args:
        text: Its kind, and after a colon the number of workers, the address or the partition.
        resources: Needs of one command.
        folder: The folder of the work, for the files of the engine.

    Raises:
        UserError: There is no such engine, or it is not installed here.
    """
    kind, _, rest = text.partition(":")
    match kind:
        case "local":
            return Local(_workers(rest) if rest else max(1, (os.cpu_count() or 1) // resources.threads))
        case "ray":
            _require("ray", "ray")
            from msd_engine.launchers.on_ray import OnRay

            return OnRay(rest, resources)
        case "slurm":
            if resources.cards != int(resources.cards):
                raise UserError(f"Slurm gives whole cards: ask for 1 for each run, not for {resources.cards:g}.")
            _require("slurm", "submitit")
            if shutil.which("sbatch") is None:
                raise UserError("There is no Slurm here (its command sbatch is missing): log in to a node that has it.")
            from msd_engine.launchers.on_slurm import OnSlurm

            return OnSlurm(rest, resources, folder)
    raise UserError(f"There is no place {text!r} to run on: give {_KINDS}.")


def _workers(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1000):
        raise UserError(f"The number of workers must be from 1 to 1000, but is {text!r}.")
    return int(text)


def _require(extra: str, module: str) -> None:
    if find_spec(module) is None:
        raise UserError(f"{module} is not installed: pip install 'msd-gui[{extra}]' brings it.")
