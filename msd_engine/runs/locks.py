"""Locks of run folders; where the file system has none, a file with the holder's process and machine stands for one."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import filelock

from msd_engine.backend.errors import UserError

SOFT = ".soft"
"""What the name of a lock ends in where its file alone, by being there, says that it is held."""

# What network file systems and FUSE answer that know no locks.
_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class HeldError(UserError):
    """Somebody else holds the lock."""


@contextlib.contextmanager
def hold(path: Path, patience_s: float, sentence: str) -> Iterator[None]:
    """Hold a lock.

    The system lets go of it when its holder dies, however it dies. A file that stands for a lock is taken over from a
    dead process of this machine.

    Args:
        path: The file of the lock.
        patience_s: How long to wait for it.
        sentence: What to say where somebody else holds it for longer.

    Yields:
        Nothing.

    Raises:
        HeldError: Somebody else holds it.
        UserError: The folder cannot be written.
    """
    try:
        lock = _acquired(path, patience_s)
    except filelock.Timeout as error:
        file = Path(error.lock_file)
        hint = f" If no program on any machine does so any more, remove {file}." if file.suffix == SOFT else ""
        raise HeldError(sentence + hint) from None
    except OSError as error:
        raise UserError(f"Cannot write to {path.parent}: {error.strerror}; choose another folder.") from error
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Return whether somebody holds a lock; False where it cannot be told, as in a folder that cannot be written to.

    Args:
        path: The file of the lock.
    """
    try:
        if os.path.exists(path) and os.access(path, os.W_OK):
            _acquired(path, 0).release()
    except filelock.Timeout:
        return True
    except OSError:
        return False
    return False


def _acquired(path: Path, patience_s: float) -> filelock.BaseFileLock:
    # Not bound to a thread: a job may be closed by another thread than the one that began it.
    lock: filelock.BaseFileLock = filelock.FileLock(path, timeout=patience_s, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise
        lock = filelock.SoftFileLock(f"{path}{SOFT}", timeout=patience_s, thread_local=False)
        lock.acquire()
    return lock
