"""Files beside a run: figures measured on it, and the notes of the user."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, field_validator

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import MIB, read_bytes, reading, write_atomically
from msd_engine.runs.layout import FIGURES, NOTES
from msd_engine.specs import SpecError
from msd_engine.specs.base import Spec

Figure = float | str

_FIGURES = "figures of a run: one flat JSON object of numbers and words"
_NOTES = "the notes on a run"


class Notes(Spec):
    """Notes of the user on a run: the content of `notes.json`.

    Attributes:
        name: Name of the run; empty for that of the folder.
        note: Free text.
        tags: Words for searching, without spaces.
    """

    name: str = Field("", max_length=200)
    note: str = Field("", max_length=20_000)
    tags: tuple[str, ...] = Field((), max_length=32)

    @field_validator("tags")
    @classmethod
    def _are_words(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        if any(not tag or len(tag) > 40 or tag.split() != [tag] for tag in tags):
            raise ValueError("a tag is one word of at most 40 characters")
        return tuple(dict.fromkeys(tags))


def read_notes(folder: str | os.PathLike[str]) -> Notes:
    """Read the notes on a run; empty if there is no file.

    Args:
        folder: The run folder.

    Returns:
        The notes.

    Raises:
        BadFile: The file is damaged.
    """
    path = Path(folder) / NOTES
    if not path.exists():
        return Notes()
    try:
        return Notes.from_json(read_bytes(path, _NOTES, limit=MIB))
    except SpecError as error:
        raise BadFile(f"{path} is not {_NOTES}: {error}") from error


def write_notes(folder: str | os.PathLike[str], notes: Notes) -> None:
    """Write the notes on a run.

    Args:
        folder: The run folder.
        notes: The notes, which replace those in the file.

    Raises:
        UserError: The file cannot be written.
    """
    write_atomically(Path(folder) / NOTES, notes.to_json(indent=2).encode())


def read_figures(folder: str | os.PathLike[str]) -> dict[str, Figure]:
    """Read the figures of a run; empty if there is no file.

    Args:
        folder: The run folder.

    Returns:
        Finite numbers and words by name, such as ``yield`` (share of surviving chains, in [0, 1]), ``distance``
        and ``distance_features``, the name of its features.

    Raises:
        BadFile: The file is damaged.
    """
    path = Path(folder) / FIGURES
    if not path.exists():
        return {}
    text = read_bytes(path, _FIGURES, limit=MIB)
    with reading(path, _FIGURES):
        found = json.loads(text)
        figures = {str(name): _figure(value) for name, value in found.items() if not isinstance(value, dict | list)}
    return {name: value for name, value in figures.items() if value is not None}


def add_figures(folder: str | os.PathLike[str], figures: Mapping[str, Figure]) -> None:
    """Add figures to a run, or replace those of the same names.

    Args:
        folder: The run folder.
        figures: Numbers and words by name; a number that is not finite removes the figure.

    Raises:
        UserError: The present file is damaged, or cannot be written.
    """
    known: dict[str, Figure | None] = {
        **read_figures(folder),
        **{name: _figure(value) for name, value in figures.items()},
    }
    text = json.dumps({name: value for name, value in known.items() if value is not None}, indent=2, ensure_ascii=False)
    write_atomically(Path(folder) / FIGURES, text.encode())


def _figure(value: object) -> Figure | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        return value
    return float(value) if math.isfinite(value) else None
