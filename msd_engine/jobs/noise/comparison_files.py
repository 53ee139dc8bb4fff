"""Files of a comparison of noises: its plan, and the figures of its samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import MIB, read_bytes
from msd_engine.specs import SpecError
from msd_engine.specs.reproduction import NoiseCell, NoisesFolder

PLAN = "noises.json"

_EXPECTED, _EXPECTED_CELL = "the plan of a comparison of noises", "figures of samples of a comparison of noises"

Kept = TypeVar("Kept")


def read_plan(path: Path) -> NoisesFolder:
    """Read the plan of a comparison; `BadFile` if it is missing or damaged."""
    return _read(path, _EXPECTED, NoisesFolder.from_json)


def read_cell(path: Path) -> NoiseCell:
    """Read the figures of a cell; `BadFile` if they are missing or damaged."""
    return _read(path, _EXPECTED_CELL, NoiseCell.from_json)


def _read(path: Path, expected: str, parse: Callable[[bytes], Kept]) -> Kept:
    try:
        return parse(read_bytes(path, expected, limit=MIB))
    except SpecError as error:
        raise BadFile(f"{path} is not {expected}: {error}") from error
