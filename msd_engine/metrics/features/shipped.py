"""Judges shipped with the program: classifiers of grey images, and the regions of real images in their features.

Made by ``python packaging/judges.py`` as the program does at first need. A list beside them holds the SHA-256 of each
file; unlisted or changed files are treated as missing.
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
    """Return the folder of the shipped judges."""
    return Path(os.fspath(files("msd_resources") / "judges"))  # type: ignore[call-overload]


def shipped(name: str) -> Path | None:
    """Return a shipped file by name, such as ``mnist.safetensors``; None if it is missing, unlisted or changed."""
    folder = shipped_folder()
    try:
        listed = json.loads(read_bytes(folder / INDEX, _EXPECTED, limit=MIB)).get(name)
        data = read_bytes(folder / name, _EXPECTED, limit=_LARGEST) if listed else b""
    except (BadFile, ValueError):
        return None
    return folder / name if listed and hashlib.sha256(data).hexdigest() == listed else None
