"""How many threads of the CPU compute: a fixed number, or for a training what is quickest and what others leave free.

Threads that compute together wait for each other some hundred times in a step. Where another program takes the core of
one of them, all wait until it is given back, and a step can last a hundred times as long: then fewer threads are
quicker.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator

import psutil
import torch

from msd_engine.backend.errors import UserError

_VARIABLE = "MSD_THREADS"
_ALL_THREADS = torch.get_num_threads()
# Between two looks at the load, and the most of the time that looking may take.
_CHECK_S = 0.5
_CHECK_SHARE = 1e-3
# The load is known to some percent after this time.
_LEAST_WINDOW_S = 0.25
# The time of guests is part of that of the user.
_NOT_BUSY = frozenset({"idle", "iowait", "guest", "guest_nice"})
# So much of a core may be used by others, and it still counts as free.
_SPARE = 0.3
# More threads are taken after so long a quiet; longer each time where the last quiet ended within half a minute.
_QUIET_S = 2.0
_LONGEST_QUIET_S = 64.0
_SHORT_S = 30.0
# More threads must be quicker by this factor: fewer suffer less from others.
_GAIN = 1.05
_ROUNDS = 2
_TIMED_S = 0.15


def fixed_threads(count: int = 0) -> int:
    """Return the number of threads that somebody has fixed.

    Args:
        count: The number that was given; 0 for none. The environment variable MSD_THREADS, where set, fixes it then.

    Returns:
        The number; 0 where it is free.

    Raises:
        UserError: MSD_THREADS is not a positive whole number.
    """
    text = os.environ.get(_VARIABLE, "").strip()
    if count or not text:
        return count
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UserError(f"{_VARIABLE} must be a positive whole number, but is {text!r}.")
    return int(text)


def use_threads(count: int = 0) -> None:
    """Set how many threads of the CPU the calling thread computes with.

    Each thread that computes in parallel brings a pool of helpers of its own, and as soon as all pools together are
    larger than the machine, OpenMP puts every waiting helper to sleep: small networks then train three to four times
    slower. So of several threads that compute at the same time only one may have a pool.

    Args:
        count: Number of threads; 0 for the fixed number, or all that torch would use.
    """
    torch.set_num_threads(fixed_threads(count) or _ALL_THREADS)


class Load:
    """How many of the cores that this process may use are used by other programs.

    Attributes:
        cores: How many cores this process may use.
        rest_s: How long to wait between two readings, so that they take next to no time.
    """

    def __init__(self) -> None:
        process = psutil.Process()
        # Not on macOS, where every process may use all.
        allowed = process.cpu_affinity() if hasattr(process, "cpu_affinity") else []
        cores = len(psutil.cpu_times(percpu=True))
        # Where a core is switched off, the numbers of the others are no places in the list.
        self._cores = sorted(allowed) if allowed and max(allowed) < cores else range(cores)
        self.cores = len(self._cores)
        start = time.perf_counter()
        self._before = self._read()
        self.rest_s = max(_CHECK_S, (time.perf_counter() - start) / _CHECK_SHARE)

    def others(self) -> float:
        """Return the mean number of cores that others have used since the last call, or since the beginning."""
        time.sleep(max(0.0, self._before[0] + _LEAST_WINDOW_S - time.perf_counter()))
        before, self._before = self._before, self._read()
        passed, busy, own = (now - then for now, then in zip(self._before, before, strict=True))
        return min(max(0.0, (busy - own) / passed), float(self.cores))

    def _read(self) -> tuple[float, float, float]:
        """Return the time, how long our cores were busy, and how long this process has computed."""
        times = psutil.cpu_times(percpu=True)
        mine = [times[core] for core in self._cores]
        busy = sum(value for core in mine for name, value in core._asdict().items() if name not in _NOT_BUSY)
        return time.perf_counter(), busy, time.process_time()


def quickest(work: Callable[[], object], most: int, clock: Callable[[], float] = time.perf_counter) -> int:
    """Return with how many threads work is done soonest, by doing it a few times with 1, 2, 4, … and `most`.

    Args:
        work: A little of the work.
        most: The largest number of threads.
        clock: Returns the time in seconds.
    """
    least = dict.fromkeys(_counts(most), math.inf)
    # Taken in turns, so that a core that is slower for a while is so for all; the better turn of each counts.
    for _ in range(_ROUNDS):
        for count, before_s in least.items():
            torch.set_num_threads(count)
            least[count] = min(before_s, _seconds(work, min(least.values()), clock))
    best = 1
    for count, seconds in least.items():
        best = count if seconds * _GAIN < least[best] else best
    return best


def _counts(most: int) -> Iterator[int]:
    count = 1
    while count < most:
        yield count
        count *= 2
    yield most


def _seconds(work: Callable[[], object], best_s: float, clock: Callable[[], float]) -> float:
    """Return the mean time of the work; the first time warms up, and is enough where it took far too long.

    The mean, not the least: a window that is painted takes a core some thirty times a second, and two threads lose more
    by that than one.
    """
    start = clock()
    work()
    now = clock()
    if now - start > 4 * best_s:
        return now - start
    start, times = now, 0
    while not times or now - start < _TIMED_S:
        work()
        now, times = clock(), times + 1
    return (now - start) / times


class FixedThreads:
    """A number of threads that stays as it is.

    Attributes:
        count: Threads that compute now.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        torch.set_num_threads(count)

    @property
    def crowded(self) -> bool:
        """Whether others leave room for fewer threads than would be of use."""
        return False

    def begin(self) -> None:
        """Choose by the load alone."""

    def settle(self, quickest: Callable[[int], int]) -> None:
        """Choose by the load and by measuring.

        Args:
            quickest: Measures and returns the quickest number of threads up to a largest one.
        """

    def check(self) -> bool:
        """Choose anew where it is time, and return whether the number has changed."""
        return False


