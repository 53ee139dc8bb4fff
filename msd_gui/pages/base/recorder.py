"""Records plots for files in small steps, one at each tick of the screen's clock, so that the window never waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, Slot

from msd_engine.events import Event, Progress, Tick
from msd_engine.specs import Live
from msd_engine.specs.live import Cadence
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.engine import Job

T = TypeVar("T")

_WAIT_S = 0.05


class Recorder(QObject, Generic[T]):
    """Takes steps on the screen's thread while a job on another one waits for what they come to."""

    def __init__(
        self, clock: ScreenClock, steps: Generator[None, None, T], parent: QObject, *, count: int = 0, words: str = ""
    ) -> None:
        """Begin at the next tick.

        Args:
            clock: The screen's clock.
            steps: The work: it is resumed once at each tick, and returns what is to be written.
            parent: Owner.
            count: Number of steps; 0 for so few that nobody is told of them.
            words: What is told of them.
        """
        super().__init__(parent)
        self._steps = steps
        self._count, self._words = count, words
        self._done = 0
        self._results: list[T] = []
        self._failure: Exception | None = None
        self._ended, self._unwanted = threading.Event(), threading.Event()
        clock.tick.connect(self._on_tick)

    @Slot()
    def _on_tick(self) -> None:
        if self._ended.is_set():
            return
        try:
            if not self._unwanted.is_set():
                next(self._steps)
                self._done += 1
                return
            self._steps.close()
        except StopIteration as end:
            self._results.append(end.value)
        except Exception as error:  # noqa: BLE001 - told by the job, which would wait for ever otherwise
            self._failure = error
        self._ended.set()
        self.deleteLater()

    def job(self, save: Callable[[T], Job]) -> Job:
        """Return a job that waits for the steps and then saves what they came to.

        Args:
            save: Makes the job that paints and writes; called on the job's thread.

        Returns:
            The job.
        """
        ended, unwanted = self._ended, self._unwanted

        def run(cadence: Cadence, live: Live) -> Iterator[Event]:
            try:
                while not ended.wait(_WAIT_S):
                    yield self._progress()
            finally:
                unwanted.set()
            if self._failure is not None:
                raise self._failure
            yield Tick()
            yield from save(self._results[0])(cadence, live)

        return run

    def _progress(self) -> Event:
        # Some steps only wait.
        done = min(self._done, self._count)
        return Progress(done, self._count, 0.0, 0.0, 0.0, float("nan"), self._words) if self._count else Tick()
