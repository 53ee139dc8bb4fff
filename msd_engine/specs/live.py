"""Requests to a running job, and the rate of its frames."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Live:
    """Requests to a running job, safe to make from any thread.

    The job checks them between two steps. To stop a job, close its generator.
    """

    def __init__(self) -> None:
        self._checkpoint = threading.Event()
        self._running = threading.Event()
        self._running.set()

    def request_checkpoint(self) -> None:
        """Request that a training job saves its averaged weights as soon as possible."""
        self._checkpoint.set()

    def pop_checkpoint_request(self) -> bool:
        """Return whether a checkpoint was requested since the last call."""
        wanted = self._checkpoint.is_set()
        self._checkpoint.clear()
        return wanted

    def pause(self) -> None:
        """Hold the job between two steps."""
        self._running.clear()

    def resume(self) -> None:
        """Let a held job continue."""
        self._running.set()

    @property
    def paused(self) -> bool:
        """Whether the job should hold."""
        return not self._running.is_set()

    def wait_while_paused(self, timeout_s: float) -> bool:
        """Wait until the job may continue, at most `timeout_s` seconds, and return whether it may."""
        return self._running.wait(timeout_s)


class Cadence(Protocol):
    """Decides when a frame is due."""

    def due(self) -> bool:
        """Return whether a frame is due now; a true answer starts the next interval."""
        ...


class _Never:
    def due(self) -> bool:
        return False


NEVER: Cadence = _Never()


class Every:
    """Frames at a steady rate; a late frame does not shorten the next interval."""

    def __init__(self, hz: float) -> None:
        """Start with a frame that is due at once, then at most `hz` per second (positive)."""
        self._interval_s = 1 / hz
        self._next_s = 0.0

    def due(self) -> bool:
        """Return whether the next frame is due."""
        now_s = time.perf_counter()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._interval_s
        return True
