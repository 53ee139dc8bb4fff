"""Base class of all events, and the events of every job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, eq=False)
class Event:
    """A report of a job.

    Attributes:
        keep: What a mailbox keeps of waiting events: ``all`` in order, only the ``latest`` of a class, or ``none``.
    """

    keep: ClassVar[str] = "all"


@dataclass(frozen=True, eq=False)
class Tick(Event):
    """An event without content: it lets the caller close the job."""

    keep: ClassVar[str] = "none"


@dataclass(frozen=True, eq=False)
class Started(Event):
    """A job has begun.

    Attributes:
        job: Name of the job, such as ``train`` or ``sample``.
        device: Display name of the computing device.
        total: Number of steps of the job, 0 if unknown.
        step: First step, above 0 for a resumed run.
        spec_json: The spec as JSON.
        elsewhere: Address of the run or comparison that the opened folder is a copy of; empty for no copy.
    """

    job: str
    device: str
    total: int
    step: int
    spec_json: str
    elsewhere: str = ""


@dataclass(frozen=True, eq=False)
class Progress(Event):
    """Progress of a job.

    Attributes:
        step: Steps done.
        total: Steps in all, 0 if unknown.
        rate: Recent steps per second.
        items_rate: Data (or network evaluations of one chain) per second.
        elapsed_s: Seconds of work so far.
        left_s: Seconds left until the step or the time budget ends; NaN if unknown.
        text: Current activity, for the status bar; may be empty.
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
    """A sentence for the user that does not end the job, such as the chosen precision.

    Attributes:
        text: The sentence.
        details: What it is about, line by line; empty for none.
    """

    text: str
    details: str = ""


@dataclass(frozen=True, eq=False)
class Finished(Event):
    """A job has succeeded.

    Attributes:
        step: Steps done in all.
        elapsed_s: Seconds of work.
        text: One sentence on the outcome.
        path: The written folder or file; empty for none.
    """

    step: int
    elapsed_s: float
    text: str
    path: str = ""


@dataclass(frozen=True, eq=False)
class Failed(Event):
    """A job has failed; everything saved before remains.

    Attributes:
        text: One sentence: what happened and what to do.
        details: Details for a bug report, such as a traceback; may be empty.
        missing: Name of a missing image set that can be downloaded; otherwise empty.
    """

    text: str
    details: str = ""
    missing: str = ""


@dataclass(frozen=True, eq=False)
class SweepFound(Event):
    """The opened folder holds a comparison.

    Attributes:
        path: The folder.
    """

    path: str


@dataclass(frozen=True, eq=False)
class Restored(Event):
    """A spec was read from a picture, a preset, a sample file or a run folder.

    Attributes:
        spec_json: The spec as JSON.
        run: The run folder; empty for other sources.
        step: Training steps in the last checkpoint of the run.
        elapsed_s: Seconds of training up to that checkpoint.
        job: The job that made the file, such as ``denoise``; empty if the file does not say.
    """

    spec_json: str
    run: str = ""
    step: int = 0
    elapsed_s: float = 0.0
    job: str = ""
