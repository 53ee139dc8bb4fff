"""Requests to a training by small files in its run folder, which the training looks for between its steps."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from msd_engine.backend.errors import UserError
from msd_engine.specs import Live

Request = Literal["stop", "checkpoint"]


def file_of(request: Request) -> str:
    """Return the name of the file that makes a request."""
    return f"{request}.request"


def clear(folder: Path) -> None:
    """Remove the requests to an earlier training."""
    for request in get_args(Request):
        _popped(folder, request)


def obey(folder: Path, live: Live) -> None:
    """Pass a request for a checkpoint on.

    Args:
        folder: The run folder.
        live: The requests to the training job.

    Raises:
        UserError: The training is asked to stop, and ends by it.
    """
    if _popped(folder, "checkpoint"):
        live.request_checkpoint()
    if _popped(folder, "stop"):
        raise UserError(f"{folder.name} was asked to stop by its file {file_of('stop')}, and is saved: resume it.")


def _popped(folder: Path, request: Request) -> bool:
    """Return whether there is a request, and remove it; False where it cannot be removed."""
    try:
        (folder / file_of(request)).unlink()
    except OSError:
        return False
    return True
