"""Runs jobs one after another in their own thread and delivers their events to the screen, once per tick."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import cast

from PySide6.QtCore import QObject, QThread, Signal, Slot

from msd_engine.events import Event, Failed
from msd_engine.events.errors import NO_MEMORY, UserError, is_out_of_memory
from msd_engine.specs import Live
from msd_gui.bridge.clock import SCREEN_HZ, ScreenClock
from msd_gui.bridge.engine import Job
from msd_gui.bridge.mailbox import Mailbox

LINGER_S = 0.3
HIDDEN_S = 2.0
"""Seconds between two frames of a hidden page."""
# Niceness beyond that of the window: where processors are scarce, dragging stays smooth while jobs compute.
_NICE, _PATIENT_NICE = 5, 10
SYNCHRONOUS = "MSD_SYNCHRONOUS"


class ScreenCadence:
    """A frame is due when the screen has drained the last one and a tick has passed.

    A job of a hidden page makes a frame every `HIDDEN_S` seconds, for its progress in the status bar.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._next = 0.0
        self._watched = True

    @property
    def watched(self) -> bool:
        """Whether the page is visible."""
        return self._watched

    @watched.setter
    def watched(self, watched: bool) -> None:
        self._watched = watched
        self._next = 0.0 if watched else time.monotonic() + HIDDEN_S

    def due(self) -> bool:
        """Return whether to make a frame now."""
        now = time.monotonic()
        if now < self._next or len(self._mailbox):
            return False
        self._next = now + (0.9 / SCREEN_HZ if self.watched else HIDDEN_S)
        return True


@dataclass
class _Task:
    """A submitted job; its start time decides whether it may finish after a newer request."""

    generation: int
    job: Job
    grace_s: float
    live: Live = field(default_factory=Live)
    began: float = 0.0


def _iterate(task: _Task, mailbox: Mailbox, cadence: ScreenCadence, unwanted: Callable[[_Task], bool]) -> None:
    """Put the events of a task into the mailbox, until it ends, fails or is unwanted."""
    try:
        events = cast("Generator[Event, None, None]", task.job(cadence, task.live))
        with contextlib.closing(events):
            for event in events:
                mailbox.put(task.generation, event)
                if unwanted(task):
                    return
    except UserError as error:
        # Raised while closing: otherwise a job reports its own errors.
        mailbox.put(task.generation, Failed(str(error)))
    except BaseException as error:  # noqa: BLE001 - the border of the thread: report every error to the user
        text = f"An unexpected error stopped the job: {type(error).__name__}: {error}"
        text = NO_MEMORY if is_out_of_memory(error) else text
        mailbox.put(task.generation, Failed(text, traceback.format_exc()))


class _Worker(QThread):
    """The thread: iterates the job of the newest task, and closes it when it is unwanted.

    It ends after some idle time: an idle thread would keep the thread pool of its jobs, and slow down the jobs of other
    threads.
    """

    def __init__(self, mailbox: Mailbox, cadence: ScreenCadence, *, patient: bool) -> None:
        super().__init__()
        self.setObjectName("msd-runner")
        self._mailbox = mailbox
        self._patient = patient
        self._cadence = cadence
        self._wake = threading.Condition()
        self._waiting: deque[_Task] = deque()
        self._current: _Task | None = None
        self._stop = False
        self._quit = False
        self._alive = False

    def post(self, task: _Task, *, behind: bool) -> None:
        """Append a task to the queue, or replace the queue by it."""
        with self._wake:
            if not behind:
                self._waiting.clear()
            self._waiting.append(task)
            self._wake.notify()
            begin, self._alive = not self._alive, True
        if begin:
            # The previous thread may not have finished yet.
            self.wait()
            self.start(QThread.Priority.LowestPriority if self._patient else QThread.Priority.LowPriority)

    def halt(self, *, for_good: bool = False) -> None:
        """Close the running job and empty the queue; `for_good` also ends the thread."""
        with self._wake:
            self._waiting.clear()
            self._stop = True
            self._quit = self._quit or for_good
            self._wake.notify()

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        with self._wake:
            return self._current is not None or bool(self._waiting)

    def run(self) -> None:
        """Run tasks until the thread has to quit."""
        if sys.platform == "linux":
            # Linux ignores the priorities of Qt; there, niceness belongs to a thread.
            window = os.getpriority(os.PRIO_PROCESS, os.getpid())
            nice = window + (_PATIENT_NICE if self._patient else _NICE)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
        while True:
            with self._wake:
                self._current = None
                if not self._waiting and not self._quit:
                    self._wake.wait(LINGER_S)
                if self._quit or not self._waiting:
                    self._alive = False
                    return
                task = self._current = self._waiting.popleft()
                self._stop = False
            task.began = time.monotonic()
            _iterate(task, self._mailbox, self._cadence, self._unwanted)

    def _unwanted(self, task: _Task) -> bool:
        with self._wake:
            if self._stop or self._quit:
                return True
            return bool(self._waiting) and time.monotonic() - task.began >= self._waiting[0].grace_s


