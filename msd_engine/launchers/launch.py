"""Carry out commands on an engine: each is started, tried again where it was stopped, and reported.

A command is a line of `msd` that may be repeated as it is (``--resume auto``). So an engine needs to know nothing of
its work, and a worker may die at any moment.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import psutil

from msd_engine.backend.files import make_folder

AGAIN = 75
"""Exit code of a command that was stopped and goes on if it is repeated (EX_TEMPFAIL of sysexits.h)."""

LOST, MANY = -1, 1_000_000
"""Exit code of a command whose worker died, and slots of an engine that has a queue of its own."""

State = Literal["waiting", "started", "again", "done", "failed"]

_MOST_TRIES = 50
_POLL_S, _REST_S, _PATIENCE_S = 0.1, 1.0, 60.0
# A shell reports a command that a signal has ended by 128 and the number of the signal.
_BY_SIGNAL = 128


@dataclass(frozen=True)
class Task:
    """A command that may be repeated.

    Attributes:
        name: Name in reports.
        words: The words after ``msd``.
        log: File of its output.
    """

    name: str
    words: tuple[str, ...]
    log: Path


@dataclass(frozen=True)
class Resources:
    """Needs of one command.

    Attributes:
        threads: CPU threads.
        cards: Graphics cards; a fraction shares one, where the engine can.
    """

    threads: int = 1
    cards: float = 0.0


class Engine(Protocol):
    """A place that carries out tasks, `slots` of them at once."""

    slots: int

    def start(self, task: Task) -> Any:
        """Start a task, and return the handle of its process or job."""

    def code(self, handle: Any) -> int | None:
        """Return the exit code, None while the task waits or runs; a negative one means that it was lost or killed."""

    def close(self, handles: Iterable[Any]) -> None:
        """Stop these tasks, which save their work, and leave the engine."""


def launch(tasks: Iterable[Task], engine: Engine) -> Iterator[tuple[str, State]]:
    """Carry out tasks; closing the generator stops those that run, which save their work.

    Yields:
        Name and state at each change of a task: ``started``, ``again``, ``done`` or ``failed``; an empty name and
        ``waiting`` several times a second.
    """
    waiting = deque(tasks)
    tries = dict.fromkeys((task.name for task in waiting), 0)
    running: dict[Task, Any] = {}
    rested_s: dict[str, float] = {}
    try:
        while waiting or running:
            for _ in range(len(waiting)):
                task = waiting.popleft()
                if len(running) < engine.slots and rested_s.get(task.name, 0.0) <= time.monotonic():
                    running[task] = engine.start(task)
                    tries[task.name] += 1
                    yield task.name, "started"
                else:
                    waiting.append(task)
            for task, handle in list(running.items()):
                if (code := engine.code(handle)) is None:
                    continue
                del running[task]
                stopped = code == AGAIN or code < 0 or code > _BY_SIGNAL
                again = stopped and tries[task.name] < _MOST_TRIES
                if again:
                    rested_s[task.name] = time.monotonic() + _REST_S
                    waiting.append(task)
                yield task.name, "done" if code == 0 else "again" if again else "failed"
            yield "", "waiting"
            time.sleep(_POLL_S)
    finally:
        engine.close(running.values())


def end(process: subprocess.Popen[Any], patience_s: float = _PATIENCE_S) -> None:
    """Wait for a process that was asked to end; kill it if it does not within `patience_s` seconds.

    A handler of signals may call this while it interrupts `Popen.wait`, which holds a lock: so psutil waits.
    """
    if process.returncode is not None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        for late in psutil.wait_procs([psutil.Process(process.pid)], patience_s)[1]:
            late.kill()
            late.wait()


@dataclass
class Command:
    """A command of `msd` by the present interpreter; Ctrl-C in the terminal does not reach it.

    Attributes:
        words: The words after ``msd``.
        log: File at whose end its output goes.
        process: Its process; None before it begins.
    """

    words: tuple[str, ...]
    log: str
    process: subprocess.Popen[bytes] | None = None
    ignored: ClassVar[tuple[int, ...]] = ()

    def begin(self) -> subprocess.Popen[bytes]:
        """Start it; a new time of its output says that it no longer waits."""
        log, deaf = Path(self.log), self.ignored
        make_folder(log.parent)
        log.touch()
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "msd_engine.cli", *self.words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=(lambda: [signal.signal(one, signal.SIG_IGN) for one in deaf]) if deaf else None,  # noqa: PLW1509
            )
        return self.process

    def __call__(self) -> int:
        """Carry it out in a worker, until that is stopped; return the exit code, negative for a signal."""
        try:
            process = self.begin()
            # Ray's cancellation is noticed between two looks only.
            while (code := process.poll()) is None:
                time.sleep(_POLL_S)
            return code
        finally:
            self.stop()

    def stop(self) -> None:
        """Let it save its work and end."""
        if self.process is not None:
            self.process.terminate()
            end(self.process)
