"""The kept states of the chains that a page plays back: one run is shown while the next one grows behind it."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import ChainSegment


class ChainHistory:
    """States of the chains of one run in the order of their steps, appended to as segments arrive."""

    def __init__(self) -> None:
        self._segments: list[ChainSegment] = []
        self._joined: ChainSegment | None = None
        self.total = 0

    def append(self, segment: ChainSegment) -> None:
        """Add the next stretch of states."""
        self._segments.append(segment)
        self._joined = None
        self.total = segment.total

    @property
    def last_step(self) -> int:
        """Number of the last step that is known, -1 where nothing is."""
        return int(self._segments[-1].steps[-1]) if self._segments else -1

    @property
    def complete(self) -> bool:
        """Whether the last step of the run is there."""
        return bool(self._segments) and self.last_step >= self.total

    def all(self) -> ChainSegment:
        """Return the whole history as one segment; there must be at least one state.

        Returns:
            Arrays as in `ChainSegment`, over all states so far.
        """
        if self._joined is None or len(self._segments) > 1:
            parts = self._segments
            if len(parts) > 1:
                whole = ChainSegment(
                    steps=np.concatenate([part.steps for part in parts]),
                    level=np.concatenate([part.level for part in parts]),
                    sigma=np.concatenate([part.sigma for part in parts]),
                    y=np.concatenate([part.y for part in parts]),
                    x_hat=np.concatenate([part.x_hat for part in parts]),
                    total=parts[-1].total,
                )
                self._segments = [whole]
            self._joined = self._segments[0]
        return cast("ChainSegment", self._joined)

    def index(self, step: float) -> int:
        """Return the index of the last kept state at or before a step."""
        return max(0, int(np.searchsorted(self.all().steps, step, side="right")) - 1)


class Playhead:
    """Where in the history the screen is, and how fast it moves.

    Attributes:
        position: Step shown, a float so that slow speeds add up.
        speed: Steps per second.
        playing: Whether it moves by itself.
    """

    def __init__(self) -> None:
        self.position = 0.0
        self.speed = 150.0
        self.playing = True

    def advance(self, elapsed_s: float, available: int, total: int) -> bool:
        """Move on by some time, not beyond what is known; playing ends with the last step.

        Args:
            elapsed_s: Seconds since the last call.
            available: Last step that is known.
            total: Last step of the run.

        Returns:
            Whether the position changed.
        """
        if not self.playing or available < 0:
            return False
        before = self.position
        self.position = min(before + self.speed * elapsed_s, float(available))
        if total and self.position >= total:
            self.playing = False
        return self.position != before

    def step(self, forward: int, available: int) -> None:
        """Move by whole steps and stop playing."""
        self.playing = False
        self.position = float(min(max(int(self.position) + forward, 0), max(available, 0)))


class DoubleBuffer:
    """Shows one history until the next one has something to show at the same place.

    While a slider is dragged, runs follow each other quickly. A run takes the place of the one before as soon as it
    has reached the step on the screen, so the picture never falls back to the beginning.
    """

    def __init__(self) -> None:
        self.shown = ChainHistory()
        self._next: ChainHistory | None = None

    def begin(self) -> None:
        """A new run has started."""
        self._next = ChainHistory()

    def append(self, segment: ChainSegment, position: float) -> bool:
        """Add states to the newest run.

        Args:
            segment: The states.
            position: The step on the screen.

        Returns:
            Whether what is shown has changed.
        """
        target = self._next if self._next is not None else self.shown
        target.append(segment)
        if target is self._next and (target.complete or target.last_step >= position):
            self.shown, self._next = target, None
        return target is self.shown


def tails(y_mean: NDArray[np.float32], index: int, length: int) -> NDArray[np.float32]:
    """Return the last states of all chains up to an index.

    Args:
        y_mean: ȳ of each state, with shape (n, B, 2).
        index: Index of the state under the handle.
        length: Number of states at the most.

    Returns:
        Array with shape (≤ length, B, 2).
    """
    return y_mean[max(0, index - length + 1) : index + 1]
