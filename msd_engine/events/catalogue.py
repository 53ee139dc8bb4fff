"""Events about the runs in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event

RunStatus = Literal["running", "interrupted", "stopped", "finished", "failed", "damaged", "shipped"]


@dataclass(frozen=True)
class RunRow:
    """One run in a list of runs. Unknown numbers are NaN, unknown words empty.

    Attributes:
        path: Its folder.
        folder: Parent folder, relative to the folder of all runs; empty for a run directly inside it.
        name: Name from the user, or of the folder.
        status: State of the run; ``interrupted`` if its training ended without finishing, ``shipped``
            for a network that came with the program and cannot be changed.
        problem: Problem of its files, in a sentence; empty for none.
        data: Name of the data.
        k: Number of copies.
        parameters: Number of weights, 0 before the first checkpoint.
        step: Training steps done.
        elapsed_s: Seconds of training.
        held_out: Last held-out error ‖x̂ − x‖².
        alive: Survival: share of surviving chains, in [0, 1].
        distance: Distance of the samples from the data.
        features: Features behind the distance.
        figures: Name and text of all other measured figures.
        created: Time of creation, in seconds since 1970.
        note: Note of the user.
        tags: Tags of the user, for searching.
        spec_json: Its spec as JSON; empty if unreadable.
        thumbnail: A small PNG picture; empty for none.
        sweep: Folder of its comparison; empty for a single run.
        sweep_title: Title of the comparison: from the user, or its own.
        sweep_runs: Number of runs in the comparison; 0 if unknown.
        sweep_note: Note of the user on the comparison.
        sweep_tags: Tags of the comparison.
        elsewhere: Address of the run that this one is a copy of; empty for no copy.
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
    elsewhere: str = ""

    @property
    def searched(self) -> str:
        """Text for searching, casefolded: name, folder, data, k, status, note, tags and comparison."""
        tags = (f"#{tag}" for tag in (*self.tags, *self.sweep_tags))
        words = (self.name, self.folder, self.data, f"k={self.k}", self.status, self.note, *tags)
        comparison = ("comparison", self.sweep_title, self.sweep_note) if self.sweep else ()
        return " ".join((*words, *comparison)).casefold()


@dataclass(frozen=True, eq=False)
class RunsChanged(Event):
    """New, changed and deleted runs since the last such event.

    Attributes:
        rows: New and changed runs.
        gone: Paths of deleted runs.
        complete: Whether all runs have been reported.
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


@dataclass(frozen=True)
class Difference:
    """A setting with its value in each of several experiments.

    Attributes:
        path: Dotted path of the field, such as ``training.k``.
        title: Display title, with the symbol.
        unit: Unit of the values; empty for none.
        values: A text for each experiment; a dash where it has no such field.
    """

    path: str
    title: str
    unit: str
    values: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Differences(Event):
    """The settings in which experiments differ.

    Attributes:
        specs_json: The experiments as JSON.
        found: The settings whose values are not all equal, in order of declaration.
    """

    specs_json: tuple[str, ...]
    found: tuple[Difference, ...]


@dataclass(frozen=True, eq=False)
class Watched(Event):
    """How a place elsewhere stands.

    Attributes:
        address: The place.
        folder: The copy of its runs.
        runs: Number of runs there.
        age_s: Seconds since it was last seen; NaN if it was not yet.
        problem: Why it was not seen the last time; empty if it was.
    """

    address: str
    folder: str
    runs: int
    age_s: float
    problem: str = ""
