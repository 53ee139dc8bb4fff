"""Pulling a job to its end for a command: progress, interruption and failure."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from types import FrameType
from typing import Any, Protocol

from msd_engine.cli.outcome import FAILED, INTERRUPTED, CutShortError, RefusedError
from msd_engine.cli.progress import choose_reporter
from msd_engine.events import Event, Failed, Finished, Started

FRAMES_HZ = 2.0
"""How often figures come from a job; each costs its work a little."""


class Account(Protocol):
    """What a command keeps of its job's events."""

    def take(self, event: Event) -> None:
        """Take note of one event."""
        ...

    def figures(self) -> dict[str, Any]:
        """Return what is known of the job, by name."""
        ...

    def way_on(self) -> str:
        """Say in one sentence how to go on after the job was stopped."""
        ...


def follow(job: Iterator[Event], account: Account) -> Finished:
    """Pull a job to its end.

    Ctrl-C closes the job between two of its steps, so that its own clean-up leaves everything saved; a second one
    ends the program at once.

    Args:
        job: The job, a generator of events.
        account: Takes every event.

    Returns:
        The job's last event.

    Raises:
        RefusedError: The job could not begin with what it was given.
        CutShortError: The job had begun and failed, or the user stopped it.
    """
    begun = False
    with choose_reporter() as reporter, _interruptible() as interrupted, closing(job):  # type: ignore[type-var]
        for event in job:
            reporter.show(event)
            account.take(event)
            match event:
                case Started():
                    begun = True
                case Failed() if begun:
                    raise CutShortError(event.text, FAILED, account.figures())
                case Failed():
                    raise RefusedError(event.text)
                case Finished():
                    return event
                case _:
                    pass
            if interrupted.is_set():
                break
    # Only now is the job closed and everything saved.
    way_on = account.way_on()
    raise CutShortError(way_on, INTERRUPTED, account.figures())


@contextlib.contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C (or request to terminate) into a flag; the second acts as usual."""
    asked = threading.Event()
    before: dict[int, Any] = {}

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()
        for other, handler in before.items():
            signal.signal(other, handler)

    if threading.current_thread() is threading.main_thread():
        before.update({number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)})
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
