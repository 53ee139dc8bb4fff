"""Jobs on runs that lie elsewhere: watch them, and ask their trainings to save or to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
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

_SOONEST_S, _LATEST_S, _AWAY_S = 1.0, 30.0, 10.0
_SLOWER = 1.5
_TELL_HZ = 1.0
_NAP_S = 0.05
_WORDS: dict[Request, str] = {"stop": "to stop", "checkpoint": "for a checkpoint"}


@reports_user_errors
def watch_elsewhere(address: str, runs_dir: Path) -> Iterator[Event]:
    """Keep a copy of the runs at an address up to date until closed; the list of runs shows it like other runs.

    The place is looked at every second while it changes, more and more rarely while it does not, and again and again
    while it cannot be reached.

    Args:
        address: A path, or an address such as ``sftp://host/folder``.
        runs_dir: The folder of runs.

    Yields:
        `Watched` about once a second, otherwise `Tick`; `Failed` if the copy cannot be written.
    """
    mirror, told = Mirror(address, runs_dir), Every(_TELL_HZ)
    seen_s, runs, problem, rest_s = math.nan, 0, "", _SOONEST_S

    def moment() -> Event:
        age_s = time.monotonic() - seen_s
        return Watched(mirror.address, str(mirror.folder), runs, age_s, problem) if told.due() else Tick()

    while True:
        try:
            found = yield from _pulled(mirror, moment)
            seen_s, runs, problem = time.monotonic(), found.runs, ""
            rest_s = _SOONEST_S if found.changed else min(rest_s * _SLOWER, _LATEST_S)
        except AwayError as error:
            problem, rest_s = str(error), min(rest_s * _SLOWER, _AWAY_S)
        told = Every(_TELL_HZ)
        due_s = time.monotonic() + rest_s
        while time.monotonic() < due_s:
            yield moment()
            time.sleep(_NAP_S)


def _pulled(mirror: Mirror, moment: Callable[[], Event]) -> Generator[Event, None, Pulled]:
    """Pull in the background, so that nobody waits for a network."""
    pulling = in_background(lambda _: mirror.pull())
    while True:
        try:
            next(pulling)
        except StopIteration as done:
            pulled: Pulled = done.value
            return pulled
        yield moment()


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
