"""Number of CPU threads: fixed, or for a training the fastest number that other programs leave free.

Threads that compute together synchronise some hundred times per step. If another program takes the core of one, all
wait, and a step can take a hundred times as long: then fewer threads are faster.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import ClassVar

import psutil
import torch

from msd_engine.backend.errors import UserError

_VARIABLE = "MSD_THREADS"
_ALL_THREADS = torch.get_num_threads()
# Least interval between two readings of the load, and largest share of time spent on them.
_CHECK_S = 0.5
_CHECK_SHARE = 1e-3
# This window gives the load to some percent.
_LEAST_WINDOW_S = 0.25
# Guest time is part of user time.
_NOT_BUSY = frozenset({"idle", "iowait", "guest", "guest_nice"})
# A core counts as free up to this use by others.
_SPARE = 0.3
# Quiet time before threads are added; it doubles each time the load returns within `_SHORT_S`.
_QUIET_S = 2.0
_LONGEST_QUIET_S = 64.0
_SHORT_S = 30.0
# More threads must be faster by this factor, since fewer suffer less from other programs.
_GAIN = 1.05
_ROUNDS = 2
_TIMED_S = 0.15
_CHOSEN = threading.local()
# A job shortly after one that left cores to others begins with its number: its first check may come too late.
_REMEMBERED_S = 30.0


def fixed_threads(count: int = 0) -> int:
    """Return the number of threads that the user has fixed.

    Args:
        count: Explicit number; 0 uses the environment variable MSD_THREADS.

    Returns:
        The number; 0 where it is not fixed.

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
    """Set the number of CPU threads of the calling thread.

    Each computing thread has its own OpenMP pool. Once the pools together exceed the machine, OpenMP suspends every
    waiting worker, and small networks train three to four times slower: only one concurrent thread may have a pool.

    Args:
        count: Number of threads; 0 for the fixed number, else torch's default.
    """
    _CHOSEN.fixed = bool(fixed_threads(count))
    torch.set_num_threads(fixed_threads(count) or _ALL_THREADS)


def threads_to_spare() -> FixedThreads:
    """Return the threads of a job that computes at once with all of the calling thread, fewer while others need cores.

    Returns:
        A constant number if the calling thread has one, by `use_threads` or MSD_THREADS, or if it is 1.
    """
    count = torch.get_num_threads()
    if count == 1 or fixed_threads() or getattr(_CHOSEN, "fixed", False):
        return FixedThreads(count)
    since, fewer = ThreadChoice.left
    recent = time.perf_counter() - since < _REMEMBERED_S
    return ThreadChoice(most=count, first=min(count, fewer) if recent else count)


class Load:
    """Number of available cores that other programs use.

    Attributes:
        cores: Cores that this process may use.
        rest_s: Time between two readings that makes their cost negligible.
    """

    def __init__(self) -> None:
        process = psutil.Process()
        # Missing on macOS, where every process may use all cores.
        allowed = process.cpu_affinity() if hasattr(process, "cpu_affinity") else []
        cores = len(psutil.cpu_times(percpu=True))
        # With a core offline, core numbers are not list indices.
        self._cores = sorted(allowed) if allowed and max(allowed) < cores else range(cores)
        self.cores = len(self._cores)
        start = time.perf_counter()
        self._before = self._read()
        self.rest_s = max(_CHECK_S, (time.perf_counter() - start) / _CHECK_SHARE)

    def others(self) -> float:
        """Return the mean number of cores used by others since the last call, or since construction."""
        time.sleep(max(0.0, self._before[0] + _LEAST_WINDOW_S - time.perf_counter()))
        before, self._before = self._before, self._read()
        passed, busy, own = (now - then for now, then in zip(self._before, before, strict=True))
        return min(max(0.0, (busy - own) / passed), float(self.cores))

    def _read(self) -> tuple[float, float, float]:
        """Return the time, the busy time of the available cores, and the CPU time of this process, in seconds."""
        times = psutil.cpu_times(percpu=True)
        available = [times[core] for core in self._cores]
        busy = sum(value for core in available for name, value in core._asdict().items() if name not in _NOT_BUSY)
        return time.perf_counter(), busy, time.process_time()


