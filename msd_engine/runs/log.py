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
_FIRST_LOOK = 32 * 1024
_LAST_LOOK = 16 * MIB

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


def last_rows(path: Path, *names: str) -> dict[str, dict[str, Any]]:
    """Read, from the end, the last row that holds each of some fields, without reading a long file whole.

    Args:
        path: The file.
        names: The fields that are looked for.

    Returns:
        The rows by field; fields that no row holds, or none of the last 16 MiB, are left out.

    Raises:
        BadFile: A line that was looked at is no row.
    """
    found: dict[str, dict[str, Any]] = {}
    if not path.exists():
        return found
    with reading(path, _EXPECTED), path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        size = _FIRST_LOOK
        while True:
            start = max(0, end - size)
            file.seek(start)
            # Before the first line feed stands the rest of a row, after the last one that is being written.
            lines = file.read(end - start).split(b"\n")[0 if start == 0 else 1 : -1]
            for line in reversed(lines):
                if len(found) == len(names):
                    return found
                if any(name not in found and f'"{name}"'.encode() in line for name in names):
                    row = _row(path, line)
                    found = {**{name: row for name in names if name in row}, **found}
            if start == 0 or size >= _LAST_LOOK or len(found) == len(names):
                return found
            size *= 8


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
