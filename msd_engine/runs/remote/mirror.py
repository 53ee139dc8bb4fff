"""A copy of runs that lie elsewhere, brought up to date again and again.

What comes from elsewhere is untrusted: only files that the readers of runs know are copied, up to a size and a number,
under names without separators; the readers check the copy as they check every file.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import math
import os
import re
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, TypeVar

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
# Questions that a pull asks at once, and a refresh beside it; sshd allows 10 sessions a connection.
_AT_ONCE = 4

_Entries = dict[str, dict[str, Any]]
T = TypeVar("T")
R = TypeVar("R")


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


@dataclass(frozen=True)
class _File:
    """A file elsewhere: its copy, its folder there, what the place says of it, and the largest size that is copied."""

    target: Path
    path: str
    entry: dict[str, Any]
    limit: int


class Mirror:
    """A copy of a run, a comparison or a folder of runs.

    `pull` and `refresh` may be called at once from two threads.

    Args:
        address: The folder elsewhere.
        runs_dir: The folder of runs, which holds the copy.

    Attributes:
        folder: The copy.
        seen_s: When the place last answered, by `time.monotonic`; NaN if never.
    """

    def __init__(self, address: str, runs_dir: Path) -> None:
        self.address = address.strip().rstrip("/")
        name = re.sub(r"[^\w-]+", "-", self.address.rpartition("/")[2])[:60].strip("-_") or "runs"
        digest = hashlib.sha256(self.address.encode()).hexdigest()[:8]
        self.folder = runs_dir / FOLDER / f"{name}-{digest}"
        self.seen_s = math.nan
        self._place: tuple[Any, str] | None = None
        self._opening = threading.Lock()
        self._stamps: dict[Path, tuple[str, ...]] = {}
        self._finished: set[Path] = set()
        # The copies of the other runs, with their paths elsewhere.
        self._growing: dict[Path, str] = {}
        self._turns: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
        self._pulls = 0
        # Its threads are daemons: a place that does not answer does not hold up the end of the program.
        self._threads = ThreadPool(2 * _AT_ONCE)
        self._end = weakref.finalize(self, self._threads.terminate)

    def close(self) -> None:
        """Ask nothing more, without waiting for answers."""
        self._end()

    @property
    def runs(self) -> int:
        """Number of runs found so far."""
        return len(self._growing) + len(self._finished)

    def pull(self) -> Pulled:
        """Bring the copy up to date.

        Raises:
            AwayError: The place cannot be reached or read; the copy stays as it is.
            UserError: The copy cannot be written.
        """
        return self._asked(self._pull)

    def refresh(self) -> Pulled:
        """Bring the curves of the runs that are not finished up to date, without looking for anything else.

        Raises:
            AwayError: The place cannot be reached or read; the copy stays as it is.
            UserError: The copy cannot be written.
        """
        return self._asked(self._refresh) if self._growing else self._pulled([])

    def _asked(self, question: Callable[[Any, str], Pulled]) -> Pulled:
        with self._opening:
            place = self._place = self._place or opened(self.address)
        try:
            return question(*place)
        except AwayError:
            # Connect anew the next time.
            if self._place is place:
                self._place = None
            raise

    def _together(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield the results of work on each item; some of it happens at once."""
        waiting = iter(items)
        while some := list(itertools.islice(waiting, _AT_ONCE)):
            yield from self._threads.map(work, some)

    def _refresh(self, system: Any, _root: str) -> Pulled:
        return self._pulled(list(self._together(lambda run: self._grow(system, *run), list(self._growing.items()))))

    def _pulled(self, read: Sequence[int | None]) -> Pulled:
        return Pulled(len(read) - read.count(None), self.runs, sum(filter(None, read)))

    def _pull(self, system: Any, root: str) -> Pulled:
        rarely = self._pulls % _RARELY == 0
        self._pulls += 1
        seen: set[Path] = set()
        read: list[int | None] = []
        large: list[_File] = []
        for level in self._levels(system, root, rarely=rarely):
            seen |= {folder for folder, _, entries in level if MANIFEST in entries}
            known = [one for one in level if not one[2].keys().isdisjoint((MANIFEST, SWEEP))]
            read += itertools.chain.from_iterable(self._together(lambda one: self._take(system, root, *one), known))
            large += [
                _File(folder / name, path, entries[name], limit)
                for folder, path, entries in known
                for name, limit in _LARGE.items()
                if name in entries and MANIFEST in entries
            ]
        for folder in self._growing.keys() - seen:
            del self._growing[folder]
        if rarely:
            self._finished &= seen
        # The weights of all runs come after the curves of all, one after the other.
        read += [self._threads.apply(self._copy, (system, file)) for file in large]
        return self._pulled(read)

    def _take(self, system: Any, root: str, folder: Path, path: str, entries: _Entries) -> list[int | None]:
        """Copy the small files and measurements of a run or comparison; return for each as `_copy` does."""
        if not (folder / COPY).exists():
            make_folder(folder)
            mark(folder, self.address + path.removeprefix(root))
        small = [_File(folder / name, path, entries[name], limit) for name, limit in _SMALL.items() if name in entries]
        read = [self._copy(system, file) for file in small if file.target.name != MANIFEST]
        if MANIFEST in entries:
            if METRICS in entries and self._stamps.get(folder / METRICS) != _stamp(entries[METRICS]):
                read.append(self._grow(system, folder, path))
            # The manifest comes last: with it the folder counts as a run.
            read.append(self._copy(system, small[0]))
            self._note_finished(folder, path, done=RESULT in entries)
        return read

    def _levels(self, system: Any, root: str, *, rarely: bool) -> Iterator[Sequence[tuple[Path, str, _Entries]]]:
        """Yield the copies of the folders of a level, with their paths and files elsewhere; runs hold none."""
        below, left = [(self.folder, root)], _MOST_FOLDERS
        for _ in range(_DEEPEST + 1):
            asked = [(folder, path) for folder, path in below if rarely or folder not in self._finished][:left]
            left -= len(asked)
            found = list(zip(asked, self._together(lambda one: self._listed(system, one[1]), asked), strict=True))
            yield [(folder, path, files) for (folder, path), (files, _) in found]
            below = [
                (folder / name, f"{path}/{name}")
                for (folder, path), (files, folders) in found
                if MANIFEST not in files
                for name in folders
            ]

    def _note_finished(self, folder: Path, path: str, *, done: bool) -> None:
        """Note whether a run is finished, so that it is looked at rarely; a damaged manifest is looked at again.

        Args:
            folder: The copy of the run.
            path: Its path elsewhere.
            done: Whether it has a result, which a run of a comparison receives after its end.
        """
        with contextlib.suppress(UserError):
            ended = read_manifest(folder).status == "finished"
            if ended and (done or not any((above / SWEEP).exists() for above in list(folder.parents)[:2])):
                self._finished.add(folder)
                self._growing.pop(folder, None)
                return
        self._finished.discard(folder)
        self._growing[folder] = path

    def _copy(self, system: Any, file: _File) -> int | None:
        """Copy a file if it has changed, and return the bytes read, None for none."""
        target, size = file.target, file.entry["size"]
        if self._stamps.get(target) == _stamp(file.entry) or size > file.limit:
            return None
        content = self._bytes(system, f"{file.path}/{target.name}", 0, size)
        # One that was replaced meanwhile is copied at the next pull.
        if len(content) == size:
            write_atomically(target, content)
            self._note(target, file.entry)
        return len(content)

    def _grow(self, system: Any, folder: Path, path: str) -> int | None:
        """Add the measurements that are new, or copy all if they were not only added; return as `_copy` does."""
        target = folder / METRICS
        with self._turns[target]:
            if (entry := self._found(system, f"{path}/{METRICS}")) is None or self._stamps.get(target) == _stamp(entry):
                return None
            size = min(entry["size"], _MOST_METRICS)
            known = target.stat().st_size if target.exists() else 0
            start = max(0, known - _OVERLAP)
            content = self._bytes(system, f"{path}/{METRICS}", start, size) if known <= size else b""
            read = len(content)
            if known <= size and content[: known - start] == _tail(target, start):
                append_bytes(target, content[known - start :])
            else:
                content = self._bytes(system, f"{path}/{METRICS}", 0, size)
                read += len(content)
                if len(content) < size:
                    # It has become shorter meanwhile: again at the next look.
                    return read
                write_atomically(target, content)
            self._note(target, entry)
            return read

    def _note(self, target: Path, entry: dict[str, Any]) -> None:
        self._stamps[target] = _stamp(entry)
        times = (entry.get(name) for name in ("mtime", "LastModified", "created"))
        when = next((time.timestamp() if isinstance(time, datetime) else time for time in times if time), None)
        if self._pulls == 1 and isinstance(when, int | float):
            # A run that has long been at rest must not look as if it had just changed.
            with contextlib.suppress(OSError, OverflowError):
                os.utime(target, (when, when))

    def _bytes(self, system: Any, path: str, start: int, end: int) -> bytes:
        with self._asking():
            content = bytes(system.cat_file(path, start=start, end=end)) if end > start else b""
        return content[: end - start]

    def _found(self, system: Any, path: str) -> dict[str, Any] | None:
        """Return what the place says of a file; None if it is not there, or is none."""
        with self._asking():
            try:
                entry = system.info(path)
            except FileNotFoundError:
                return None
        return entry if _is_file(entry) else None

    def _listed(self, system: Any, path: str) -> tuple[_Entries, list[str]]:
        """Return the files of a folder by name, with their sizes, and the names of the folders in it."""
        with self._asking():
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
            elif _is_file(entry):
                files[name] = entry
        return files, sorted(folders)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        with asking(self.address):
            yield
        self.seen_s = time.monotonic()


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


def _is_file(entry: dict[str, Any]) -> bool:
    return entry.get("type") == "file" and isinstance(entry.get("size"), int) and entry["size"] >= 0


def _stamp(entry: dict[str, Any]) -> tuple[str, ...]:
    """Return what changes with a file: its size, and its tag or time if the place tells one."""
    told = ("size", "ETag") if "ETag" in entry else ("size", "mtime", "created", "ino")
    return tuple(str(entry.get(name)) for name in told)


def _tail(path: Path, start: int) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(start)
        return file.read()