def quickest(work: Callable[[], object], most: int, clock: Callable[[], float] = time.perf_counter) -> int:
    """Measure a sample of the work with 1, 2, 4, … and `most` threads, and return the fastest number.

    Args:
        work: A sample of the work.
        most: Largest number of threads.
        clock: Time in seconds.
    """
    least = dict.fromkeys(_counts(most), math.inf)
    # Alternate, so that a temporarily slow core affects all counts; the better of two rounds counts.
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
    """Return the mean time of the work after a first call, which warms up and suffices if it is far too slow.

    The mean, not the minimum: painting the window takes a core some thirty times a second, which slows two threads
    more than one.
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
    """A constant number of threads.

    Attributes:
        count: Number of threads in use.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        torch.set_num_threads(count)

    @property
    def crowded(self) -> bool:
        """Whether other programs leave fewer free cores than training could use."""
        return False

    def begin(self) -> None:
        """Choose by the load alone."""

    def settle(self, quickest: Callable[[int], int]) -> None:
        """Choose by the load and by measuring.

        Args:
            quickest: Measures and returns the fastest number of threads up to a given one.
        """

    def check(self) -> bool:
        """Choose again if a check is due, and return whether the number has changed."""
        return False


class ThreadChoice(FixedThreads):
    """Threads of one training: the fastest number that other programs leave free.

    It falls at once and rises after some quiet seconds, so that two trainings, each of which sees the other's waiting
    threads, share the cores. Speed is measured only up to the number of free cores, and again when more become free.

    Args:
        load: Load of the machine.
        most: Largest number of threads.
        clock: Time in seconds.
        first: Number of threads before the first check.
    """

    left: ClassVar[tuple[float, int]] = (-math.inf, 0)
    """When some choice last left cores to others, and the number of threads that it kept."""

    def __init__(
        self,
        load: Load | None = None,
        most: int = _ALL_THREADS,
        clock: Callable[[], float] = time.perf_counter,
        *,
        first: int = 1,
    ) -> None:
        super().__init__(first)
        self._load = load or Load()
        self._most = most
        self._clock = clock
        self._quickest: Callable[[int], int] = lambda most: most
        self._best = self._measured = 1
        # The load before the first check is that of an interval.
        self._due = clock() + self._load.rest_s if first > 1 else 0.0
        self._quiet_s = _QUIET_S
        self._quiet_since = math.inf
        self._quiet_free = 0
        self._risen = -math.inf

    def begin(self) -> None:
        """Choose by the load alone."""
        self._use(self._free())

    def settle(self, quickest: Callable[[int], int]) -> None:
        """Choose by the load and by measuring, as `FixedThreads.settle`."""
        self._quickest = quickest
        self._choose(self.count)

    @property
    def crowded(self) -> bool:
        """Whether other programs leave fewer free cores than training could use."""
        return self.count < self._wanted(self._most)

    def check(self) -> bool:
        """Choose again if a check is due, and return whether the number has changed."""
        now = self._clock()
        if now < self._due:
            return False
        before, free = self.count, self._free()
        wanted = self._wanted(free)
        if wanted <= before:
            self._quiet_since = math.inf
            if wanted < before:
                self._fall(now, wanted)
        elif self._quiet_since > now:
            self._quiet_since, self._quiet_free = now, free
        else:
            self._quiet_free = min(self._quiet_free, free)
            if now - self._quiet_since >= self._quiet_s:
                self._risen, self._quiet_since = now, math.inf
                self._choose(self._quiet_free)
        return self.count != before

    def _choose(self, free: int) -> None:
        """Use the fastest number of threads up to `free`, measured if necessary."""
        if self._unmeasured(free):
            best = self._quickest(free)
            left = self._free()
            if left < free:
                # The load rose meanwhile: the measurement is invalid.
                self._fall(self._clock(), min(left, self._best))
                return
            self._best, self._measured = best, free
        self._use(min(self._best, free))

    def _fall(self, now: float, count: int) -> None:
        ThreadChoice.left = now, count
        short = now - self._risen < _SHORT_S
        self._quiet_s = min(2 * self._quiet_s, _LONGEST_QUIET_S) if short else _QUIET_S
        self._use(count)

    def _wanted(self, free: int) -> int:
        """Return the number of threads worth using out of `free` ones; all of them before measuring."""
        return free if self._unmeasured(free) else min(self._best, free)

    def _unmeasured(self, free: int) -> bool:
        """Return whether more threads than were measured may be faster."""
        return free > self._measured == self._best

    def _free(self) -> int:
        cores = self._load.cores - self._load.others()
        self._due = self._clock() + self._load.rest_s
        return max(1, min(math.floor(cores + _SPARE), self._most))

    def _use(self, count: int) -> None:
        self.count = count
        torch.set_num_threads(count)
