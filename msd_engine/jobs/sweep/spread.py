"""Runs of a comparison as commands on an engine, followed by their folders."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from msd_engine.backend.files import write_atomically
from msd_engine.events import ChildHeldOut, ChildStarted, Event, Progress, Tick
from msd_engine.launchers.launch import Engine, Resources, State, Task, launch
from msd_engine.runs.layout import METRICS
from msd_engine.runs.log import held_out_loss, read_log
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import Live
from msd_engine.specs.live import Every
from msd_engine.specs.sweep import Child

_SPEC, _LOG = "spec.json", "output.txt"
_LOOK_HZ = 1.0
_PAUSE_POLL_S = 0.05


def needs_of(device: str, threads: int, gpus: float | None = None) -> Resources:
    """Return the needs of one training.

    Args:
        device: Name of its device.
        threads: Its CPU threads; 0 counts as one.
        gpus: Its graphics cards; None for one with a CUDA device, else none.
    """
    usual = 1.0 if device.startswith("cuda") else 0.0
    return Resources(max(1, threads), usual if gpus is None else gpus)


def command_of(plan: SweepFolder, child: Child, *, data_dir: Path | None, device: str, threads: int) -> Task:
    """Return the command that trains one run of a comparison, and write its spec beside it.

    Raises:
        UserError: The folder cannot be written.
    """
    folder = plan.run_folder(child.name).resolve()
    write_atomically(folder / _SPEC, child.spec.to_json(indent=2).encode())
    words = ["train", "--spec", str(folder / _SPEC), "--out", str(folder), "--resume", "auto", "--device", device]
    words += ["--threads", str(threads)] if threads else []
    words += ["--data-dir", str(data_dir.resolve())] if data_dir else []
    return Task(child.name, tuple(words), folder / _LOG)


def last_line(log: Path) -> str:
    """Return the last line of a command's output; empty if there is none."""
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""


class Spread:
    """Trainings of a comparison on an engine.

    Args:
        plan: The comparison.
        children: Its runs to train.
        tasks: Their commands, by name.
        live: Requests to the job: while it is paused, no command runs.
    """

    def __init__(self, plan: SweepFolder, children: Iterable[Child], tasks: dict[str, Task], live: Live) -> None:
        self._plan = plan
        self._children = {child.name: child for child in children}
        self._numbers = {child.name: number for number, child in enumerate(plan.spec.children(), 1)}
        self._tasks = tasks
        self._live = live
        self._told: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        # Work that each run has done, as a share of its budget: now, and when this job first saw it.
        self._shares = dict.fromkeys(self._children, 0.0)
        self._first: dict[str, float] = {}
        self._steps = dict.fromkeys(self._children, 0)
        # Runs whose commands have not begun, with the time of their output until then.
        self._waiting: dict[str, int] = {}
        self._begun_s = time.monotonic()
        self._look = Every(_LOOK_HZ)

    def events(self, engine: Engine) -> Iterator[Event | tuple[str, State]]:
        """Train until every command has ended; closing stops the commands, which save their work.

        Yields:
            Events of the runs, whose curves begin when their commands do; and the name of a run with ``done`` or
            ``failed`` when its command has ended.
        """
        left = dict(self._tasks)
        while left:
            if not self._live.wait_while_paused(_PAUSE_POLL_S):
                yield Tick()
                continue
            self._waiting = {name: self._output_ns(name) for name in left}
            with closing(launch(left.values(), engine)) as states:  # type: ignore[type-var]
                for name, state in states:
                    if state in ("started", "again", "done", "failed"):
                        yield from self._begun(name, surely=state != "started")
                    if state in ("done", "failed"):
                        yield from self._news(name)
                        del left[name]
                        yield name, state
                    elif state == "again":
                        self._waiting[name] = self._output_ns(name)
                    elif state == "waiting" and self._look.due():
                        for child in list(left):
                            yield from self._begun(child)
                            yield from self._news(child)
                        yield self._progress(len(left))
                    else:
                        yield Tick()
                    if self._live.paused:
                        break

    def _output_ns(self, name: str) -> int:
        """Return the time of the run's output: each try of its command begins with a new one."""
        log = self._tasks[name].log
        return log.stat().st_mtime_ns if log.exists() else 0

    def _begun(self, name: str, *, surely: bool = False) -> Iterator[Event]:
        """Begin the curve of a run anew if its command has begun, with everything that earlier tries have measured."""
        if name in self._waiting and (surely or self._output_ns(name) != self._waiting[name]):
            del self._waiting[name]
            self._told.pop(name, None)
            self._sizes.pop(name, None)
            curve = list(self._news(name))
            yield ChildStarted(name, self._numbers[name], len(self._numbers), self._steps[name])
            yield from curve

    def _news(self, name: str) -> Iterator[Event]:
        """Yield what the run has measured since it was last looked at."""
        path = self._plan.run_folder(name) / METRICS
        size = path.stat().st_size if path.exists() else 0
        if size == self._sizes.get(name, 0):
            return
        self._sizes[name] = size
        rows = read_log(path).rows
        training = self._children[name].spec.training
        if rows:
            last = max(row["step"] for row in rows)
            elapsed_s = max(float(row.get("elapsed_s", 0.0)) for row in rows)
            self._steps[name] = last
            self._shares[name] = max(last / training.steps, elapsed_s / training.seconds if training.seconds else 0.0)
            self._first.setdefault(name, self._shares[name])
        for row in rows:
            if "held_out" in row and row["step"] > self._told.get(name, 0):
                self._told[name] = row["step"]
                yield ChildHeldOut(name, held_out_loss(row))

    def _progress(self, left: int) -> Progress:
        elapsed_s = time.monotonic() - self._begun_s
        gained = sum(self._shares[name] - first for name, first in self._first.items())
        missing = len(self._shares) - sum(self._shares.values())
        waiting = len(self._waiting)
        counts = {"in training": left - waiting, "waiting": waiting}
        return Progress(
            step=sum(self._steps.values()),
            total=0,
            rate=math.nan,
            items_rate=math.nan,
            elapsed_s=elapsed_s,
            left_s=elapsed_s * missing / gained if gained > 0 else math.nan,
            text=", ".join(
                [f"{len(self._shares) - left} of {len(self._shares)} runs are trained"]
                + [f"{count} {words}" for words, count in counts.items() if count]
            ),
        )
