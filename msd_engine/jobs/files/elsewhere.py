"""Jobs on runs that lie elsewhere: watch them, and ask their trainings to save or to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from msd_engine.events import Event, Finished, Tick, Watched
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs.remote.mirror import Mirror, Pulled, ask
from msd_engine.runs.remote.places import AwayError
from msd_engine.runs.remote.requests import Request
from msd_engine.specs.live import Every

__all__ = ["ask_elsewhere", "watch_elsewhere"]

_REFRESH_S, _PULL_S, _AWAY_S = (1.0, 5.0), (3.0, 30.0), 10.0
# After so long without a change, in parts of it, the place is looked at again.
_PARTS = 10
_TELL_HZ = 1.0
_NAP_S = 0.05
_UNANSWERED_S, _UNANSWERED = 10.0, "It has not answered yet."
_WORDS: dict[Request, str] = {"stop": "to stop", "checkpoint": "for a checkpoint"}


@reports_user_errors
def watch_elsewhere(address: str, runs_dir: Path) -> Iterator[Event]:
    """Keep a copy of the runs at an address up to date until closed; the list of runs shows it like other runs.

    The curves of runs in training are looked at every second while they change, everything else every three seconds;
    both more and more rarely while nothing changes, and again and again while the place cannot be reached.

    Args:
        address: A path, or an address such as ``sftp://host/folder``.
        runs_dir: The folder of runs.

    Yields:
        `Watched` about once a second, otherwise `Tick`; `Failed` if the copy cannot be written.
    """
    with closing(Mirror(address, runs_dir)) as mirror:
        looks = _Look(mirror.refresh, *_REFRESH_S), _Look(mirror.pull, *_PULL_S)
        told = Every(_TELL_HZ)
        while True:
            for look in looks:
                if look.ended():
                    told = Every(_TELL_HZ)
                    for other in looks:
                        other.follow(look)
            if told.due():
                problem = next((look.problem for look in looks if look.problem), "")
                if not problem and any(look.waits() for look in looks):
                    problem = _UNANSWERED
                age_s = time.monotonic() - mirror.seen_s
                yield Watched(mirror.address, str(mirror.folder), mirror.runs, age_s, problem)
            else:
                yield Tick()
            time.sleep(_NAP_S)


class _Look:
    """A look at a place elsewhere, repeated in the background so that nobody waits for a network.

    Args:
        ask: The look.
        soonest_s: Time from one to the next while something changes.
        latest_s: The same at most while nothing does.

    Attributes:
        problem: Why the last one failed; empty for none.
    """

    def __init__(self, ask: Callable[[], Pulled], soonest_s: float, latest_s: float) -> None:
        self.problem = ""
        self._ask = ask
        self._soonest_s, self._latest_s = soonest_s, latest_s
        self._due_s = self._begun_s = -math.inf
        self._changed_s = time.monotonic()
        self._asked: Iterator[Event] | None = None
        self._again = False

    def ended(self) -> bool:
        """Begin one if it is time, and return whether one has just ended."""
        now_s = time.monotonic()
        if self._asked is None:
            if now_s < self._due_s:
                return False
            self._asked, self._begun_s = in_background(lambda _: self._ask()), now_s
        try:
            next(self._asked)
        except StopIteration as done:
            self._changed_s = now_s if done.value.changed else self._changed_s
            self._again, self.problem = bool(self.problem), ""
        except AwayError as error:
            self._again, self.problem = False, str(error)
        else:
            return False
        self._asked = None
        self._due_s = now_s if self.problem else self._begun_s
        self._due_s += self._rest_s(now_s)
        return True

    def waits(self) -> bool:
        """Return whether the present one has lasted long."""
        return self._asked is not None and time.monotonic() - self._begun_s > _UNANSWERED_S

    def _rest_s(self, now_s: float) -> float:
        rest_s = max(self._soonest_s, (now_s - self._changed_s) / _PARTS)
        return min(rest_s, _AWAY_S if self.problem else self._latest_s)

    def follow(self, other: _Look) -> None:
        """Look sooner if another look found a change, or the place again."""
        if other._changed_s > self._changed_s:
            self._changed_s = other._changed_s
            self._due_s = min(self._due_s, time.monotonic() + self._soonest_s)
        if self.problem and other._again:
            self._due_s = -math.inf


@reports_user_errors
def ask_elsewhere(run: Path, request: Request) -> Iterator[Event]:
    """Ask the training that a run folder is a copy of to save a checkpoint or to stop.

    Args:
        run: The run folder.
        request: What to ask for.

    Yields:
        `Tick`, then `Finished`; `Failed` if the folder is no copy or the place cannot be written.
    """
    begun_s = time.monotonic()
    yield from in_background(partial(_ask, run, request))
    text = f"{run.name} is asked {_WORDS[request]}; its training looks for that about twice a second."
    yield Finished(0, time.monotonic() - begun_s, text)


def _ask(run: Path, request: Request, _notify: Notify) -> None:
    ask(run, request)
