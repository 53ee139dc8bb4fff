"""What is told about the runs in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event

RunStatus = Literal["running", "interrupted", "stopped", "finished", "failed", "damaged"]


@dataclass(frozen=True)
class RunRow:
    """One run, as a list of runs shows it. Numbers that are not known are NaN, words that are not known empty.

    Attributes:
        path: Its folder.
        folder: The folder above it, from the folder of all runs on; empty where it lies directly there.
        name: The name that the user gave it, or that of its folder.
        status: How it stands; ``interrupted`` where it was being trained and nobody trains it any more.
        problem: What is wrong with its files, in a sentence; empty where nothing is.
        data: Name of the data.
        k: Number of copies.
        parameters: Numbers in its network, 0 before the first checkpoint.
        step: Training steps done.
        elapsed_s: Seconds of training.
        held_out: Last held-out error ‖x̂ − x‖².
        alive: Share of the chains that lived (the yield), in [0, 1].
        distance: Distance of the samples from the data.
        features: What the distance was measured by.
        figures: All other figures that were measured, as words, by name.
        created: When it was made, in seconds since 1970.
        note: What the user wrote about it.
        tags: Words of the user to search by.
        spec_json: Its spec as JSON; empty where it cannot be read.
        thumbnail: A small picture as PNG; empty where there is none.
        sweep: The folder of the comparison that it belongs to; empty where it stands alone.
        sweep_title: What that comparison is called: by the user, or else by itself.
        sweep_runs: How many runs it asks for; 0 where that is not known.
        sweep_note: What the user wrote about the comparison.
        sweep_tags: Words of the user to search the comparison by.
    """

    path: str
    folder: str
    name: str
    status: RunStatus
    problem: str = ""
    data: str = ""
    k: int = 0
    parameters: int = 0
    step: int = 0
    elapsed_s: float = float("nan")
    held_out: float = float("nan")
    alive: float = float("nan")
    distance: float = float("nan")
    features: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    created: float = float("nan")
    note: str = ""
    tags: tuple[str, ...] = ()
    spec_json: str = ""
    thumbnail: bytes = b""
    sweep: str = ""
    sweep_title: str = ""
    sweep_runs: int = 0
    sweep_note: str = ""
    sweep_tags: tuple[str, ...] = ()

    @property
    def searched(self) -> str:
        """What a search looks through, in small letters: name, folder, data, k, status, note, tags and comparison."""
        tags = (f"#{tag}" for tag in (*self.tags, *self.sweep_tags))
        words = (self.name, self.folder, self.data, f"k={self.k}", self.status, self.note, *tags)
        comparison = ("comparison", self.sweep_title, self.sweep_note) if self.sweep else ()
        return " ".join((*words, *comparison)).casefold()


@dataclass(frozen=True, eq=False)
class RunsChanged(Event):
    """Runs that are new or have changed, and runs that are gone, since the last such event.

    Attributes:
        rows: The new and the changed ones.
        gone: Paths of those that are gone.
        complete: Whether all runs have been told now.
    """

    rows: tuple[RunRow, ...]
    gone: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, eq=False)
class HeldOutCurve(Event):
    """The held-out error of one run over its training.

    Attributes:
        path: The run folder.
        steps: Step numbers, int64, with shape (n,).
        elapsed_s: Seconds of training, with shape (n,).
        loss: Mean squared error ‖x̂ − x‖², with shape (n,).
    """

    path: str
    steps: NDArray[np.int64]
    elapsed_s: NDArray[np.float64]
    loss: NDArray[np.float64]
