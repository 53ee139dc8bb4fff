"""Work that cannot stop by itself, such as waiting for a server or packing a film, behind a job that can."""

from __future__ import annotations

import importlib
import queue
import sys
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

from msd_engine.events import Event, Tick

T = TypeVar("T")

Notify = Callable[[Event], None]
"""Hands an event to the job's caller; raises where the caller has closed the job."""

_WAIT_S = 0.05


class _ClosedError(Exception):
    """The caller closed the job: the work is to end."""


def in_background(work: Callable[[Notify], T]) -> Generator[Event, None, T]:
    """Do work in a thread of its own and yield what it tells.

    The caller may close the generator at any time and is never kept waiting; the work ends when it tells next.

    Args:
        work: Does the work; it should tell something now and then, and before it changes anything for good.

    Yields:
        The newest event that the work told, or `Tick` after a short while without news.

    Returns:
        What the work returned. Whatever it raised is raised here.
    """
    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    closed = threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def notify(event: Event) -> None:
        if closed.is_set():
            raise _ClosedError
        events.put(event)

    def run() -> None:
        try:
            results.append(work(notify))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)
        finally:
            # Whoever waits for news need not wait any longer.
            events.put(None)

    thread = threading.Thread(target=run, name="msd-background", daemon=True)
    thread.start()
    try:
        while thread.is_alive() or not events.empty():
            yield _newest(events)
    finally:
        closed.set()
    if errors:
        raise errors[0]
    return results[0]


def imported(name: str) -> Generator[Event, None, None]:
    """Import a module that takes long; a job that is closed meanwhile does not wait for it.

    Args:
        name: Full name of the module.

    Yields:
        A `Tick` now and then until it is there.
    """
    known = sys.modules.get(name)
    # What another thread is importing is there already, but to import it would wait for that thread.
    if known is None or getattr(known.__spec__, "_initializing", False):
        yield from in_background(lambda _: importlib.import_module(name))


def _newest(events: queue.SimpleQueue[Event | None]) -> Event:
    newest: Event | None = None
    try:
        newest = events.get(timeout=_WAIT_S)
        while not events.empty():
            newest = events.get() or newest
    except queue.Empty:
        pass
    return newest or Tick()
