"""Whether somebody works on a run now: its lock is held, or its claim in a comparison."""

from __future__ import annotations

import os
from pathlib import Path

import filelock

from msd_engine.runs.layout import CLAIM, LOCK


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
