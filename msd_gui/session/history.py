"""Undo and redo of a value, where one drag is one step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

# Changes from one source within this time form one step: wheel clicks, held keys.
MERGE_S = 0.7


class History(Generic[T]):
    """The past and the future of one value.

    Changes carry the name of their source, such as the path of a field. All pushes between `begin` and `end` become one
    step, and so do quick pushes from one source.
    """

    def __init__(self, value: T, *, depth: int = 200, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with a value without a past.

        Args:
            value: The first value.
            depth: Greatest number of kept steps.
            clock: Returns seconds since any fixed moment.
        """
        self._past: list[T] = []
        self._value = value
        self._future: list[T] = []
        self._depth = depth
        self._clock = clock
        self._source: str | None = None
        self._pushed_s = 0.0
        self._open = False

    @property
    def value(self) -> T:
        """The current value."""
        return self._value

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to redo."""
        return bool(self._future)

    def begin(self) -> None:
        """Open a step: all pushes until `end` belong to it."""
        self._open = True
        self._source = None

    def end(self) -> None:
        """Close the step; discard it if the value is back at its start."""
        self._open = False
        if self._source is not None and self._past and self._past[-1] == self._value:
            self._past.pop()
            self._source = None

    def push(self, value: T, source: str = "") -> None:
        """Set a new value.

        Args:
            value: The value; an equal one changes nothing.
            source: Origin of the change; changes without a source never merge.
        """
        if value == self._value:
            return
        now_s = self._clock()
        if not self._merges(source, now_s):
            self._past = [*self._past, self._value][-self._depth :]
        self._value = value
        self._future.clear()
        self._source = source
        self._pushed_s = now_s

    def undo(self) -> T:
        """Undo one step and return the value; without a past nothing changes."""
        if self._past:
            self._future.append(self._value)
            self._value = self._past.pop()
        self._source = None
        return self._value

    def redo(self) -> T:
        """Redo one step and return the value; without a future nothing changes."""
        if self._future:
            self._past.append(self._value)
            self._value = self._future.pop()
        self._source = None
        return self._value

    def _merges(self, source: str, now_s: float) -> bool:
        if self._source is None or not self._past:
            return False
        return self._open or (source == self._source != "" and now_s - self._pushed_s < MERGE_S)
