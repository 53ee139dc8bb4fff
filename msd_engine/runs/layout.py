"""The folder of a run: its files by name, whether somebody works on it, and what to say of one that is none.

Imports no torch, so that runs can be listed without it.
"""

from __future__ import annotations

import os
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

# Beside what training needs: a small picture, figures that others measured, and what the user wrote.
THUMBNAIL = "thumbnail.png"
FIGURES = "figures.json"
NOTES = "notes.json"


def is_held(folder: str | os.PathLike[str]) -> bool:
    """Return whether somebody trains or measures a run right now, in this process or another.

    Args:
        folder: The run folder.

    Returns:
        Whether its lock is held, or its claim in a comparison; False where it cannot be told, as in a folder that
        cannot be written to.
    """
    return any(is_locked(Path(folder) / name) for name in (LOCK, CLAIM))


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
