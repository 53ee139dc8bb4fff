"""The errors that a user can cause. Jobs turn them into a `Failed` event, the command line into exit code 2."""

from __future__ import annotations

from msd_engine.events.errors import UserError

__all__ = ["BadFile", "UserError"]


class BadFile(UserError):  # noqa: N818 - the name is part of the contract
    """A file that is missing, cut short, of the wrong kind or hostile; the sentence names it and what was expected."""
