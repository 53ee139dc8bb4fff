"""A clock that stops while the program is suspended, so that a sleeping machine spends no training budget."""

from __future__ import annotations

import time
from collections.abc import Callable

# A running program uses the processor: of a longer wait only this much counts beyond processor time.
LONGEST_WAIT_S = 2.0


class WorkClock:
    """Measures the time between calls of `lap`, without the time for which the program was stopped.

    Wall time cannot distinguish a closed lid or a stopped process from a long step; processor time can.
    """

    def __init__(
        self, wall: Callable[[], float] = time.perf_counter, processor: Callable[[], float] = time.process_time
    ) -> None:
        """Start the clock.

        Args:
            wall: Returns the time in seconds.
            processor: Returns the processor time of the process in seconds.
        """
        self._wall, self._processor = wall, processor
        self._before = wall(), processor()

    def lap(self) -> float:
        """Return the seconds of work since the previous call, or since the start."""
        now = self._wall(), self._processor()
        wall_s, processor_s = (after - before for after, before in zip(now, self._before, strict=True))
        self._before = now
        return min(wall_s, max(processor_s, LONGEST_WAIT_S))
