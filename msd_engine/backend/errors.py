"""Errors that a user can cause. Jobs turn them into a `Failed` event, the command line into exit code 2."""

from __future__ import annotations

from msd_engine.events.errors import NO_MEMORY, UserError, is_out_of_memory

__all__ = ["NO_MEMORY", "BadFile", "MissingDataError", "NotFiniteError", "UserError", "is_out_of_memory"]


class BadFile(UserError):  # noqa: N818 - the name is part of the contract
    """A missing, cut, malformed or hostile file; the message names it and the expected content."""


class MissingDataError(BadFile):
    """Missing files of an image set that can be downloaded.

    Attributes:
        data_name: The set: ``mnist``, ``fashion-mnist`` or ``cifar-10``.
    """

    def __init__(self, data_name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.data_name = data_name


class NotFiniteError(UserError):
    """Numbers that were to be saved are not finite; nothing was written."""
