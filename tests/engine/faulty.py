"""A system that refuses: counts what the writers ask of it below a folder, and lets one operation fail."""

from __future__ import annotations

import builtins
import contextlib
import errno
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from msd_engine.backend import files
from msd_engine.runs import log


@dataclass
class Fault:
    """Which operation fails, and how.

    Attributes:
        at: Number of the operation, from 0.
        number: The system's error number.
        lasts: For how many operations; a disk that stays full refuses all that follow.
        torn: Where the operation writes, it writes two thirds, and it is the next one that fails.
        spares_unlink: Whether files can be removed all the same, as on a full disk.
    """

    at: int
    number: int = errno.EIO
    lasts: float = 1
    torn: bool = False
    spares_unlink: bool = True


@dataclass
class Count:
    """What was asked for.

    Attributes:
        asked: The kinds of operations, in order.
        failed: Those that were refused.
    """

    asked: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@contextlib.contextmanager
def refusing(root: Path, fault: Fault) -> Iterator[Count]:
    """Let an operation of the writers fail below a folder.

    Args:
        root: The folder.
        fault: Which, and how.

    Yields:
        What was asked for.
    """
    count = Count()
    numbers = itertools.count()
    inside = str(root.resolve())

    def ask(kind: str, path: Any, tears: bool = False) -> bool:
        """Count an operation and let it fail, or say that it is to write only a part."""
        if not os.path.abspath(os.fspath(path)).startswith(inside):
            return False
        place = next(numbers)
        count.asked.append(kind)
        since = place - fault.at
        if fault.torn:
            if since == 0 and tears:
                return True
            since -= 1
        if not 0 <= since < fault.lasts or (kind == "unlink" and fault.spares_unlink):
            return False
        count.failed.append(kind)
        raise OSError(fault.number, os.strerror(fault.number))

    class Watched:
        """A file whose writing and closing may fail."""

        def __init__(self, path: Any, file: Any) -> None:
            self._path, self._file = path, file

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()
            ask("close", self._path)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def write(self, data: Any) -> int:
            if ask("write", self._path, tears=True):
                data = bytes(data)[: len(data) * 2 // 3]
                done: int = self._file.write(data)
                self._file.flush()
                if hasattr(self._file, "raw"):
                    # A buffered file goes on by itself with what is left, and meets the next failure.
                    ask("write", self._path)
                return done
            return int(self._file.write(data))

        def truncate(self, size: int) -> int:
            ask("truncate", self._path)
            return int(self._file.truncate(size))

    real = {name: getattr(os, name) for name in ("fsync", "replace", "unlink", "mkdir", "open")}

    def opened(path: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
        ask("open", path)
        file = builtins.open(path, mode, *args, **named)  # noqa: SIM115 - whoever asked closes it
        return file if mode.startswith("r") else Watched(path, file)

    def fsync(descriptor: int) -> None:
        ask("fsync", os.readlink(f"/proc/self/fd/{descriptor}"))
        real["fsync"](descriptor)

    def guarded(name: str) -> Any:
        def call(path: Any, *args: Any, **named: Any) -> Any:
            # Locks are taken by the same call; folders are opened by it to be flushed.
            if name != "open" or os.path.isdir(path):
                ask("open-folder" if name == "open" else name, path)
            return real[name](path, *args, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for module in (files, log):
            patch.setattr(module, "open", opened, raising=False)
        patch.setattr(os, "fsync", fsync)
        for name in ("replace", "unlink", "mkdir", "open"):
            patch.setattr(os, name, guarded(name))
        yield count
