"""The end that every job shares: what a user can mend becomes a `Failed` event, never an exception."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import ParamSpec

from msd_engine.backend.errors import MissingDataError, UserError
from msd_engine.events import Event, Failed
from msd_engine.specs import SpecError

P = ParamSpec("P")


def told(job: Callable[P, Iterator[Event]]) -> Callable[P, Iterator[Event]]:
    """Make a job tell a `UserError` or a `SpecError` as its last event.

    Args:
        job: A generator of events.

    Returns:
        The same job; other exceptions, which are faults of the program, still pass, and so does a `UserError` while
        the job is closed, such as that of a full disk: who closes it hears no more events.
    """

    @functools.wraps(job)
    def telling(*args: P.args, **kwargs: P.kwargs) -> Iterator[Event]:
        try:
            yield from job(*args, **kwargs)
        except (UserError, SpecError) as error:
            if _closing(error):
                raise
            failed = Failed(str(error), missing=error.data_name if isinstance(error, MissingDataError) else "")
        else:
            return
        yield failed

    return telling


def _closing(error: BaseException) -> bool:
    """Return whether an error came up while its job was being closed."""
    context = error.__context__
    while context is not None and not isinstance(context, GeneratorExit):
        context = context.__context__
    return context is not None
