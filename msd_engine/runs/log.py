"""Rows of metrics: one JSON object a line, appended while a run goes on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import MIB, read_bytes, reading, write_atomically, writing

_EXPECTED = "a list of metrics, one JSON object a line, each with its step"
_LARGEST = 1024 * MIB

Row = Mapping[str, Any]


def append_rows(path: Path, rows: Iterable[Row]) -> None:
    """Append rows; each is a flat mapping with an integer ``step`` and numbers or lists of numbers.

    Args:
        path: The file; made where it is missing.
        rows: The rows. Numbers that are not finite become null, which `read_rows` gives back as NaN.

    Raises:
        UserError: The file cannot be written.
    """
    text = _text(rows)
    with writing(path), path.open("ab") as file:
        file.write(text)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read all rows; none where there is no file. A last line that was cut by a crash is left out.

    Raises:
        BadFile: A line is no row.
    """
    if not path.exists():
        return []
    # What follows the last line feed is empty, or was being written when the program died.
    lines = read_bytes(path, _EXPECTED, limit=_LARGEST).split(b"\n")[:-1]
    with reading(path, _EXPECTED):
        return [_row(path, line) for line in lines]


def rewind_rows(path: Path, step: int) -> None:
    """Drop the rows of later steps, and with them any cut line.

    Raises:
        UserError: The file cannot be read or written.
    """
    rows = read_rows(path)
    write_atomically(path, _text(row for row in rows if row["step"] <= step))


def flush(path: Path) -> None:
    """Push appended rows to the disk.

    Raises:
        UserError: That failed.
    """
    if not path.exists():
        return
    with writing(path), path.open("ab") as file:
        os.fsync(file.fileno())


def _text(rows: Iterable[Row]) -> bytes:
    return "".join(json.dumps(_plain(dict(row)), allow_nan=False) + "\n" for row in rows).encode()


def _row(path: Path, line: bytes) -> dict[str, Any]:
    row = json.loads(line)
    if not isinstance(row, dict) or type(row.get("step")) is not int:
        raise BadFile(f"{path} is not {_EXPECTED}: a line has no step.")
    return {name: _restore(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _restore(value: Any) -> Any:
    if isinstance(value, list):
        return [_restore(item) for item in value]
    return math.nan if value is None else value
