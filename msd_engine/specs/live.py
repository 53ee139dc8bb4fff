"""What can be asked of a job while it runs, and how often its caller wants frames; the rest is said by its spec."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Live:
    """Requests to a running job, safe to make from any thread.

    A job looks at them between two steps. Stopping is not among them: the caller closes the job's generator.
    """

    def __init__(self) -> None:
        self._checkpoint = threading.Event()
        self._running = threading.Event()
        self._running.set()

    def request_checkpoint(self) -> None:
        """Ask a training job to save its averaged weights as soon as it can."""
        self._checkpoint.set()

    def pop_checkpoint_request(self) -> bool:
        """Return whether a checkpoint was asked for since the last call."""
        wanted = self._checkpoint.is_set()
        self._checkpoint.clear()
        return wanted

    def pause(self) -> None:
        """Ask the job to hold between two steps."""
        self._running.clear()

    def resume(self) -> None:
        """Let a held job go on."""
        self._running.set()

    @property
    def paused(self) -> bool:
        """Whether the job is asked to hold."""
        return not self._running.is_set()

    def wait_while_paused(self, timeout_s: float) -> bool:
        """Wait until the job may go on, at most for some time.

        Args:
            timeout_s: Longest time to wait, in seconds.

        Returns:
            Whether the job may go on.
        """
        return self._running.wait(timeout_s)


class Cadence(Protocol):
    """Says when a frame is worth making."""

    def due(self) -> bool:
        """Return whether a frame is wanted now; a true answer uses the moment up."""
        ...


class _Never:
    def due(self) -> bool:
        return False


NEVER: Cadence = _Never()


class Every:
    """Frames at a steady rate; a late frame does not make the next ones hurry."""

    def __init__(self, hz: float) -> None:
        """Begin with the first frame due at once.

        Args:
            hz: Frames per second, positive.
        """
        self._interval_s = 1 / hz
        self._next_s = 0.0

    def due(self) -> bool:
        """Return whether the time of the next frame has come."""
        now_s = time.perf_counter()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._interval_s
        return True
