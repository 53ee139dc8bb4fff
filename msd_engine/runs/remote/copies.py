"""The mark of a folder that is a copy of one elsewhere. Imports neither torch nor fsspec."""

from __future__ import annotations

import json
import time
from pathlib import Path

from msd_engine.backend.errors import UserError
from msd_engine.backend.files import read_bytes, reading, write_atomically
from msd_engine.runs.layout import MANIFEST, METRICS

COPY = "copy.json"
_LARGEST = 64 * 1024
# A training writes its measurements about three times a minute; a clock may be wrong, too.
_SILENT_S = 120.0


def mark(folder: Path, address: str) -> None:
    """Mark a folder as the copy of an address.

    Raises:
        UserError: It cannot be written.
    """
    write_atomically(folder / COPY, json.dumps({"address": address}).encode())


def is_copy(folder: Path) -> bool:
    """Return whether a folder is a copy."""
    return (folder / COPY).exists()


def address_of(folder: Path) -> str:
    """Return the address that a folder is a copy of; empty for no copy.

    Raises:
        BadFile: Its mark is damaged.
    """
    if not is_copy(folder):
        return ""
    path, expected = folder / COPY, "the mark of a copy"
    with reading(path, expected):
        return str(json.loads(read_bytes(path, expected, limit=_LARGEST))["address"])


def is_live(folder: Path) -> bool:
    """Return whether the run that a folder is a copy of has changed in the last two minutes."""
    if not is_copy(folder):
        return False
    times = [path.stat().st_mtime for path in (folder / MANIFEST, folder / METRICS) if path.exists()]
    return time.time() - max(times, default=0.0) < _SILENT_S


def refuse_copy(folder: Path) -> None:
    """Refuse to train in a copy.

    Raises:
        UserError: The folder is a copy.
    """
    if is_copy(folder):
        raise UserError(
            f"{folder.name} is a copy of a run elsewhere: train it there, or take its settings for a new run."
        )
