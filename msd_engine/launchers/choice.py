"""The engine that a text names: ``local:2``, ``ray:auto``, ``slurm:gpu``."""

from __future__ import annotations

import os
from pathlib import Path

from msd_engine.backend.errors import UserError
from msd_engine.launchers.launch import Engine, Resources
from msd_engine.launchers.local import Local
from msd_engine.launchers.on_ray import OnRay
from msd_engine.specs.tables.places import PLACES, check_cards, why_not

_MOST_WORKERS = 1000


def engine_of(text: str, resources: Resources, folder: Path) -> Engine:
    """Return an engine; it starts nothing before its first task.

    Args:
        text: Its kind, and after a colon the number of workers, the address or the partition.
        resources: Needs of one command.
        folder: The folder of the work, for the files of the engine.

    Raises:
        SpecError: It cannot give so many cards.
        UserError: There is no such engine, or it is not installed here.
    """
    kind, _, detail = text.partition(":")
    if kind not in PLACES:
        known = ", ".join(f"{name}[:{row.detail.upper()}]" for name, row in PLACES.items())
        raise UserError(f"There is no place {text!r} to run on: give one of {known}.")
    if resources.cards and PLACES[kind].cards:
        check_cards(resources.cards, kind)
    if missing := why_not(kind):
        raise UserError(missing)
    match kind:
        case "local":
            workers = detail or str(max(1, (os.cpu_count() or 1) // resources.threads))
            if not (workers.isascii() and workers.isdigit() and 0 < int(workers) <= _MOST_WORKERS):
                raise UserError(f"The number of workers must be from 1 to {_MOST_WORKERS}, but is {workers!r}.")
            return Local(int(workers))
        case "ray":
            return OnRay(detail, resources, folder)
        case _:
            from msd_engine.launchers.on_slurm import OnSlurm

            return OnSlurm(detail, resources, folder)
