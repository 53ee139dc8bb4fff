"""The runs below a folder, read again only where something has changed; a damaged run is listed with the reason."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import MIB, read_bytes, reading
from msd_engine.events import RunRow
from msd_engine.runs.layout import CLAIM, LOCK, MANIFEST, METRICS, SWEEP, WEIGHTS
from msd_engine.runs.log import last_rows
from msd_engine.runs.manifest import Manifest
from msd_engine.runs.notes import Figure, read_figures, read_notes
from msd_engine.runs.sweeps import read_sweep
from msd_engine.runs.thumbnails import read_thumbnail
from msd_engine.specs import SpecError

_APP = "msd-gui"
_DEEPEST = 4
_LARGEST_HEADER = 16 * MIB
# File systems tell time in ticks: what changed just now may change again within the same tick.
_FRESH_NS = 1_000_000_000
_COLUMNS = ("yield", "distance", "distance_features")

_Stamp = tuple[int, ...]


def runs_folder(explicit: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of runs: the one given, or `MSD_RUNS_DIR`, or one in the user's data folder."""
    named = explicit or os.environ.get("MSD_RUNS_DIR")
    return Path(named) if named else platformdirs.user_data_path(_APP) / "runs"


def is_held(folder: str | os.PathLike[str]) -> bool:
    """Return whether somebody trains or measures a run right now, in this process or another.

    Args:
        folder: The run folder.

    Returns:
        Whether its lock is held, or its claim in a comparison; False where it cannot be told, as in a folder that
        cannot be written to.
    """
    return any(_is_locked(Path(folder) / name) for name in (LOCK, CLAIM))


def _is_locked(path: Path) -> bool:
    if not path.exists() or not os.access(path, os.W_OK):
        return False
    lock = filelock.FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        return True
    lock.release()
    return False


@dataclass(frozen=True)
class Found:
    """What one look at a folder has found.

    Attributes:
        row: A run that is new or has changed; None where this is the report of the end.
        gone: At the end, the paths of the runs that are there no more.
    """

    row: RunRow | None
    gone: tuple[str, ...] = ()


class Catalogue:
    """Knows the runs below a folder.

    Attributes:
        root: The folder.
        rows: The runs by path, as they were when last looked at.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        self.rows: dict[str, RunRow] = {}
        self._stamps: dict[str, _Stamp] = {}
        self._sweeps: dict[Path, tuple[int, str, dict[str, str]]] = {}

    def look(self) -> Iterator[Found | None]:
        """Look for new, changed and vanished runs.

        Yields:
            None for each run that is as it was, `Found` for one that is not, and at the end what is gone.

        Raises:
            UserError: The folder cannot be read.
        """
        seen: set[str] = set()
        for folder in _run_folders(self.root):
            path = str(folder)
            seen.add(path)
            stamp = _stamp(folder)
            known = self.rows.get(path)
            # A lock that is let go of changes no file.
            live = known is not None and known.status == "running"
            if known is not None and self._stamps.get(path) == stamp and not (live and not is_held(folder)):
                yield None
                continue
            row = self._in_sweep(read_row(folder, self.root), folder.parent)
            if time.time_ns() - max(stamp) > _FRESH_NS:
                self._stamps[path] = stamp
            else:
                self._stamps.pop(path, None)
            if row == known:
                yield None
                continue
            self.rows[path] = row
            yield Found(row)
        gone = tuple(self.rows.keys() - seen)
        for path in gone:
            del self.rows[path]
            self._stamps.pop(path, None)
        yield Found(None, gone)

    def _in_sweep(self, row: RunRow, above: Path) -> RunRow:
        """Add what comparison a run belongs to, if to any."""
        try:
            changed = (above / SWEEP).stat().st_mtime_ns
        except OSError:
            return row
        known = self._sweeps.get(above)
        if known is None or known[0] != changed:
            try:
                spec = read_sweep(above / SWEEP)
                title, names = spec.title, {child.name: child.words for child in spec.children()}
            except BadFile:
                # The comparison says so itself when it is opened; its runs are what they are.
                title, names = "", {}
            known = self._sweeps[above] = (changed, title or above.name, names)
        _, title, names = known
        # A run that the user has not named is called what it is there for.
        return replace(
            row, name=names.get(row.name, row.name), sweep=str(above), sweep_title=title, sweep_runs=len(names)
        )


def read_row(folder: Path, root: Path) -> RunRow:
    """Read what a list of runs shows of one.

    Args:
        folder: The run folder.
        root: The folder of all runs.

    Returns:
        The row; where its manifest is damaged one that says so.
    """
    above = folder.parent.relative_to(root).as_posix() if folder.is_relative_to(root) else ""
    row = RunRow(str(folder), "" if above == "." else above, folder.name, "damaged")
    problems: list[str] = []
    row = _with_notes(row, folder, problems)
    try:
        manifest = Manifest.from_json(read_bytes(folder / MANIFEST, "the manifest of a run", limit=4 * MIB))
    except (BadFile, SpecError) as error:
        return replace(row, problem=" ".join([f"{MANIFEST} cannot be read: {error}", *problems]))
    status = manifest.status
    row = replace(
        row,
        status="interrupted" if status == "running" and not is_held(folder) else status,
        data=manifest.spec.data.name,
        k=manifest.spec.training.k,
        step=manifest.step,
        elapsed_s=manifest.elapsed_s,
        created=_seconds(manifest.created),
        spec_json=manifest.spec.to_json(),
    )
    return replace(_with_measurements(row, folder, problems), problem=" ".join(problems))


def _with_notes(row: RunRow, folder: Path, problems: list[str]) -> RunRow:
    try:
        notes = read_notes(folder)
        row = replace(row, name=notes.name or row.name, note=notes.note, tags=notes.tags)
    except UserError as error:
        problems.append(str(error))
    try:
        row = replace(row, thumbnail=read_thumbnail(folder))
    except UserError as error:
        problems.append(str(error))
    return row


def _with_measurements(row: RunRow, folder: Path, problems: list[str]) -> RunRow:
    try:
        last = last_rows(folder / METRICS, "elapsed_s", "held_out")
        newest = last.get("elapsed_s", {})
        # While a run goes on, its measurements are ahead of its last checkpoint.
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


def _run_folders(root: Path, depth: int = 0) -> Iterator[Path]:
    """Yield all folders with a manifest; what lies inside a run is none of ours."""
    try:
        with os.scandir(root) as entries:
            folders = sorted(entry.path for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except FileNotFoundError:
        # No run was made yet, or this one was taken away a moment ago.
        return
    except OSError as error:
        if depth:
            return
        raise UserError(f"{root} cannot be read ({error.strerror}); choose another folder of runs.") from error
    for path in folders:
        folder = Path(path)
        if (folder / MANIFEST).exists():
            yield folder
        elif depth < _DEEPEST:
            yield from _run_folders(folder, depth + 1)


def _stamp(folder: Path) -> _Stamp:
    """Return what differs when a run has changed: files are put in their place whole, but measurements are appended."""
    times = []
    for path in (folder, folder / MANIFEST, folder / METRICS):
        try:
            found = path.stat()
        except OSError:
            times += [0, 0]
            continue
        times += [found.st_mtime_ns, found.st_size]
    return tuple(times)


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
