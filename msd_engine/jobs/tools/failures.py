"""Turn errors that a user can fix into a `Failed` event, which ends the job.

Failures of a device, such as lack of memory, become such events too.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterator
from typing import ParamSpec

from msd_engine.backend.errors import MissingDataError, UserError
from msd_engine.events import Event, Failed
from msd_engine.specs import SpecError

P = ParamSpec("P")


def reports_user_errors(job: Callable[P, Iterator[Event]]) -> Callable[P, Iterator[Event]]:
    """Make a job end with `Failed` on a `UserError`, a `SpecError` or a device failure.

    Args:
        job: A generator of events.

    Returns:
        The same job. Other exceptions are bugs and propagate; so does a `UserError` while the job is being closed,
        such as that of a full disk, because a closed generator yields no events.
    """

    @functools.wraps(job)
    def telling(*args: P.args, **kwargs: P.kwargs) -> Iterator[Event]:
        try:
            yield from job(*args, **kwargs)
        except (UserError, SpecError) as error:
            if _closing(error):
                raise
            failed = Failed(str(error), missing=error.data_name if isinstance(error, MissingDataError) else "")
        except (RuntimeError, MemoryError) as error:
            # Import here: jobs without torch use this decorator too.
            from msd_engine.backend.device import failure_of_device

            text = failure_of_device(error)
            if not text:
                raise
            if _closing(error):
                raise UserError(text) from error
            failed = Failed(text, traceback.format_exc())
        else:
            return
        yield failed

    return telling


def _closing(error: BaseException) -> bool:
    """Return whether an error was raised while its job was being closed."""
    context = error.__context__
    while context is not None and not isinstance(context, GeneratorExit):
        context = context.__context__
    return context is not None
