"""List the runs below a folder; read only changed ones again, and list damaged ones with the reason."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from msd_engine.backend.errors import UserError
from msd_engine.events import RunRow
from msd_engine.runs.layout import MANIFEST, METRICS, NOTES, SWEEP
from msd_engine.runs.notes import Notes, read_notes
from msd_engine.runs.rows import is_alive, read_row
from msd_engine.runs.sweeps import read_sweep, sweep_of
from msd_engine.specs import training_hash

_APP = "msd-gui"
_DEEPEST = 5
# File times are coarse: a file that has just changed may change again at the same time stamp.
_FRESH_NS = 1_000_000_000

_Stamp = tuple[int, ...]


def runs_folder(explicit: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of runs: the one given, or `MSD_RUNS_DIR`, or one in the user's data folder."""
    named = explicit or os.environ.get("MSD_RUNS_DIR", "").strip()
    return Path(os.path.expanduser(named)) if named else platformdirs.user_data_path(_APP) / "runs"


@dataclass(frozen=True)
class _Sweep:
    """Facts about a comparison in the rows of its runs."""

    stamp: _Stamp
    title: str
    names: dict[str, str]
    runs: int
    notes: Notes


@dataclass(frozen=True)
class Found:
    """Result of reading one folder.

    Attributes:
        row: A new or changed run; None in the last result of a scan.
        gone: In the last result, the paths of removed runs.
    """

    row: RunRow | None
    gone: tuple[str, ...] = ()


class Catalogue:
    """The runs below a folder.

    Attributes:
        root: The folder.
        rows: The runs by path, at the last scan.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        self.rows: dict[str, RunRow] = {}
        self._stamps: dict[str, _Stamp] = {}
        self._sweeps: dict[Path, _Sweep] = {}

    def scan(self) -> Iterator[Found | None]:
        """Find new, changed and removed runs.

        Yields:
            None for each unchanged run, `Found` for each other run, and at the end `Found` with the removed runs.

        Raises:
            UserError: The folder cannot be read.
        """
        seen: set[str] = set()
        sweeps: dict[Path, _Sweep | None] = {}
        for folder in _run_folders(self.root):
            path = str(folder)
            seen.add(path)
            above = sweep_of(folder) or folder.parent
            if above not in sweeps:
                sweeps[above] = self._sweep(above)
            sweep = sweeps[above]
            stamp = _stamp(folder) + (sweep.stamp if sweep else ())
            known = self.rows.get(path)
            # Releasing a lock changes no file.
            live = known is not None and known.status == "running"
            if known is not None and self._stamps.get(path) == stamp and not (live and not is_alive(folder)):
                yield None
                continue
            try:
                row = read_row(folder, self.root)
            except OSError as error:
                row = RunRow(path, "", folder.name, "damaged", problem=f"{path} cannot be read ({error.strerror}).")
            if sweep is not None:
                row = _in_sweep(row, above, sweep)
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

    def _sweep(self, folder: Path) -> _Sweep | None:
        """Read a comparison again if it has changed; None if the folder holds none."""
        try:
            stamp = (*_changed(folder / SWEEP), *_changed(folder / NOTES, missing=0))
        except OSError:
            return None
        known = self._sweeps.get(folder)
        if known is None or known.stamp != stamp:
            known = self._sweeps[folder] = _read_sweep(folder, stamp)
        return known


def _changed(path: Path, missing: int | None = None) -> tuple[int, int]:
    """Return time of change and size of a file, or a fixed pair if it is missing."""
    try:
        found = path.stat()
    except FileNotFoundError:
        if missing is None:
            raise
        return missing, missing
    return found.st_mtime_ns, found.st_size


def _read_sweep(folder: Path, stamp: _Stamp) -> _Sweep:
    # Opening the comparison reports its fault; its runs do not depend on it.
    title, names, runs, notes = "", {}, 0, Notes()
    with contextlib.suppress(UserError):
        spec = read_sweep(folder / SWEEP)
        title, children = spec.title, spec.children()
        runs = len(children)
        names = {name: child.words for child in children for name in (child.name, training_hash(child.spec))}
    with contextlib.suppress(UserError):
        notes = read_notes(folder)
    return _Sweep(stamp, notes.name or title or folder.name, names, runs, notes)


def _in_sweep(row: RunRow, folder: Path, sweep: _Sweep) -> RunRow:
    """Add its comparison to a run, and name the run by its k and seed if the user has not named it."""
    return replace(
        row,
        name=sweep.names.get(row.name, row.name),
        sweep=str(folder),
        sweep_title=sweep.title,
        sweep_runs=sweep.runs,
        sweep_note=sweep.notes.note,
        sweep_tags=sweep.notes.tags,
    )


def _run_folders(root: Path, depth: int = 0) -> Iterator[Path]:
    """Yield all folders with a manifest, without looking inside runs."""
    try:
        with os.scandir(root) as entries:
            folders = sorted(entry.path for entry in entries if not entry.name.startswith(".") and _is_folder(entry))
    except FileNotFoundError:
        # No run exists yet, or this one was just removed.
        return
    except OSError as error:
        if depth:
            return
        raise UserError(f"{root} cannot be read ({error.strerror}); choose another folder of runs.") from error
    for path in folders:
        folder = Path(path)
        if _is_run(folder):
            yield folder
        elif depth < _DEEPEST:
            yield from _run_folders(folder, depth + 1)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder, or unreadable."""
    try:
        return entry.is_dir()
    except OSError:
        return True


def _is_run(folder: Path) -> bool:
    """Return whether a folder holds a run, or may hold an unreadable one."""
    try:
        os.stat(folder / MANIFEST)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False
    except OSError:
        pass
    return True


def _stamp(folder: Path) -> _Stamp:
    """Return times and sizes that change with a run: most files are replaced, measurements are appended."""
    times = []
    for path in (folder, folder / MANIFEST, folder / METRICS):
        try:
            found = path.stat()
        except OSError:
            times += [0, 0]
            continue
        times += [found.st_mtime_ns, found.st_size]
    return tuple(times)
