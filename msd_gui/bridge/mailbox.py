"""The mailbox between a working thread and the screen.

One queued signal per step would freeze the window, so events wait here until the screen asks for them: frames give way
to newer frames, everything else is kept in order.
"""

from __future__ import annotations

import threading

from msd_engine.events import Event


class Mailbox:
    """Events that wait for the screen, each with the generation of the job that told it; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, Event]] = []

    def put(self, generation: int, event: Event) -> None:
        """Add an event, replacing an older frame of the same class and job, as the event's `keep` says."""
        if event.keep == "none":
            return
        with self._lock:
            if event.keep == "latest":
                kind = type(event)
                self._waiting = [item for item in self._waiting if item[0] != generation or type(item[1]) is not kind]
            self._waiting.append((generation, event))

    def drain(self) -> list[tuple[int, Event]]:
        """Take out all waiting events, oldest first."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        return waiting

    def __len__(self) -> int:
        """Number of waiting events."""
        return len(self._waiting)
