"""The common base of all events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, eq=False)
class Event:
    """Something that a job tells.

    Attributes:
        keep: What a mailbox does when several wait: ``all`` keeps each in order, ``latest`` only the newest of a class,
            ``none`` drops it.
    """

    keep: ClassVar[str] = "all"


@dataclass(frozen=True, eq=False)
class Tick(Event):
    """Nothing to tell: the job only gives its caller the chance to close it."""

    keep: ClassVar[str] = "none"


@dataclass(frozen=True, eq=False)
class Started(Event):
    """A job has begun.

    Attributes:
        job: Name of the job, such as ``train`` or ``sample``.
        device: The device that computes, in words.
        total: Number of steps that the job will take, 0 where unknown.
        step: The step it starts from (more than 0 when a run goes on).
        spec_json: The spec as JSON.
    """

    job: str
    device: str
    total: int
    step: int
    spec_json: str


@dataclass(frozen=True, eq=False)
class Progress(Event):
    """How far a job is.

    Attributes:
        step: Steps done.
        total: Steps in all, 0 where unknown.
        rate: Steps per second over the last moments.
        items_rate: Data (or network evaluations of one chain) per second.
        elapsed_s: Seconds of work so far.
        left_s: Seconds left, by the step or the time budget, whichever ends first; NaN where unknown.
        text: What is going on, for the status bar; may be empty.
    """

    keep: ClassVar[str] = "latest"
    step: int
    total: int
    rate: float
    items_rate: float
    elapsed_s: float
    left_s: float
    text: str = ""


@dataclass(frozen=True, eq=False)
class Notice(Event):
    """A sentence for the user that ends nothing, such as the precision that was chosen.

    Attributes:
        text: The sentence.
    """

    text: str


@dataclass(frozen=True, eq=False)
class Finished(Event):
    """A job has ended well.

    Attributes:
        step: Steps done in all.
        elapsed_s: Seconds of work.
        text: One sentence on the outcome.
        path: The folder or file that was written; empty where none was.
    """

    step: int
    elapsed_s: float
    text: str
    path: str = ""


@dataclass(frozen=True, eq=False)
class Failed(Event):
    """A job has ended badly; what was saved before is kept.

    Attributes:
        text: One sentence: what happened and what to do.
        details: More for a report, such as a traceback; may be empty.
        missing: Name of the image set that is missing and could be fetched; empty where it is not about that.
    """

    text: str
    details: str = ""
    missing: str = ""


@dataclass(frozen=True, eq=False)
class SweepFound(Event):
    """A folder that was to be opened holds a comparison.

    Attributes:
        path: The folder.
    """

    path: str


@dataclass(frozen=True, eq=False)
class Restored(Event):
    """A spec was read from a picture, a preset, a sample file or a run folder.

    Attributes:
        spec_json: The spec as JSON.
        run: The run folder, where it was one; else empty.
        step: Training steps in the last checkpoint of the run.
        elapsed_s: Seconds of training up to there.
    """

    spec_json: str
    run: str = ""
    step: int = 0
    elapsed_s: float = 0.0
