"""How often a caller wants frames. A job asks `due()` between two steps and makes a frame only where it is true."""

from __future__ import annotations

import time
from typing import Protocol


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
