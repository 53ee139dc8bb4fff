"""A disk that loses power: records what a piece of work asks of the system, and replays what a power cut may leave.

The model is that of POSIX at its word, which is harsher than any one file system. Bytes are safe after the fsync of
their file, names after the fsync of their folder. What is not safe may have reached the disk or not: names each by
itself, bytes whole, not at all, up to a torn sector, or as a length filled with zeros; and of several writes to one
file an earlier one may be missing.
"""

from __future__ import annotations

import builtins
import contextlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from msd_engine.backend import files
from msd_engine.runs import log

SECTOR = 512
# Places at which one write is torn, at most.
MOST_TEARS = 12
# Names of locks are of no consequence, and are not made by the code that is watched.
LOCKS = ("lock", "claim")

Tree = dict[str, bytes | None]
"""The content of a folder by relative path; None for a folder."""


@dataclass(frozen=True)
class Op:
    """One thing that was asked of the system.

    Attributes:
        kind: ``write`` (also of nothing, which makes a file), ``cut``, ``sync``, ``rename``, ``remove``, ``mkdir`` or
            ``sync-folder``.
        path: What it was done to, relative to the folder that is watched.
        file: Number of the file, which keeps it over renamings; -1 for folders.
        data: What was written, or the new path of a renaming.
        at: Where it was written, or the length that is left.
    """

    kind: str
    path: str
    file: int = -1
    data: bytes | str = b""
    at: int = 0


@dataclass
class Recorder:
    """Records the operations below a folder.

    Attributes:
        root: The folder.
        ops: What was asked, in order.
        skipped_sync: Number of the fsync that is left out, as if the code did not have it.
        syncs: How many were asked for.
    """

    root: Path
    ops: list[Op] = field(default_factory=list)
    skipped_sync: int | None = None
    syncs: int = 0
    _numbers: dict[str, int] = field(default_factory=dict)
    _count: Iterator[int] = field(default_factory=itertools.count)

    def name(self, path: Any) -> str | None:
        """Return a path relative to the folder; None for one that lies elsewhere."""
        absolute = os.path.abspath(os.fspath(path))
        root = str(self.root)
        return os.path.relpath(absolute, root) if absolute == root or absolute.startswith(root + os.sep) else None

    def number(self, name: str) -> int:
        """Return the number of the file that has a name."""
        return self._numbers.setdefault(name, next(self._count))

    def add(self, op: Op) -> None:
        """Take note of an operation."""
        if op.kind == "rename":
            self._numbers[str(op.data)] = self._numbers.pop(op.path)
        if op.kind == "remove":
            self._numbers.pop(op.path, None)
        self.ops.append(op)


class _File:
    """A file that is being written, and tells what."""

    def __init__(self, recorder: Recorder, name: str, file: Any) -> None:
        self._recorder, self._name, self._file = recorder, name, file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: Any) -> int:
        number = self._recorder.number(self._name)
        at = os.fstat(self._file.fileno()).st_size
        done: int = self._file.write(data)
        self._file.flush()
        self._recorder.add(Op("write", self._name, number, bytes(data)[:done], at))
        return done

    def truncate(self, size: int) -> int:
        self._recorder.add(Op("cut", self._name, self._recorder.number(self._name), at=size))
        return int(self._file.truncate(size))


