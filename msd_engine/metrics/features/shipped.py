"""Judges that ship with the program: classifiers of grey images, and where real images lie in their eyes.

Made by ``python packaging/judges.py`` as the program itself makes them at first need. A list beside them holds the
SHA-256 of each file; what is not listed, or has changed, is refused as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import os
from importlib.resources import files
from pathlib import Path

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import MIB, read_bytes

INDEX = "sha256.json"
"""Name of the list of files and their SHA-256."""

_EXPECTED = "a judge that ships with the program"
_LARGEST = 64 * MIB


def shipped_folder() -> Path:
    """Return the folder of the judges that ship with the program."""
    return Path(os.fspath(files("msd_resources") / "judges"))  # type: ignore[call-overload]


def shipped(name: str) -> Path | None:
    """Find a file that ships with the program.

    Args:
        name: Its name, such as ``mnist.safetensors``.

    Returns:
        The file; None where none of that name ships, or where it is not the one that was listed.
    """
    folder = shipped_folder()
    try:
        listed = json.loads(read_bytes(folder / INDEX, _EXPECTED, limit=MIB)).get(name)
        data = read_bytes(folder / name, _EXPECTED, limit=_LARGEST) if listed else b""
    except (BadFile, ValueError):
        return None
    return folder / name if listed and hashlib.sha256(data).hexdigest() == listed else None