class _InPlace:
    """Replaces the thread in tests: runs a task to its end in `post`."""

    busy = False

    def __init__(self, mailbox: Mailbox, cadence: ScreenCadence, *, patient: bool) -> None:
        del patient  # there is nobody to wait for
        self._mailbox = mailbox
        self._cadence = cadence

    def post(self, task: _Task, *, behind: bool) -> None:
        """Run a task to its end."""
        del behind  # nothing ever waits
        _iterate(task, self._mailbox, self._cadence, lambda _: False)

    def halt(self, *, for_good: bool = False) -> None:
        """Do nothing: no task is running."""

    def wait(self) -> None:
        """Do nothing: no thread runs."""


class Runner(QObject):
    """Runs the newest submitted job in one thread, and delivers its events at the ticks of the screen's clock.

    If the environment variable MSD_SYNCHRONOUS is set, a job runs to its end inside `submit` and `enqueue`, without
    a thread; its events still wait for the next tick. Tests of one page use it.

    Attributes:
        event_ready: Emitted on the GUI thread for each event of a wanted job.
        running_changed: Emitted when the runner becomes busy or idle.
    """

    event_ready = Signal(object)
    running_changed = Signal(bool)

    def __init__(self, clock: ScreenClock, parent: QObject | None = None, *, patient: bool = False) -> None:
        """Start no thread yet.

        Args:
            clock: The screen's clock.
            parent: Owner.
            patient: Whether its jobs leave the processor to all others.
        """
        super().__init__(parent)
        self._mailbox = Mailbox()
        self._cadence = ScreenCadence(self._mailbox)
        worker = _InPlace if os.environ.get(SYNCHRONOUS) else _Worker
        self._worker: _InPlace | _Worker = worker(self._mailbox, self._cadence, patient=patient)
        self._generation = 0
        self._oldest_wanted = 0
        self._running = False
        self._live = Live()
        clock.tick.connect(self._on_tick)

    @property
    def running(self) -> bool:
        """Whether a job runs, waits, or has undelivered events."""
        return self._running

    @property
    def live(self) -> Live:
        """The requests to the last submitted job."""
        return self._live

    @property
    def held(self) -> bool:
        """Whether a job runs with a request to hold."""
        return self._running and self._live.paused

    def hold(self) -> None:
        """Hold or release the last submitted job."""
        (self._live.resume if self._live.paused else self._live.pause)()

    def set_watched(self, watched: bool) -> None:
        """Set whether the page is visible: hidden, a job makes few frames."""
        self._cadence.watched = watched

    def submit(self, job: Job, *, grace_ms: int = 0) -> None:
        """Replace the running job.

        Args:
            job: The job.
            grace_ms: A running job younger than this may finish first and deliver its events, so that a dragged slider
                shows whole runs and not only the beginnings of many.
        """
        self._generation += 1
        if not grace_ms:
            self._oldest_wanted = self._generation
        self._post(_Task(self._generation, job, grace_ms / 1000), behind=False)

    def enqueue(self, job: Job) -> None:
        """Run a job after all earlier ones, without closing any."""
        self._generation += 1
        self._post(_Task(self._generation, job, math.inf), behind=True)

    def _post(self, task: _Task, *, behind: bool) -> None:
        self._live = task.live
        self._worker.post(task, behind=behind)
        self._set_running(True)

    @Slot()
    def stop(self) -> None:
        """Stop the running job; its earlier events are still delivered."""
        self._live.resume()
        self._worker.halt()

    def drop(self) -> None:
        """Stop the running job and discard its undelivered events."""
        self._oldest_wanted = self._generation + 1
        self.stop()

    def close(self) -> None:
        """Stop the running job and end the thread; wait for both."""
        self._live.resume()
        self._worker.halt(for_good=True)
        self._worker.wait()

    @Slot()
    def _on_tick(self) -> None:
        # Check before draining: a job that ends in between counts as busy for one more tick, never as idle too early.
        busy = self._worker.busy
        for generation, event in self._mailbox.drain():
            if generation >= self._oldest_wanted:
                self.event_ready.emit(event)
        if not busy and not len(self._mailbox):
            self._set_running(self._worker.busy)

    def _set_running(self, running: bool) -> None:
        if running != self._running:
            self._running = running
            self.running_changed.emit(running)
