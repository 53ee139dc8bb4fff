"""The kept states of the chains that a page plays back: one run is shown while the next one grows behind it."""

from __future__ import annotations

import bisect
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import ChainReport, ChainSegment, Modes
from msd_engine.events.sampling import LOST
from msd_engine.specs import ExperimentSpec
from msd_gui.session.made import Made

_NEVER = np.iinfo(np.int64).max


class ChainHistory:
    """States of the chains of one run in the order of their steps.

    Segments are kept as they come: joining them would copy tens of megabytes on the screen's thread.

    A lost chain stays on a circle with radius 10⁶ where it left the plane: the events clip states, which then have no
    direction.

    Attributes:
        spec_json: The settings that the chains are drawn with, as JSON; empty where they are not known.
        total: Number of the last step.
        modes: The mixture that the chains draw from; None before its event.
        report: Figures of the end; None before it.
        made: Settings and network of the chains; None if unknown.
    """

    def __init__(self, spec_json: str = "") -> None:
        self.spec_json = spec_json
        self._segments: list[ChainSegment] = []
        self._ends: list[int] = []
        self.total = 0
        self.modes: Modes | None = None
        self.report: ChainReport | None = None
        self.made: Made | None = None
        # By chain: index of the first state in which it is lost, and its place from then on.
        self._lost_at = np.empty(0, np.int64)
        self._rim = np.empty((0, 2), np.float32)

    @cached_property
    def spec(self) -> ExperimentSpec | None:
        """The settings, None where they are not known."""
        return ExperimentSpec.from_json(self.spec_json) if self.spec_json else None

    @property
    def blows_up(self) -> bool:
        """Whether the step is past the wall."""
        return self.spec is not None and self.spec.sampling.blows_up

    def append(self, segment: ChainSegment) -> None:
        """Add the next stretch of states."""
        if not self._segments:
            chains = segment.y.shape[1]
            self._lost_at, self._rim = np.full(chains, _NEVER), np.zeros((chains, 2), np.float32)
        self._note_lost(segment)
        self._segments.append(segment)
        self._ends.append(len(self) + len(segment.steps))
        self.total = segment.total

    def __len__(self) -> int:
        """Number of kept states."""
        return self._ends[-1] if self._ends else 0

    @property
    def last_step(self) -> int:
        """Number of the last step that is known, -1 where nothing is."""
        return int(self._segments[-1].steps[-1]) if self._segments else -1

    @property
    def complete(self) -> bool:
        """Whether the last step of the run is there."""
        return bool(self._segments) and self.last_step >= self.total

    def index(self, step: float) -> int:
        """Return the index of the last kept state at or before a step."""
        lasts = [int(segment.steps[-1]) for segment in self._segments]
        number = min(bisect.bisect_left(lasts, step), len(lasts) - 1)
        before = self._ends[number - 1] if number else 0
        inside = int(np.searchsorted(self._segments[number].steps, step, side="right"))
        return max(0, before + inside - 1)

    def at(self, index: int) -> ChainSegment:
        """Return one kept state, as a segment of length 1."""
        return self._cut(index, index + 1)[0]

    def lost(self, index: int) -> NDArray[np.bool_]:
        """Return which chains are lost at one kept state, with shape (B,)."""
        return np.asarray(self._lost_at <= index)

    def mean_path(self, index: int, length: int) -> NDArray[np.float32]:
        """Return ȳ of all chains over the last kept states up to an index, on the circle for lost chains.

        Args:
            index: Index of the last state.
            length: Number of states at the most.

        Returns:
            Array with shape (≤ length, B, 2).
        """
        first = max(0, index + 1 - length)
        path = np.concatenate([_mean(part.y) for part in self._cut(first, index + 1)])
        lost = np.arange(first, index + 1)[:, None] >= self._lost_at
        return np.where(lost[..., None], self._rim, path) if lost.any() else path

    def _note_lost(self, segment: ChainSegment) -> None:
        """Remember when and where chains leave the plane; one that is lost stays so, which bisection relies on."""
        y = segment.y
        chains = np.flatnonzero(_lost(y[-1]) & (self._lost_at == _NEVER))
        # Between the last living state, −1 for the one before the segment, and the first lost one.
        living, lost = np.full(len(chains), -1), np.full(len(chains), len(y) - 1)
        while (lost - living > 1).any():
            middle = np.maximum((living + lost) // 2, 0)
            gone = _lost(y[middle, chains]) & (lost - living > 1)
            lost, living = np.where(gone, middle, lost), np.where(gone | (lost - living <= 1), living, middle)
        before = y[0] if not self._segments else self._segments[-1].y[-1]
        last = np.where((living >= 0)[:, None, None], y[np.maximum(living, 0), chains], before[chains])
        left = last.mean(axis=1)
        size = np.hypot(*left.T)[:, None]
        self._lost_at[chains] = len(self) + lost
        self._rim[chains] = np.where(size > 0, LOST * left / np.where(size > 0, size, 1), (LOST, 0))

    def _cut(self, first: int, end: int) -> list[ChainSegment]:
        parts, before = [], 0
        for segment, after in zip(self._segments, self._ends, strict=True):
            low, high = max(first - before, 0), min(end - before, after - before)
            if low < high:
                parts.append(
                    ChainSegment(
                        steps=segment.steps[low:high],
                        level=segment.level[low:high],
                        sigma=segment.sigma[low:high],
                        noise=segment.noise[low:high],
                        y=segment.y[low:high],
                        x_hat=segment.x_hat[low:high],
                        total=segment.total,
                    )
                )
            before = after
        return parts


def _lost(y: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which chains are lost, for copies with shape (B, k, 2)."""
    # NaN fails the comparison.
    return np.asarray(~(np.abs(y) < LOST).all(axis=(1, 2)))


def _mean(y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ȳ of copies with shape (n, B, k, 2); ten times as fast as `mean` along so short an axis."""
    total = y[:, :, 0].copy()
    for copy in range(1, y.shape[2]):
        total += y[:, :, copy]
    return total / np.float32(y.shape[2])


class Playhead:
    """Where in the history the screen is, and how fast it moves.

    Attributes:
        position: Step shown, a float so that slow speeds add up.
        speed: Steps per second.
        playing: Whether it moves by itself.
    """

    def __init__(self, speed: float) -> None:
        self.position = 0.0
        self.speed = speed
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
        here = int(min(self.position, available))
        self.position = float(min(max(here + forward, 0), max(available, 0)))


class DoubleBuffer:
    """Shows one history until the next one has something to show at the same place.

    While a slider is dragged, runs follow each other quickly. A run takes the place of the one before as soon as it
    has reached the step on the screen, so the picture never falls back to the beginning.
    """

    def __init__(self) -> None:
        self.shown = ChainHistory()
        self._next: ChainHistory | None = None

    def begin(self, spec_json: str = "") -> None:
        """A new run has started, with some settings as JSON."""
        self._next = ChainHistory(spec_json)

    @property
    def newest(self) -> ChainHistory:
        """The newest run."""
        return self.shown if self._next is None else self._next

    def append(self, segment: ChainSegment, position: float) -> bool:
        """Add states to the newest run.

        Args:
            segment: The states.
            position: The step on the screen.

        Returns:
            Whether what is shown has changed.
        """
        target = self.newest
        target.append(segment)
        if target is self._next and (target.complete or target.last_step >= position):
            self.shown, self._next = target, None
        return target is self.shown
