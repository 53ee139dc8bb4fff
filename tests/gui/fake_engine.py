"""An engine that computes nothing: one page runs with it alone, without window, thread and torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from msd_engine.events import Event
from msd_gui.bridge.engine import Engine

Events = Iterable[Event] | Callable[..., Iterable[Event]]


class DrawRequest(NamedTuple):
    """A job that was asked for, with its arguments by name."""

    job: str
    arguments: dict[str, Any]


class FakeEngine:
    """Makes jobs that emit given events, and records what was asked for.

    A job that the engine does not make, or makes from other arguments, is an error here, too. A job without given
    events ends at once.

    Attributes:
        asked: What was asked for, oldest first.
    """

    def __init__(self, **events: Events) -> None:
        """Remember what jobs emit.

        Args:
            events: By name of the job its events, or a function of the job's arguments that returns them.
        """
        for name in events:
            getattr(Engine, name)
        self._events = events
        self.requested: list[DrawRequest] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        signature = inspect.signature(getattr(Engine, name))

        def make(*positional: Any, **named: Any) -> Callable[..., Iterator[Event]]:
            bound = signature.bind(self, *positional, **named)
            bound.apply_defaults()
            arguments = dict(list(bound.arguments.items())[1:])
            self.requested.append(DrawRequest(name, arguments))
            events = self._events.get(name, ())

            def job(_cadence: object, _live: object) -> Iterator[Event]:
                yield from events(**arguments) if callable(events) else events

            return job

        return make

    def new_run(self, _spec: object) -> Path:
        """Return the path of a run folder."""
        return Path("run")

    def jobs(self) -> list[str]:
        """Return the names of the jobs asked for since the last call."""
        names = [wanted.job for wanted in self.requested]
        self.requested.clear()
        return names
