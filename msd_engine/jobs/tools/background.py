"""Run work that cannot be interrupted, such as a download or a film, behind a job that can."""

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
"""Passes an event to the caller of the job; raises if the caller has closed it."""

_WAIT_S = 0.05


class _ClosedError(Exception):
    """The caller closed the job: end the work."""


def in_background(work: Callable[[Notify], T]) -> Generator[Event, None, T]:
    """Run work in its own thread and yield its events.

    The caller may close the generator at any time without waiting; the work ends when it next notifies.

    Args:
        work: The work; it should notify regularly, and before any permanent change.

    Yields:
        The newest event of the work, or `Tick` after a short time without one.

    Returns:
        The return value of the work; its exceptions are raised here.
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
            # Wake the thread that waits for events.
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
    """Import a large module in the background; closing the job does not wait for it.

    Args:
        name: Full name of the module.

    Yields:
        A `Tick` at intervals until it is imported.
    """
    known = sys.modules.get(name)
    # A module that another thread imports is listed already, but importing it would wait for that thread.
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
