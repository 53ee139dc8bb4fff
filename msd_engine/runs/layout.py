"""The folder of a run: names of its files, whether it is in use, and why a folder holds no run.

Imports no torch, so that runs can be listed without it.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Collection
from pathlib import Path

from msd_engine.runs.locks import is_locked

MANIFEST = "manifest.json"
METRICS = "metrics.jsonl"
STATE = "state.safetensors"
WEIGHTS = "weights.safetensors"
EARLIER = "earlier.safetensors"
LOCK = "lock"

# In the folder of a comparison: its plan and its runs; and in each of its runs in use.
SWEEP = "sweep.json"
RUNS = "runs"
CLAIM = "claim"
RESULT = "result.json"

# Beside what training needs: a small picture, figures that others measured, what the user wrote, and searches.
THUMBNAIL = "thumbnail.png"
FIGURES = "figures.json"
NOTES = "notes.json"
TUNE = "tune.jsonl"

# Temporary names of `backend.files.write_atomically`.
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{16}\.tmp")
# Writing a file without a lock takes less time.
_FORGOTTEN_S = 60.0


def is_held(folder: str | os.PathLike[str]) -> bool:
    """Return whether a job of this process or another trains or measures a run now.

    Args:
        folder: The run folder.

    Returns:
        Whether its lock is held, or its claim in a comparison; False if unknown, as in a folder that is not writable.
    """
    return any(is_locked(Path(folder) / name) for name in (LOCK, CLAIM))


def sweep_temporary(folder: Path, guarded: Collection[str]) -> None:
    """Remove temporary files of programs that died while writing.

    Args:
        folder: The folder, whose lock the caller holds.
        guarded: Names of the files that need the lock for writing. Temporary files of others are removed once they
            are old.
    """
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            named = _TEMPORARY.fullmatch(path.name)
            if named and (named[1] in guarded or time.time() - path.stat().st_mtime > _FORGOTTEN_S):
                path.unlink()


def no_run(folder: str | os.PathLike[str]) -> str:
    """Return why a folder holds no run, in one sentence for users who do not know its files.

    Args:
        folder: A path without a manifest.

    Returns:
        The sentence, with the folder and what to choose instead.
    """
    path = Path(folder)
    if not path.is_dir():
        wrong = "is a file" if path.exists() else "does not exist"
        return f"{path} {wrong}: choose the folder of a run, which training makes."
    if (path / SWEEP).exists():
        return f"{path} holds a comparison: name one of the runs in it."
    if any((path / name).exists() for name in (METRICS, STATE, WEIGHTS)):
        return f"{path} holds a run whose settings are gone (its file {MANIFEST}): put that file back, or train anew."
    inner = next(path.glob(f"*/{MANIFEST}"), None)
    if inner is not None:
        return f"{path} is no run itself, but holds runs: choose the folder of one, such as {inner.parent.name}."
    return f"{path} holds no run: choose a folder in which a training has left its settings and weights."
