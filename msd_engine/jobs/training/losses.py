"""Collect the losses of a training, which an accelerator returns some steps late."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from msd_engine.events import LossPoints, Progress
from msd_engine.jobs.training.recall import loss_points
from msd_engine.specs import TrainingSpec
from msd_engine.training.trainer import Done

_RATE_WINDOW_S = 2.0


class Losses:
    """Losses with their steps and times.

    Attributes:
        rows: Unwritten measurements, as rows for `runs.log`.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._times: deque[float] = deque()
        self._points: list[tuple[int, float, float]] = []
        self._recent: deque[tuple[int, float]] = deque()

    def begun(self, elapsed_s: float) -> None:
        """Record that a step was sent to the device.

        Args:
            elapsed_s: Seconds of training with it.
        """
        self._times.append(elapsed_s)

    def note(self, done: Iterable[Done]) -> None:
        """Add losses in the order of their steps."""
        for step, loss in done:
            elapsed_s = self._times.popleft()
            self._points.append((step, loss, elapsed_s))
            self.rows.append({"step": step, "loss": loss, "elapsed_s": elapsed_s})
            self._recent.append((step, elapsed_s))
            while elapsed_s - self._recent[0][1] > _RATE_WINDOW_S and len(self._recent) > 2:
                self._recent.popleft()

    def points(self) -> Iterator[LossPoints]:
        """Yield the losses that were not yet reported."""
        if self._points:
            yield loss_points(self._points)
            self._points = []

    def rest(self) -> None:
        """Reset the rate after a pause."""
        self._recent.clear()

    def progress(self, training: TrainingSpec, step: int, elapsed_s: float) -> Progress:
        """Return progress and the recent rate.

        Args:
            training: The budget.
            step: Steps done.
            elapsed_s: Seconds of training so far.
        """
        rate = self._rate()
        left = [(training.steps - step) / rate] if rate else []
        if training.seconds:
            left.append(training.seconds - elapsed_s)
        return Progress(
            step=step,
            total=0 if training.seconds else training.steps,
            rate=rate,
            items_rate=rate * training.batch,
            elapsed_s=elapsed_s,
            left_s=max(0.0, min(left)) if left else float("nan"),
            text="Training",
        )

    def _rate(self) -> float:
        """Return steps per second; 0 if unknown."""
        if len(self._recent) < 2:
            return 0.0
        (first, first_s), (last, last_s) = self._recent[0], self._recent[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0
