"""Runs a job to its end for a command: interruption, failure, and progress on standard error."""

from __future__ import annotations

import contextlib
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from msd_engine.cli.outcome import FAILED, INTERRUPTED, CutShortError, RefusedError, say
from msd_engine.events import Event, Failed, Finished, HeldOutLoss, LossPoints, Notice, Progress, Started

if TYPE_CHECKING:
    import rich.progress

FRAMES_HZ = 2.0
"""Interval of figures from a job; each one slows the job a little."""


class Account(Protocol):
    """Collects the events of a command's job."""

    def take(self, event: Event) -> None:
        """Process one event."""
        ...

    def figures(self) -> dict[str, Any]:
        """Return the current figures of the job, by name."""
        ...

    def how_to_continue(self) -> str:
        """Return one sentence on how to continue after a stop."""
        ...


def follow(job: Iterator[Event], account: Account) -> Finished:
    """Run a job to its end.

    Ctrl-C closes the job between two of its steps, so that its clean-up saves everything; a second one ends the program
    at once. A request to terminate and the end of the terminal do the same.

    Args:
        job: The job, a generator of events.
        account: Receives every event.

    Returns:
        The job's last event.

    Raises:
        RefusedError: The job could not begin with its arguments.
        CutShortError: The job had begun and failed, or the user stopped it.
    """
    begun = False
    with choose_reporter() as reporter, _interruptible() as interrupted, closing(job):  # type: ignore[type-var]
        for event in job:
            reporter.show(event)
            account.take(event)
            match event:
                case Started():
                    begun = True
                case Failed() if begun:
                    raise CutShortError(event.text, FAILED, account.figures())
                case Failed():
                    raise RefusedError(event.text)
                case Finished():
                    return event
                case _:
                    pass
            if interrupted.is_set():
                break
    # Now the job is closed and everything is saved.
    how_to_continue = account.how_to_continue()
    raise CutShortError(how_to_continue, INTERRUPTED, account.figures())


@contextlib.contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C, request to terminate or end of the terminal into a flag; a second Ctrl-C acts as usual."""
    hang_up = getattr(signal, "SIGHUP", None)
    wanted = threading.Event()
    before: dict[int, Any] = {}

    def ask(number: int, _frame: FrameType | None) -> None:
        wanted.set()
        if number != hang_up:
            for other in (signal.SIGINT, signal.SIGTERM):
                signal.signal(other, before[other])
        elif hang_up is not None:
            # A closing terminal may send its signal twice, and the job must still be saved.
            signal.signal(hang_up, signal.SIG_IGN)

    if threading.current_thread() is threading.main_thread():
        numbers = [signal.SIGINT, signal.SIGTERM]
        # nohup: the command must survive the end of the terminal.
        if hang_up is not None and signal.getsignal(hang_up) != signal.SIG_IGN:
            numbers.append(hang_up)
        before.update({number: signal.signal(number, ask) for number in numbers})
    try:
        yield wanted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


PLAIN_EVERY_S = 5.0


class Reporter(Protocol):
    """Shows the events of one job while it runs; used as a context."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clean up the screen."""
        ...

    def show(self, event: Event) -> None:
        """Show one event."""
        ...


def choose_reporter() -> Reporter:
    """Return a progress bar if standard error is a terminal, else plain lines."""
    return Bar() if sys.stderr.isatty() else PlainLines()


class LossText:
    """The latest losses as text."""

    def __init__(self) -> None:
        self._train = math.nan
        self._held_out = math.nan

    def take(self, event: Event) -> None:
        """Store the losses of an event."""
        if isinstance(event, LossPoints) and len(event.loss):
            self._train = float(event.loss.mean())
        elif isinstance(event, HeldOutLoss):
            self._held_out = event.loss

    def __str__(self) -> str:
        parts = (("loss", self._train), ("held-out", self._held_out))
        return "  ".join(f"{name} {value:.4g}" for name, value in parts if not math.isnan(value))


class PlainLines:
    """One line at the start of a job, one for each notice, and one every few seconds."""

    def __init__(self, every_s: float = PLAIN_EVERY_S) -> None:
        self._every_s = every_s
        self._next = -math.inf
        self._loss = LossText()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def show(self, event: Event) -> None:
        """Write a line if the event deserves one."""
        self._loss.take(event)
        match event:
            case Started():
                say(started_text(event))
            case Notice():
                say(event.text)
            case Progress() if time.monotonic() >= self._next:
                self._next = time.monotonic() + self._every_s
                done = f"{event.step}/{event.total}" if event.total else f"{event.step or ''}"
                left = "" if math.isnan(event.left_s) else f"{event.left_s:.0f} s left"
                parts = (done, _rate(event), str(self._loss), left, event.text)
                say("  ".join(part for part in parts if part))
            case _:
                pass


class Bar:
    """A progress bar with rate, loss and time left."""

    def __init__(self) -> None:
        # Imported here: commands without progress start faster.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._progress: rich.progress.Progress = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            console=Console(stderr=True),
            refresh_per_second=5,
        )
        self._task = self._progress.add_task("starting", total=None, figures="")
        self._loss = LossText()

    def __enter__(self) -> Self:
        """Draw the bar."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state of the bar on the screen."""
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Update the bar, or write a line above it."""
        self._loss.take(event)
        match event:
            case Started():
                self._progress.console.print(started_text(event), markup=False, highlight=False)
                self._progress.update(
                    self._task, description=event.job, completed=event.step, total=event.total or None
                )
            case Notice():
                self._progress.console.print(event.text, markup=False, highlight=False)
            case Progress():
                left = "" if math.isnan(event.left_s) else f"{event.left_s:.0f} s left"
                parts = (_rate(event), str(self._loss), left, event.text)
                figures = "  ".join(part for part in parts if part)
                self._progress.update(self._task, completed=event.step, total=event.total or None, figures=figures)
            case _:
                pass


def _rate(event: Progress) -> str:
    return "" if math.isnan(event.rate) else f"{event.rate:.3g}/s"


def started_text(event: Started) -> str:
    """Describe the started job, its device and its first step."""
    onwards = f", from step {event.step} on" if event.step else ""
    device = f" on {event.device}" if event.device else ""
    return f"{event.job}{device}{onwards}"
