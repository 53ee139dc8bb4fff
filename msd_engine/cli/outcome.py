"""Outcome of a command: its exit code, its one sentence and its one line of JSON."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from msd_engine.launchers.launch import AGAIN as AGAIN

DONE = 0
FAILED = 1
REFUSED = 2
INTERRUPTED = 130


class RefusedError(Exception):
    """The command cannot run with its options; one sentence gives the reason and a remedy."""


class CutShortError(Exception):
    """A started job did not finish; one sentence reports what happened and how to continue.

    Attributes:
        code: The exit code: `FAILED`, `AGAIN` or `INTERRUPTED`.
        figures: The figures of the job so far.
    """

    def __init__(self, sentence: str, code: int, figures: Mapping[str, Any]) -> None:
        """Store code and figures with the sentence."""
        super().__init__(sentence)
        self.code = code
        self.figures = figures


@contextlib.contextmanager
def runs_again(sentence: str, *, wanted: bool) -> Iterator[None]:
    """Give a command that can be repeated as it is the exit code `AGAIN` where it is stopped.

    Args:
        sentence: The message for people.
        wanted: Whether the command can be repeated so; otherwise nothing changes.

    Yields:
        Nothing.

    Raises:
        CutShortError: The command was stopped.
    """
    try:
        yield
    except CutShortError as error:
        if wanted and error.code == INTERRUPTED:
            raise CutShortError(sentence, AGAIN, error.figures) from None
        raise
    except KeyboardInterrupt:
        if wanted:
            raise CutShortError(sentence, AGAIN, {}) from None
        raise


def say(text: str) -> None:
    """Write a line for people on standard error, unless their terminal is closed."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError as error:
        if error.errno != errno.EIO:
            raise


def print_json(figures: Mapping[str, Any]) -> None:
    """Write one line of JSON on standard output; values that are not finite become null."""
    print(json.dumps({name: plain(value) for name, value in figures.items()}, ensure_ascii=False), flush=True)


def plain(value: Any) -> Any:
    """Convert a value for JSON: numbers that are not finite become null, at any depth."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
