"""Read and append rows of metrics: one JSON object per line.

No checkpoint depends on the rows: readers skip and count lines that a crash has cut or damaged, and the run stays
readable and can resume.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from msd_engine.backend.files import MIB, flush_entry, read_bytes, reading, write_atomically, writing
from msd_engine.events import HeldOutLoss

_EXPECTED = "a list of metrics, one JSON object a line, each with its step"
_LARGEST = 1024 * MIB
_FIRST_LOOK = 32 * 1024
_LAST_LOOK = 16 * MIB
_BANDS = ("band_sigma_eff", "band_loss", "band_mmse")

Row = Mapping[str, Any]


class Log(NamedTuple):
    """Measurements in a file.

    Attributes:
        rows: The rows in the order of their steps. Each has its ``step`` and ``elapsed_s``, and either ``loss``, or
            ``held_out``, ``mmse``, ``standard_error`` and three lists of one length, ``band_sigma_eff``, ``band_loss``
            and ``band_mmse``; unknown values are NaN.
        damaged: Number of skipped lines, which are not rows.
    """

    rows: list[dict[str, Any]]
    damaged: int


def held_out_loss(row: Row) -> HeldOutLoss:
    """Return the event for a held-out measurement; its standard error is NaN in runs of older versions.

    Args:
        row: A row of metrics with ``held_out``.
    """
    bands = {name: np.array(row[name], dtype=np.float64) for name in _BANDS}
    error = row["standard_error"]
    return HeldOutLoss(row["step"], row["held_out"], row["elapsed_s"], mmse=row["mmse"], standard_error=error, **bands)


def append_rows(path: Path, rows: Iterable[Row]) -> None:
    """Append rows, all or none; each is a flat mapping with an integer ``step`` and numbers or lists of numbers.

    Args:
        path: The file; created if missing.
        rows: The rows. Numbers that are not finite become null, which `read_log` reads as NaN.

    Raises:
        UserError: The file cannot be written; it is unchanged.
    """
    text = _text(rows)
    with writing(path), open(path, "ab+", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            # A crash may have left half a line, which must not join the first row.
            text = text if file.read(1) == b"\n" else b"\n" + text
        _append(file, text, end)
    if not end:
        flush_entry(path)


def append_bytes(path: Path, text: bytes) -> None:
    """Append rows as another file has them, all or none.

    Raises:
        UserError: The file cannot be written; it is unchanged.
    """
    with writing(path), open(path, "ab+", buffering=0) as file:
        _append(file, text, file.seek(0, os.SEEK_END))


def _append(file: FileIO, text: bytes, end: int) -> None:
    left = memoryview(text)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(end)
        raise


def read_log(path: Path) -> Log:
    """Read all rows; none if there is no file.

    If training repeated steps, only the later rows of these steps are returned.

    Raises:
        BadFile: The file cannot be read at all.
    """
    if not path.exists():
        return Log([], 0)
    # The text after the last line feed is empty, or a line cut by a crash.
    lines = read_bytes(path, _EXPECTED, limit=_LARGEST).split(b"\n")[:-1]
    rows: list[dict[str, Any]] = []
    damaged = 0
    for line in lines:
        row = _row(line)
        if row is None:
            damaged += 1
            continue
        while rows and _is_superseded(rows[-1], row):
            rows.pop()
        rows.append(row)
    return Log(rows, damaged)


def last_rows(path: Path, *names: str) -> tuple[dict[str, dict[str, Any]], int]:
    """Read the last row with each of some fields, from the end, without reading a long file whole.

    Args:
        path: The file.
        names: The fields.

    Returns:
        The rows by field, without fields that no row in the last 16 MiB holds; and the number of damaged lines among
        those read.

    Raises:
        BadFile: The file cannot be read at all.
    """
    found: dict[str, dict[str, Any]] = {}
    marks = {name: f'"{name}"'.encode() for name in names}
    damaged = 0
    if not path.exists():
        return found, damaged
    with reading(path, _EXPECTED), path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        size = _FIRST_LOOK
        while True:
            start = max(0, end - size)
            file.seek(start)
            # Before the first line feed is the rest of a row; after the last one, a row that is being written.
            lines = file.read(end - start).split(b"\n")[0 if start == 0 else 1 : -1]
            damaged = 0
            for line in reversed(lines):
                if len(found) == len(names):
                    return found, damaged
                if any(mark in line and name not in found for name, mark in marks.items()):
                    row = _row(line)
                    damaged += row is None
                    row = row or {}
                    found = {**{name: row for name in names if name in row}, **found}
            if start == 0 or size >= _LAST_LOOK or len(found) == len(names):
                return found, damaged
            size *= 8


def rewind_rows(path: Path, step: int) -> int:
    """Drop the rows of later steps and all damaged lines.

    Returns:
        Number of damaged lines.

    Raises:
        BadFile: The file cannot be read at all.
        UserError: It cannot be written.
    """
    log = read_log(path)
    write_atomically(path, _text(row for row in log.rows if row["step"] <= step))
    return log.damaged


def flush(path: Path) -> None:
    """Push appended rows to the disk.

    Raises:
        UserError: The disk refuses.
    """
    if not path.exists():
        return
    with writing(path), open(path, "ab") as file:
        os.fsync(file.fileno())


def _is_superseded(row: Row, newer: Row) -> bool:
    """Return whether training repeated the step of a row from `newer` on."""
    same_kind = ("held_out" in row) == ("held_out" in newer)
    return bool(row["step"] > newer["step"] or (row["step"] == newer["step"] and same_kind))


def _text(rows: Iterable[Row]) -> bytes:
    return "".join(json.dumps(_plain(dict(row)), allow_nan=False) + "\n" for row in rows).encode()


def _row(line: bytes) -> dict[str, Any] | None:
    """Return the complete row in a line, or None."""
    try:
        found = json.loads(line)
        step = found.pop("step")
        values = {name: _restore(value) for name, value in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    if type(step) is not int or not 0 <= step < 2**63 or not ("loss" in values or "held_out" in values):
        return None
    missing: dict[str, Any] = {"elapsed_s": math.nan}
    if "held_out" in values:
        given: Any = next((values[name] for name in _BANDS if isinstance(values.get(name), list)), [])
        missing |= {"mmse": math.nan, "standard_error": math.nan, **dict.fromkeys(_BANDS, [math.nan] * len(given))}
    row = {"step": step, **missing, **values}
    numbers = [row[name] for name in ("loss", "held_out", "mmse", "standard_error", "elapsed_s") if name in row]
    bands = [row[name] for name in _BANDS if name in row]
    lengths = {len(band) if isinstance(band, list) else -1 for band in bands}
    is_sound = all(isinstance(number, float) for number in numbers) and len(lengths) < 2 and -1 not in lengths
    return row if is_sound else None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _restore(value: Any) -> float | list[float]:
    """Return a number or a list of numbers; null becomes NaN."""
    if isinstance(value, list):
        return [_number(item) for item in value]
    return _number(value)


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a measurement is a number")
    number = float(value)
    return number if math.isfinite(number) else math.nan
