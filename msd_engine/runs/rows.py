"""Read the row of a run for the list of runs, with a message for each damaged file."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import MIB, reading
from msd_engine.events import RunRow
from msd_engine.runs.layout import MANIFEST, METRICS, WEIGHTS, is_held
from msd_engine.runs.log import last_rows
from msd_engine.runs.manifest import read_manifest
from msd_engine.runs.notes import Figure, read_figures, read_notes
from msd_engine.runs.remote.copies import address_of, is_live
from msd_engine.runs.thumbnails import read_thumbnail

_LARGEST_HEADER = 16 * MIB
_COLUMNS = ("yield", "distance", "distance_features")


def read_row(folder: Path, root: Path) -> RunRow:
    """Read the row of a run.

    Args:
        folder: The run folder.
        root: The folder of all runs.

    Returns:
        The row; its status is ``damaged`` if the manifest is.
    """
    above = folder.parent.relative_to(root).as_posix() if folder.is_relative_to(root) else ""
    row = RunRow(str(folder), "" if above == "." else above, folder.name, "damaged")
    problems: list[str] = []
    row = _with_notes(row, folder, problems)
    try:
        manifest = read_manifest(folder)
    except BadFile as error:
        return replace(row, problem=" ".join([f"{MANIFEST} cannot be read: {error}", *problems]))
    status = manifest.status
    row = replace(
        row,
        status="interrupted" if status == "running" and not is_alive(folder) else status,
        data=manifest.spec.data.name,
        k=manifest.spec.training.k,
        step=manifest.step,
        elapsed_s=manifest.elapsed_s,
        created=_seconds(manifest.created),
        spec_json=manifest.spec.to_json(),
    )
    return replace(_with_measurements(row, folder, problems), problem=" ".join(problems))


def is_alive(folder: Path) -> bool:
    """Return whether a run is in training: here, or, for a copy, elsewhere not long ago."""
    return is_held(folder) or is_live(folder)


def _with_notes(row: RunRow, folder: Path, problems: list[str]) -> RunRow:
    try:
        notes = read_notes(folder)
        row = replace(row, name=notes.name or row.name, note=notes.note, tags=notes.tags)
        row = replace(row, elsewhere=address_of(folder))
    except UserError as error:
        problems.append(str(error))
    try:
        row = replace(row, thumbnail=read_thumbnail(folder))
    except UserError as error:
        problems.append(str(error))
    return row


def _with_measurements(row: RunRow, folder: Path, problems: list[str]) -> RunRow:
    try:
        last, damaged = last_rows(folder / METRICS, "elapsed_s", "held_out")
        if damaged:
            problems.append(f"{METRICS} has damaged lines, which are left out.")
        newest = last.get("elapsed_s", {})
        # During training, measurements are ahead of the last checkpoint.
        if row.status == "running" and newest.get("step", 0) > row.step:
            row = replace(row, step=newest["step"], elapsed_s=float(newest["elapsed_s"]))
        row = replace(row, held_out=float(last.get("held_out", {}).get("held_out", math.nan)))
        row = replace(row, parameters=_parameters(folder / WEIGHTS))
        figures = read_figures(folder)
    except (UserError, TypeError, ValueError) as error:
        problems.append(str(error))
        return row
    return replace(
        row,
        alive=_number(figures.get("yield")),
        distance=_number(figures.get("distance")),
        features=str(figures.get("distance_features", "")),
        figures=tuple((name, _words(value)) for name, value in figures.items() if name not in _COLUMNS),
    )


def _parameters(path: Path) -> int:
    if not path.exists():
        return 0
    with reading(path, "the averaged weights of a run (safetensors)"), path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _LARGEST_HEADER:
            raise BadFile(f"{path} is no safetensors file: its header would have {length:,} bytes.")
        header: dict[str, Any] = json.loads(file.read(length))
        return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def _seconds(moment: str) -> float:
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return math.nan


def _number(value: Figure | None) -> float:
    return value if isinstance(value, float) else math.nan


def _words(value: Figure) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
