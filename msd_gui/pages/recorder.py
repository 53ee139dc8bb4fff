"""Records chains in the plane as pictures, one at each tick of the screen's clock, so the window never waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from msd_engine.events import Event, Progress, Tick
from msd_engine.specs import Live
from msd_gui.bridge.clock import ScreenClock
from msd_gui.bridge.launch import Cadence, Job

Picture = NDArray[np.uint8]


class Recorder(QObject):
    """Paints pictures on the screen's thread while a job on another one waits for them.

    Attributes:
        whole: Emitted on the screen's thread when all pictures are painted.
    """

    whole = Signal()

    def __init__(self, clock: ScreenClock, count: int, paint: Callable[[int], Picture], parent: QObject) -> None:
        """Begin at the next tick.

        Args:
            clock: The screen's clock.
            count: Number of pictures.
            paint: Paints the picture of that number.
            parent: Owner.
        """
        super().__init__(parent)
        self._clock = clock
        self._paint = paint
        self._count = count
        self._pictures: list[Picture] = []
        self._done = threading.Event()
        clock.tick.connect(self._on_tick)

    @Slot()
    def _on_tick(self) -> None:
        self._pictures.append(self._paint(len(self._pictures)))
        if len(self._pictures) == self._count:
            self._clock.tick.disconnect(self._on_tick)
            self._done.set()
            self.whole.emit()

    def job(self, save: Callable[[list[Picture]], Job]) -> Job:
        """Return a job that waits for the pictures and then saves them.

        Args:
            save: Makes the job that writes the pictures.

        Returns:
            The job.
        """

        def run(cadence: Cadence, live: Live) -> Iterator[Event]:
            while not self._done.wait(0.05):
                done = len(self._pictures)
                yield Progress(done, self._count, 0.0, 0.0, 0.0, float("nan"), "Painting the animation")
            yield Tick()
            yield from save(self._pictures)(cadence, live)

        return run