class ThreadChoice(FixedThreads):
    """The number of threads of one training: the quickest, but no more than others leave room for.

    It falls at once and rises after a quiet of some seconds: of two trainings, which both see the other's waiting
    threads, each comes to its part of the cores. What is quickest is measured only with as many threads as there is
    room for; with more, when there is more room for the first time.

    Args:
        load: Where the load is read.
        most: The largest number of threads.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, load: Load | None = None, most: int = _ALL_THREADS, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        super().__init__(1)
        self._load = load or Load()
        self._most = most
        self._clock = clock
        self._quickest: Callable[[int], int] = lambda most: most
        self._best = self._measured = 1
        self._due = 0.0
        self._quiet_s = _QUIET_S
        self._quiet_since = math.inf
        self._quiet_room = 0
        self._risen = -math.inf

    def begin(self) -> None:
        """Choose by the load alone."""
        self._take(self._room())

    def settle(self, quickest: Callable[[int], int]) -> None:
        """Choose by the load and by measuring.

        Args:
            quickest: Measures and returns the quickest number of threads up to a largest one.
        """
        self._quickest = quickest
        self._admit(self.count)

    @property
    def crowded(self) -> bool:
        """Whether others leave room for fewer threads than would be of use."""
        return self.count < self._wanted(self._most)

    def check(self) -> bool:
        """Choose anew where it is time, and return whether the number has changed."""
        now = self._clock()
        if now < self._due:
            return False
        before, room = self.count, self._room()
        wanted = self._wanted(room)
        if wanted <= before:
            self._quiet_since = math.inf
            if wanted < before:
                self._fall(now, wanted)
        elif self._quiet_since > now:
            self._quiet_since, self._quiet_room = now, room
        else:
            self._quiet_room = min(self._quiet_room, room)
            if now - self._quiet_since >= self._quiet_s:
                self._risen, self._quiet_since = now, math.inf
                self._admit(self._quiet_room)
        return self.count != before

    def _admit(self, room: int) -> None:
        """Use as many threads as are quickest in some room; measure where it is not known yet."""
        if self._unknown(room):
            best = self._quickest(room)
            left = self._room()
            if left < room:
                # Somebody came meanwhile, and what was measured says nothing.
                self._fall(self._clock(), min(left, self._best))
                return
            self._best, self._measured = best, room
        self._take(min(self._best, room))

    def _fall(self, now: float, count: int) -> None:
        short = now - self._risen < _SHORT_S
        self._quiet_s = min(2 * self._quiet_s, _LONGEST_QUIET_S) if short else _QUIET_S
        self._take(count)

    def _wanted(self, room: int) -> int:
        """Return the number of threads that some room is of use for; all of it where that is not known yet."""
        return room if self._unknown(room) else min(self._best, room)

    def _unknown(self, room: int) -> bool:
        """Return whether still more threads than were measured may be quicker."""
        return room > self._measured == self._best

    def _room(self) -> int:
        free = self._load.cores - self._load.others()
        self._due = self._clock() + self._load.rest_s
        return max(1, min(math.floor(free + _SPARE), self._most))

    def _take(self, count: int) -> None:
        self.count = count
        torch.set_num_threads(count)
