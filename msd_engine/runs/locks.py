"""Lock run folders; on file systems without locks, by a file with the process and the machine of the holder."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import filelock

from msd_engine.backend.errors import UserError

SOFT = ".soft"
"""Suffix of a lock that is held as long as its file exists."""

# Error numbers of network file systems and FUSE without locks.
_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class HeldError(UserError):
    """Another process or job holds the lock."""


@contextlib.contextmanager
def hold(path: Path, patience_s: float, sentence: str) -> Iterator[None]:
    """Hold a lock.

    The system releases it when its holder dies, for any reason. Without system locks, the file of a dead process of
    this machine is taken over.

    Args:
        path: The file of the lock.
        patience_s: Seconds to wait for it.
        sentence: Message of the error if it stays held.

    Yields:
        Nothing.

    Raises:
        HeldError: Another process or job holds it.
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
    """Return whether a lock is held; False if that is unknown, as in a folder that is not writable.

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
    # Not bound to a thread: another thread may close a job than started it.
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