@contextlib.contextmanager
def recording(root: Path, skipped_sync: int | None = None) -> Iterator[Recorder]:
    """Record what the code does below a folder.

    Args:
        root: The folder.
        skipped_sync: Number of the fsync to leave out.

    Yields:
        The recorder.
    """
    recorder = Recorder(root, skipped_sync=skipped_sync)
    real = {name: getattr(os, name) for name in ("fsync", "replace", "unlink", "mkdir")}

    def opened(path: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
        name = recorder.name(path)
        new = not os.path.exists(path)
        file = builtins.open(path, mode, *args, **named)  # noqa: SIM115 - whoever asked closes it
        if name is None or mode.startswith("r"):
            return file
        if new:
            recorder.add(Op("write", name, recorder.number(name)))
        return _File(recorder, name, file)

    def fsync(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        name = recorder.name(path)
        if name is not None:
            recorder.syncs += 1
            if recorder.syncs - 1 == recorder.skipped_sync:
                return
            folder = os.path.isdir(path)
            recorder.add(Op("sync-folder", name) if folder else Op("sync", name, recorder.number(name)))

    def replace(source: Any, target: Any) -> None:
        real["replace"](source, target)
        one, other = recorder.name(source), recorder.name(target)
        if one is not None and other is not None:
            recorder.add(Op("rename", one, recorder.number(one), other))

    def unlink(path: Any, **named: Any) -> None:
        real["unlink"](path, **named)
        if (name := recorder.name(path)) is not None:
            recorder.add(Op("remove", name))

    def mkdir(path: Any, *args: Any, **named: Any) -> None:
        real["mkdir"](path, *args, **named)
        if (name := recorder.name(path)) is not None:
            recorder.add(Op("mkdir", name))

    with pytest.MonkeyPatch.context() as patch:
        for module in (files, log):
            patch.setattr(module, "open", opened, raising=False)
        for name, stand_in in (("fsync", fsync), ("replace", replace), ("unlink", unlink), ("mkdir", mkdir)):
            patch.setattr(os, name, stand_in)
        yield recorder


def tree(root: Path) -> Tree:
    """Return what a folder holds, but for locks."""
    paths = [path for path in sorted(root.rglob("*")) if path.name not in LOCKS]
    return {path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes() for path in paths}


def lay_out(content: Tree, root: Path) -> None:
    """Make a folder hold what a tree says, and nothing else but its locks."""
    here = tree(root) if root.exists() else {}
    root.mkdir(parents=True, exist_ok=True)
    for name in here.keys() - content.keys():
        if here[name] is None:
            shutil.rmtree(root / name, ignore_errors=True)
        else:
            (root / name).unlink(missing_ok=True)
    for name, data in sorted(content.items()):
        if data is None:
            (root / name).mkdir(exist_ok=True)
        elif here.get(name) != data:
            (root / name).write_bytes(data)


@dataclass
class _Disk:
    """What a disk holds for certain, and what is on its way.

    Attributes:
        names: Number of the file at each path, None for folders.
        data: Bytes of each file.
        waiting_names: Changes of names by folder.
        waiting_data: Changes of bytes by file.
    """

    names: dict[str, int | None]
    data: dict[int, bytes]
    waiting_names: list[Op] = field(default_factory=list)
    waiting_data: dict[int, list[Op]] = field(default_factory=dict)

    def take(self, op: Op, known: set[str]) -> None:
        """Let an operation reach the system, not yet the disk."""
        match op.kind:
            case "write" | "cut":
                if op.path not in known:
                    known.add(op.path)
                    self.waiting_names.append(Op("link", op.path, op.file))
                self.waiting_data.setdefault(op.file, []).append(op)
            case "sync":
                self.data[op.file] = _written(self.data.get(op.file, b""), self.waiting_data.pop(op.file, []))
            case "sync-folder":
                mine = [name for name in self.waiting_names if _folder_of(name) == op.path]
                self.waiting_names = [name for name in self.waiting_names if name not in mine]
                for name in mine:
                    _rename(self.names, name)
            case "rename":
                known.discard(op.path)
                known.add(str(op.data))
                self.waiting_names.append(op)
            case "remove":
                known.discard(op.path)
                self.waiting_names.append(op)
            case "mkdir":
                self.waiting_names.append(op)


def _folder_of(op: Op) -> str:
    return os.path.dirname(str(op.data) if op.kind == "rename" else op.path) or "."


def _rename(names: dict[str, int | None], op: Op) -> None:
    match op.kind:
        case "link":
            names[op.path] = op.file
        case "mkdir":
            names[op.path] = None
        case "rename":
            names.pop(op.path, None)
            names[str(op.data)] = op.file
        case "remove":
            names.pop(op.path, None)


def _written(data: bytes, ops: list[Op]) -> bytes:
    for op in ops:
        if op.kind == "cut":
            data = data[: op.at]
        elif op.data:
            assert isinstance(op.data, bytes)
            data = data[: op.at].ljust(op.at, b"\0") + op.data + data[op.at + len(op.data) :]
    return data


def _fates(data: bytes, ops: list[Op]) -> list[bytes]:
    """Return what a power cut may leave of a file with writes on their way."""
    whole = _written(data, ops)
    if whole == data:
        return [data]
    half = whole[: (len(data) + len(whole)) // 2]
    step = SECTOR * max(1, (len(whole) - len(data)) // SECTOR // MOST_TEARS)
    torn = [whole[:end] for end in range(len(data), len(whole), step)]
    zeros = [part.ljust(len(whole), b"\0") for part in torn]
    one_lost = [_written(data, ops[:lost] + ops[lost + 1 :]) for lost in range(len(ops) - 1)]
    return [whole, data, half, *torn, *zeros, *one_lost]


def power_cuts(before: Tree, ops: list[Op]) -> Iterator[tuple[int, Tree]]:
    """Yield what a power cut may leave at any moment of a piece of work.

    Args:
        before: What the disk held for certain.
        ops: The work, as it was recorded.

    Yields:
        How many operations had been asked for, and the folder as it is found afterwards; the same may come twice.
    """
    # A file that was there has a number that no operation knows, unless it is written again in its place.
    numbers: dict[str, int] = {}
    replaced: set[str] = set()
    for op in ops:
        if op.kind == "rename":
            replaced.add(str(op.data))
        elif op.kind in ("write", "cut", "sync") and op.path in before and op.path not in replaced:
            numbers.setdefault(op.path, op.file)
    names: dict[str, int | None] = {}
    data: dict[int, bytes] = {}
    for place, (name, content) in enumerate(before.items()):
        number = numbers.get(name, -2 - place)
        names[name] = None if content is None else number
        if content is not None:
            data[number] = content
    disk, known = _Disk(names, data), set(before)
    for done in range(len(ops) + 1):
        if done:
            disk.take(ops[done - 1], known)
        for kept in _subsets(disk.waiting_names):
            found = dict(disk.names)
            for op in kept:
                _rename(found, op)
            yield from ((done, state) for state in _with_data(disk, found))


def _subsets(ops: list[Op]) -> Iterator[list[Op]]:
    """Yield what may have reached the disk of names on their way: all up to each, and each alone missing or alone."""
    chosen = {tuple(range(count)) for count in range(len(ops) + 1)}
    chosen |= {tuple(place for place in range(len(ops)) if place != lost) for lost in range(len(ops))}
    chosen |= {(place,) for place in range(len(ops))}
    yield from ([ops[place] for place in places] for places in sorted(chosen))


def _with_data(disk: _Disk, names: dict[str, int | None]) -> Iterator[Tree]:
    # What lies in a folder whose name is lost is lost with it.
    there = {
        name: number
        for name, number in names.items()
        if all(str(above) in names for above in list(Path(name).parents)[:-1])
    }
    held = {number for number in there.values() if number is not None}
    fates = {number: _fates(disk.data.get(number, b""), disk.waiting_data.get(number, [])) for number in held}
    whole = {number: choices[0] for number, choices in fates.items()}
    yield _state(there, whole)
    for number, choices in fates.items():
        yield from (_state(there, whole | {number: choice}) for choice in choices[1:])


def _state(names: dict[str, int | None], data: dict[int, bytes]) -> Tree:
    return {name: None if number is None else data[number] for name, number in names.items()}


Check = Callable[[Path, bool], None]
"""Fails where a folder is not as it may be; it gets whether the work had been done before the power went."""


def replay(before: Tree, ops: list[Op], check: Check, root: Path) -> tuple[int, int]:
    """Check everything that a power cut may leave of a piece of work.

    Args:
        before: What the disk held for certain.
        ops: The work.
        check: Fails where a folder is not as it may be.
        root: An empty folder, where the states are laid out.

    Returns:
        How many states there are, and how many of them are different.
    """
    seen: set[int] = set()
    count = 0
    for done, state in power_cuts(before, ops):
        count += 1
        finished = done == len(ops)
        key = hash((finished, tuple(sorted(state.items(), key=lambda item: item[0]))))
        if key in seen:
            continue
        seen.add(key)
        lay_out(state, root)
        check(root, finished)
    return count, len(seen)
