"""What to say of a folder that is no run: what it is instead, and what to choose. Imports no torch."""

from __future__ import annotations

import os
from pathlib import Path

from msd_engine.runs.layout import MANIFEST, METRICS, STATE, SWEEP, WEIGHTS


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
