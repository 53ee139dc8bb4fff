"""Seconds in which this program was awake and at work: a budget in seconds is not spent by a machine that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable

# A program that is at work computes: of a longer wait only so much counts beside the time of the processor.
LONGEST_WAIT_S = 2.0


class WorkClock:
    """Measures the time between calls of `lap`, without the time for which the program was stopped.

    A clock that goes on while the lid is closed or the process is stopped cannot tell that from a long step. The time
    that the process has had the processor can.
    """

    def __init__(
        self, wall: Callable[[], float] = time.perf_counter, processor: Callable[[], float] = time.process_time
    ) -> None:
        """Begin to measure.

        Args:
            wall: Returns the time in seconds.
            processor: Returns the seconds for which the process has had a processor.
        """
        self._wall, self._processor = wall, processor
        self._before = wall(), processor()

    def lap(self) -> float:
        """Return the seconds at work since the call before, or since the beginning."""
        now = self._wall(), self._processor()
        wall_s, processor_s = (after - before for after, before in zip(now, self._before, strict=True))
        self._before = now
        return min(wall_s, max(processor_s, LONGEST_WAIT_S))
