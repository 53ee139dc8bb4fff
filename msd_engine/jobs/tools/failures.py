"""The end that every job shares: what a user can mend becomes a `Failed` event, never an exception.

So do the failures of a device, such as memory that is used up.
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
    """Make a job tell a `UserError`, a `SpecError` or the failure of a device as its last event.

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
        except (RuntimeError, MemoryError) as error:
            # Imported here: jobs that need no torch are guarded, too.
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
    """Return whether an error came up while its job was being closed."""
    context = error.__context__
    while context is not None and not isinstance(context, GeneratorExit):
        context = context.__context__
    return context is not None
