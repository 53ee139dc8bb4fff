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
from typing import Any, Literal, Protocol

import psutil

from msd_engine.backend.files import make_folder

AGAIN = 75
"""Exit code of a command that was stopped and goes on if it is repeated (EX_TEMPFAIL of sysexits.h)."""

State = Literal["waiting", "started", "again", "done", "failed"]

_MOST_TRIES = 50
_POLL_S, _REST_S = 0.1, 1.0
_PATIENCE_S = 60.0
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
    """A place that carries out tasks.

    Attributes:
        slots: Number of tasks that it takes at once.
    """

    slots: int

    def start(self, task: Task) -> Any:
        """Start a task, and return the handle of its process or job."""
        ...

    def code(self, handle: Any) -> int | None:
        """Return the exit code, None while the task waits or runs; a negative one means that it was lost or killed."""
        ...

    def stop(self, handle: Any) -> None:
        """Ask a task to save its work and end."""
        ...

    def close(self, handles: Iterable[Any]) -> None:
        """Wait for stopped tasks, and leave the engine."""
        ...


def launch(tasks: Iterable[Task], engine: Engine) -> Iterator[tuple[str, State]]:
    """Carry out tasks; closing the generator stops those that run, which save their work.

    Args:
        tasks: The tasks.
        engine: The place.

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
                state = _state(code, tries[task.name])
                if state == "again":
                    rested_s[task.name] = time.monotonic() + _REST_S
                    waiting.append(task)
                yield task.name, state
            yield "", "waiting"
            time.sleep(_POLL_S)
    finally:
        for handle in running.values():
            engine.stop(handle)
        engine.close(running.values())


def _state(code: int, tries: int) -> State:
    if code == 0:
        return "done"
    stopped = code == AGAIN or code < 0 or code > _BY_SIGNAL
    return "again" if stopped and tries < _MOST_TRIES else "failed"


def begin(words: Iterable[str], log: Path, ignored: Iterable[int] = ()) -> subprocess.Popen[bytes]:
    """Start a command of `msd` with the present interpreter; its output goes to the end of a file.

    Ctrl-C in the terminal does not reach it: whoever started it decides.

    Args:
        words: The words after ``msd``.
        log: The file.
        ignored: Signals that it ignores.
    """
    make_folder(log.parent)
    deaf = tuple(ignored)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "msd_engine.cli", *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=(lambda: [signal.signal(one, signal.SIG_IGN) for one in deaf]) if deaf else None,  # noqa: PLW1509
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was asked to end; kill it if it does not.

    A handler of signals may call this while it interrupts `Popen.wait`, which holds a lock: so psutil waits.
    """
    if process.returncode is not None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        child = psutil.Process(process.pid)
        try:
            child.wait(_PATIENCE_S)
        except psutil.TimeoutExpired:
            process.kill()
            child.wait()


def carry_out(words: tuple[str, ...], log: str) -> int:
    """Carry out a command in this worker of an engine; if the worker is stopped, so is the command.

    Returns:
        The exit code; negative for the signal that has ended it.
    """
    process = begin(words, Path(log))
    try:
        return process.wait()
    finally:
        process.terminate()
        end(process)


def last_line(log: Path) -> str:
    """Return the last line of a command's output; empty if there is none."""
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""
