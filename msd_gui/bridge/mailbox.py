"""The mailbox between a worker thread and the screen.

One queued signal per step would freeze the window, so events wait here until the screen drains them: newer frames
replace older ones, and all other events keep their order.
"""

from __future__ import annotations

import threading

from msd_engine.events import Event


class Mailbox:
    """Events that wait for the screen, each with the generation of its job; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, Event]] = []

    def put(self, generation: int, event: Event) -> None:
        """Add an event; it replaces an older frame of the same class and job, according to its `keep`."""
        if event.keep == "none":
            return
        with self._lock:
            if event.keep == "latest":
                kind = type(event)
                self._waiting = [item for item in self._waiting if item[0] != generation or type(item[1]) is not kind]
            self._waiting.append((generation, event))

    def drain(self) -> list[tuple[int, Event]]:
        """Remove and return all waiting events, oldest first."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        return waiting

    def __len__(self) -> int:
        """Return the number of waiting events."""
        return len(self._waiting)
