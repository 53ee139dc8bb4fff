"""A copy of runs that lie elsewhere, brought up to date again and again.

What comes from elsewhere is untrusted: only files that the readers of runs know are copied, up to a size and a number,
under names without separators; the readers check the copy as they check every file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from msd_engine.backend.errors import UserError
from msd_engine.backend.files import MIB, make_folder, write_atomically
from msd_engine.runs.layout import EARLIER, FIGURES, MANIFEST, METRICS, NOTES, RESULT, SWEEP, THUMBNAIL, WEIGHTS
from msd_engine.runs.log import append_bytes
from msd_engine.runs.manifest import read_manifest
from msd_engine.runs.remote.copies import COPY, address_of, mark
from msd_engine.runs.remote.places import AwayError, asking, opened
from msd_engine.runs.remote.requests import Request, file_of

FOLDER = "elsewhere"
"""Folder of the copies, in the folder of runs."""

_SMALL = {MANIFEST: 4 * MIB, SWEEP: MIB, RESULT: MIB, NOTES: MIB, FIGURES: MIB, THUMBNAIL: MIB}
_LARGE = {WEIGHTS: 1024 * MIB, EARLIER: 1024 * MIB}
_MOST_METRICS = 1024 * MIB
_NAME = re.compile(r"[^\W_.][^\x00-\x1f/\\:*?\"<>|]{0,99}")
_DEEPEST, _MOST_FOLDERS = 4, 2000
# Bytes that are read twice to see whether measurements were only added.
_OVERLAP = 1024
# A finished run is looked at again at every so manieth pull.
_RARELY = 10

_Entries = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Pulled:
    """What a pull has found.

    Attributes:
        changed: Number of files that have changed.
        runs: Number of runs.
        bytes: Bytes read.
    """

    changed: int
    runs: int
    bytes: int


class Mirror:
    """A copy of a run, a comparison or a folder of runs.

    Args:
        address: The folder elsewhere.
        runs_dir: The folder of runs, which holds the copy.

    Attributes:
        folder: The copy.
    """

    def __init__(self, address: str, runs_dir: Path) -> None:
        self.address = address.strip().rstrip("/")
        name = re.sub(r"[^\w-]+", "-", self.address.rpartition("/")[2])[:60].strip("-_") or "runs"
        digest = hashlib.sha256(self.address.encode()).hexdigest()[:8]
        self.folder = runs_dir / FOLDER / f"{name}-{digest}"
        self._place: tuple[Any, str] | None = None
        self._stamps: dict[Path, tuple[str, ...]] = {}
        self._finished: set[Path] = set()
        self._pulls = 0
        self._read = 0

    def pull(self) -> Pulled:
        """Bring the copy up to date.

        Raises:
            AwayError: The place cannot be reached or read; the copy stays as it is.
            UserError: The copy cannot be written.
        """
        try:
            return self._pull()
        except AwayError:
            # Connect anew the next time.
            self._place = None
            raise

    def _pull(self) -> Pulled:
        self._place = self._place or opened(self.address)
        system, root = self._place
        rarely = self._pulls % _RARELY == 0
        self._read, changed, runs = 0, 0, 0 if rarely else len(self._finished)
        self._pulls += 1
        large: list[tuple[Path, str, dict[str, Any]]] = []
        for folder, path, entries in self._folders(system, root, rarely=rarely):
            is_run = MANIFEST in entries
            runs += is_run
            if entries.keys().isdisjoint((MANIFEST, SWEEP)):
                continue
            if not (folder / COPY).exists():
                make_folder(folder)
                mark(folder, self.address + path.removeprefix(root))
            for name, limit in _SMALL.items():
                # The manifest comes last: with it the folder counts as a run.
                if name in entries and name != MANIFEST:
                    changed += self._copy(system, folder / name, path, entries[name], limit)
            if is_run:
                if METRICS in entries:
                    changed += self._add(system, folder / METRICS, path, entries[METRICS])
                changed += self._copy(system, folder / MANIFEST, path, entries[MANIFEST], _SMALL[MANIFEST])
                large += [(folder / name, path, entries[name]) for name in _LARGE if name in entries]
                self._note_finished(folder, done=RESULT in entries)
        # The weights of all runs come after the curves of all.
        for target, path, entry in large:
            changed += self._copy(system, target, path, entry, _LARGE[target.name])
        return Pulled(changed, runs, self._read)

    def _folders(self, system: Any, root: str, *, rarely: bool) -> Iterator[tuple[Path, str, _Entries]]:
        """Yield the folder of the copy, the path elsewhere and the files there, for every folder; within runs none."""
        waiting, seen = [(self.folder, root, 0)], 0
        while waiting and seen < _MOST_FOLDERS:
            folder, path, depth = waiting.pop()
            if folder in self._finished and not rarely:
                continue
            seen += 1
            files, below = _listed(system, self.address, path)
            yield folder, path, files
            if MANIFEST not in files and depth < _DEEPEST:
                waiting += [(folder / name, f"{path}/{name}", depth + 1) for name in reversed(below)]

    def _note_finished(self, folder: Path, *, done: bool) -> None:
        """Note whether a run is finished, so that it is looked at rarely; a damaged manifest is looked at again.

        Args:
            folder: The copy of the run.
            done: Whether it has a result, which a run of a comparison receives after its end.
        """
        self._finished.discard(folder)
        if not done and any((above / SWEEP).exists() for above in list(folder.parents)[:2]):
            return
        with contextlib.suppress(UserError):
            if read_manifest(folder).status == "finished":
                self._finished.add(folder)

    def _copy(self, system: Any, target: Path, path: str, entry: dict[str, Any], limit: int) -> bool:
        """Copy a file if it has changed, and return whether it has."""
        stamp, size = _stamp(entry), entry["size"]
        if self._stamps.get(target) == stamp or size > limit:
            return False
        content = self._bytes(system, f"{path}/{target.name}", 0, size)
        if len(content) != size:
            # It was replaced meanwhile: again at the next pull.
            return True
        write_atomically(target, content)
        self._note(target, entry)
        return True

    def _add(self, system: Any, target: Path, path: str, entry: dict[str, Any]) -> bool:
        """Add the measurements that are new, or copy all if they were not only added; return whether any changed."""
        stamp, size = _stamp(entry), min(entry["size"], _MOST_METRICS)
        if self._stamps.get(target) == stamp:
            return False
        known = target.stat().st_size if target.exists() else 0
        start = max(0, known - _OVERLAP)
        content = self._bytes(system, f"{path}/{METRICS}", start, size) if known <= size else b""
        if known <= size and content[: known - start] == _tail(target, start):
            append_bytes(target, content[known - start :])
        else:
            write_atomically(target, self._bytes(system, f"{path}/{METRICS}", 0, size))
        self._note(target, entry)
        return True

    def _note(self, target: Path, entry: dict[str, Any]) -> None:
        self._stamps[target] = _stamp(entry)
        times = (entry.get(name) for name in ("mtime", "LastModified", "created"))
        when = next((time.timestamp() if isinstance(time, datetime) else time for time in times if time), None)
        if self._pulls == 1 and isinstance(when, int | float):
            # A run that has long been at rest must not look as if it had just changed.
            with contextlib.suppress(OSError, OverflowError):
                os.utime(target, (when, when))

    def _bytes(self, system: Any, path: str, start: int, end: int) -> bytes:
        with asking(self.address):
            content = bytes(system.cat_file(path, start=start, end=end)) if end > start else b""
        self._read += len(content)
        return content[: end - start]


def ask(folder: Path, request: Request) -> None:
    """Make a request to the training that a run folder is a copy of.

    Raises:
        UserError: The folder is no copy, or the place cannot be written.
    """
    address = address_of(folder)
    if not address:
        raise UserError(f"{folder} is no copy of a run elsewhere.")
    system, path = opened(address)
    with asking(address):
        system.pipe_file(f"{path}/{file_of(request)}", b"")


def _listed(system: Any, address: str, path: str) -> tuple[_Entries, list[str]]:
    """Return the files of a folder by name, with their sizes, and the names of the folders in it."""
    with asking(address):
        listed = system.ls(path, detail=True)
        if not listed and not system.exists(path):
            raise FileNotFoundError(path)
    files, folders = _Entries(), []
    for entry in listed:
        name = str(entry.get("name", "")).rstrip("/").rpartition("/")[2]
        if not _NAME.fullmatch(name):
            continue
        if entry.get("type") == "directory":
            folders.append(name)
        elif entry.get("type") == "file" and isinstance(entry.get("size"), int) and entry["size"] >= 0:
            files[name] = entry
    return files, sorted(folders)


def _stamp(entry: dict[str, Any]) -> tuple[str, ...]:
    """Return what changes with a file: its size, and its time or tag if the place tells one."""
    return tuple(str(entry.get(name)) for name in ("size", "mtime", "LastModified", "ETag", "created", "ino"))


def _tail(path: Path, start: int) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(start)
        return file.read()
