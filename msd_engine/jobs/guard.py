"""The end that every job shares: what a user can mend becomes a `Failed` event, never an exception."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import ParamSpec

from msd_engine.backend.errors import UserError
from msd_engine.events import Event, Failed
from msd_engine.specs import SpecError

P = ParamSpec("P")


def told(job: Callable[P, Iterator[Event]]) -> Callable[P, Iterator[Event]]:
    """Make a job tell a `UserError` or a `SpecError` as its last event.

    Args:
        job: A generator of events.

    Returns:
        The same job; other exceptions, which are faults of the program, still pass.
    """

    @functools.wraps(job)
    def telling(*args: P.args, **kwargs: P.kwargs) -> Iterator[Event]:
        try:
            yield from job(*args, **kwargs)
        except (UserError, SpecError) as error:
            sentence = str(error)
        else:
            return
        yield Failed(sentence)

    return telling
