"""How a command ends: its exit code, its one sentence and its one line of JSON."""

from __future__ import annotations

import errno
import json
import math
import sys
from collections.abc import Mapping
from typing import Any

DONE = 0
FAILED = 1
REFUSED = 2
INTERRUPTED = 130


class RefusedError(Exception):
    """The command cannot be carried out as it was given; one sentence says why and what to do."""


class CutShortError(Exception):
    """A job that had begun did not come to its end; one sentence says what happened and how to go on.

    Attributes:
        code: The exit code: `FAILED` or `INTERRUPTED`.
        figures: What is known of the job so far.
    """

    def __init__(self, sentence: str, code: int, figures: Mapping[str, Any]) -> None:
        """Keep the code and the figures beside the sentence."""
        super().__init__(sentence)
        self.code = code
        self.figures = figures


def say(text: str) -> None:
    """Write a line for people on standard error, unless their terminal is gone."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError as error:
        if error.errno != errno.EIO:
            raise


def print_json(figures: Mapping[str, Any]) -> None:
    """Write one line of JSON on standard output; what is not finite becomes null."""
    print(json.dumps({name: plain(value) for name, value in figures.items()}, ensure_ascii=False), flush=True)


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: numbers that are not finite become null, at any depth."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
