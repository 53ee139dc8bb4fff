"""The folder of a run: its files by name, whether somebody works on it, and what to say of one that is none.

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

# In a folder that holds a comparison, and in each of its runs while somebody works on it.
SWEEP = "sweep.json"
CLAIM = "claim"

# Beside what training needs: a small picture, figures that others measured, what the user wrote, and searches.
THUMBNAIL = "thumbnail.png"
FIGURES = "figures.json"
NOTES = "notes.json"
TUNE = "tune.jsonl"

# What `backend.files.write_atomically` calls a file before it is whole.
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{16}\.tmp")
# Whoever writes a file that no lock guards is done with it sooner.
_FORGOTTEN_S = 60.0


def is_held(folder: str | os.PathLike[str]) -> bool:
    """Return whether somebody trains or measures a run right now, in this process or another.

    Args:
        folder: The run folder.

    Returns:
        Whether its lock is held, or its claim in a comparison; False where it cannot be told, as in a folder that
        cannot be written to.
    """
    return any(is_locked(Path(folder) / name) for name in (LOCK, CLAIM))


def sweep_temporary(folder: Path, guarded: Collection[str]) -> None:
    """Remove temporary files of programs that died while they wrote into a folder.

    Args:
        folder: The folder, whose lock the caller holds.
        guarded: Names of the files that are written only by who holds the lock. The temporary files of others are
            removed once they are old.
    """
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            named = _TEMPORARY.fullmatch(path.name)
            if named and (named[1] in guarded or time.time() - path.stat().st_mtime > _FORGOTTEN_S):
                path.unlink()


def no_run(folder: str | os.PathLike[str]) -> str:
    """Return why there is no run to open, in one sentence for people who have never looked into a run's folder.

    Args:
        folder: What was taken for the folder of a run, without a manifest in it.

    Returns:
        The sentence, which names the folder and says what to choose instead.
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
