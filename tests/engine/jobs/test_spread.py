"""Runs of a comparison as commands on an engine: the same table to the bit, whatever dies on the way."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file
from sockets import open_to_others
from test_sweep import of, plan, points, results

from msd_engine.cli.main import main
from msd_engine.events import (
    ChildEnded,
    ChildHeldOut,
    ChildStarted,
    Event,
    Failed,
    Finished,
    Progress,
    Started,
    SweepTable,
    Tick,
)
from msd_engine.jobs.sweep.spread import Spread, needs_of
from msd_engine.jobs.sweep.sweep import sweep
from msd_engine.launchers.choice import engine_of
from msd_engine.launchers.launch import Resources, Task, launch
from msd_engine.launchers.local import Local
from msd_engine.runs.layout import LOCK, WEIGHTS
from msd_engine.runs.locks import is_locked
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder, runs_in
from msd_engine.specs import Live, SpecError, SweepSpec


def small(**fields: Any) -> SweepSpec:
    base = points(6, training__precision="float32")
    return plan(base, **({"ks": (1, 2), "modes": ("same-sigma",)} | fields))


def run(spec: SweepSpec | None, folder: Path, **options: Any) -> list[Event]:
    return list(sweep(spec, folder, device="cpu", threads=1, **options))


def test_a_pool_gives_the_table_of_one_after_the_other(tmp_path: Path) -> None:
    run(small(), tmp_path / "one")
    events = run(small(), tmp_path / "pool", on="local:2")
    assert results(tmp_path / "pool") == results(tmp_path / "one")
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert {event.name for event in of(ChildStarted, events)} == {child.name for child in small().children()}
    told = [event.measured.step for event in of(ChildHeldOut, events) if event.name == "k1-seed0"]
    assert told == [3, 6]
    assert [event.done for event in of(SweepTable, events)][-1] == 2
    again = run(small(), tmp_path / "pool", resume=True, on="local:2")
    assert not of(ChildStarted, [event for event in again if not isinstance(event, ChildStarted) or event.step == 0])
    assert len(of(ChildEnded, again)) == 2


def test_a_stopped_pool_leaves_runs_that_go_on(tmp_path: Path) -> None:
    spec = small().replace("base.training.steps", 100_000)
    job = sweep(spec, tmp_path / "pool", device="cpu", threads=1, on="local:2")
    for event in job:
        if isinstance(event, ChildHeldOut):
            break
    job.close()  # type: ignore[attr-defined]
    stopped = [Run.open(folder).manifest for folder in runs_in(tmp_path / "pool")]
    assert stopped
    assert all(manifest.status in ("stopped", "running") for manifest in stopped)
    assert any(manifest.step > 0 for manifest in stopped)


def test_a_paused_pool_holds_and_goes_on(tmp_path: Path) -> None:
    run(small(), tmp_path / "one")
    live = Live()
    job = sweep(small(), tmp_path / "pool", device="cpu", threads=1, on="local:2", live=live)
    assert any(isinstance(event, ChildStarted) for event in job)
    live.pause()
    # The commands are asked to end before the first tick of the pause; after it none runs.
    assert [type(next(job)) for _ in range(5)][-1] is Tick
    assert not any(is_locked(folder / LOCK) for folder in runs_in(tmp_path / "pool"))
    live.resume()
    list(job)
    assert results(tmp_path / "pool") == results(tmp_path / "one")


def test_a_command_that_cannot_work_says_why(tmp_path: Path) -> None:
    folder = SweepFolder.create(tmp_path / "pool", small())
    # In the place of the run lies another.
    other = folder.spec.children()[0].spec.replace("training.batch", 4)
    Run.create(folder.run_folder("k1-seed0"), other, device="cpu")
    *_, failed = run(small(), tmp_path / "pool", resume=True, on="local:2")
    assert isinstance(failed, Failed)
    assert "other settings" in failed.text


# Without its extra, Slurm is refused for that.
NO_SLURM = "sbatch" if find_spec("submitit") else "msd-gui[slurm]"


@pytest.mark.parametrize(("on", "part"), [("local:0", "workers"), ("cloud", "no place"), ("slurm", NO_SLURM)])
def test_a_place_that_is_not_there_is_refused(
    on: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (failed,) = run(small(), tmp_path / "pool", on=on)
    assert isinstance(failed, Failed)
    assert part in failed.text
    assert not (tmp_path / "pool").exists()


def test_cards_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [needs_of(*given).cards for given in (("cpu", 1), ("cuda:0", 1), ("auto", 1, 0.5), ("cuda", 1, 0.0))] == [
        0.0,
        1.0,
        0.5,
        0.0,
    ]
    with pytest.raises(SpecError, match="whole cards"):
        engine_of("slurm", Resources(1, 0.5), tmp_path)
    asked = []

    def engine(text: str, needs: Resources, _folder: Path) -> Local:
        asked.append((text, needs))
        return Local(1)

    monkeypatch.setattr("msd_engine.jobs.sweep.sweep.engine_of", engine)
    run(small(ks=(1,)), tmp_path / "pool", on="ray", gpus=0.5)
    assert asked == [("ray", Resources(1, 0.5))]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("--gpus 1", "for Ray and Slurm"),
        ("--gpus 1 --on local:2", "for Ray and Slurm"),
        ("--gpus 1 --on cloud", "for Ray and Slurm"),
        ("--gpus 1.5 --on ray", "fraction below 1"),
        ("--gpus nan --on ray", "'nan'"),
        ("--gpus many --on slurm", "'many'"),
        ("--gpus 0.5 --on slurm", "whole cards"),
    ],
)
def test_cards_that_nobody_can_give_are_refused(
    words: str, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "--preset", "ncsn-toy", "--out", str(tmp_path / "new"), *words.split()]) == 2
    assert part in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_signal_that_interrupts_the_wait_for_a_command_ends_it(tmp_path: Path) -> None:
    # As a job of Slurm is told of its time limit: the handler ends the command for which the same thread waits.
    words = """
import signal, subprocess, sys
from msd_engine.launchers.launch import end
process = subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"], stdout=-1)
process.stdout.readline()
def told(*_):
    process.terminate()
    end(process)
    sys.exit(7)
signal.signal(signal.SIGALRM, told)
signal.setitimer(signal.ITIMER_REAL, 0.2)
process.wait()
"""
    assert subprocess.run([sys.executable, "-c", words], timeout=50, check=False).returncode == 7


def test_a_worker_that_is_interrupted_stops_its_command() -> None:
    # As Ray cancels a task: an interrupt that a thread in `Popen.wait` does not notice.
    words = """
import _thread, subprocess, sys, threading
from msd_engine.launchers.launch import Command
class Sleeper(Command):
    def begin(self):
        self.process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        threading.Timer(0.2, _thread.interrupt_main).start()
        return self.process
command = Sleeper((), "")
try:
    command()
except KeyboardInterrupt:
    sys.exit(8 if command.process.poll() is None else 7)
"""
    assert subprocess.run([sys.executable, "-c", words], timeout=50, check=False).returncode == 7


class Scripted:
    """An engine whose commands end with the given codes, one try after the other."""

    def __init__(self, codes: dict[str, list[int]], slots: int) -> None:
        self.codes = codes
        self.slots = slots
        self.running: list[str] = []
        self.most = 0

    def start(self, task: Task) -> str:
        self.running.append(task.name)
        self.most = max(self.most, len(self.running))
        return task.name

    def code(self, handle: str) -> int | None:
        self.running.remove(handle)
        return self.codes[handle].pop(0)

    def close(self, handles: object) -> None:
        assert not list(handles)  # type: ignore[call-overload]


def test_stopped_commands_are_tried_again_and_failed_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msd_engine.launchers.launch._REST_S", 0.0)
    engine = Scripted({"a": [75, -9, 143, 0], "b": [1], "c": [2], "d": [0]}, slots=2)
    tasks = [Task(name, (), tmp_path / name) for name in "abcd"]
    told = [(name, state) for name, state in launch(tasks, engine) if name]
    assert [state for name, state in told if name == "a"] == ["started", "again"] * 3 + ["started", "done"]
    assert {name: state for name, state in told if name != "a"} == {"b": "failed", "c": "failed", "d": "done"}
    assert engine.most == 2


class Murderous(Local):
    """A pool some of whose processes are killed at their start."""

    def __init__(self, workers: int, kills: int) -> None:
        super().__init__(workers)
        self.drawn = random.Random(0)
        self.kills = kills
        self.polls: dict[int, int] = {}

    def start(self, task: Task) -> subprocess.Popen[bytes]:
        process = super().start(task)
        if self.kills:
            self.kills -= 1
            self.polls[process.pid] = self.drawn.randrange(1, 80)
        return process

    def code(self, handle: subprocess.Popen[bytes]) -> int | None:
        left = self.polls.get(handle.pid)
        if left is not None:
            self.polls[handle.pid] = left - 1
            if left == 0:
                os.kill(handle.pid, self.drawn.choice((signal.SIGKILL, signal.SIGTERM)))
        return super().code(handle)


@pytest.mark.parametrize(
    ("kills", "ks", "seeds"),
    [(1, (1,), (0,)), pytest.param(20, (1, 2, 4, 8), (0, 1, 2), marks=[pytest.mark.long, pytest.mark.timeout(1800)])],
)
def test_killed_workers_change_no_number(
    kills: int, ks: tuple[int, ...], seeds: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = small(ks=ks, seeds=seeds)
    run(spec, tmp_path / "one")
    monkeypatch.setattr("msd_engine.jobs.sweep.sweep.engine_of", lambda *_: Murderous(2, kills))
    run(spec, tmp_path / "pool", on="local:2")
    assert results(tmp_path / "pool") == results(tmp_path / "one")
    assert len(results(tmp_path / "one")) == len(ks) * len(seeds)


def test_a_run_that_is_tried_again_begins_its_curve_anew(tmp_path: Path) -> None:
    folder = SweepFolder.create(tmp_path / "pool", small(ks=(1,)))
    (child,) = folder.spec.children()
    made = Run.create(folder.run_folder(child.name), child.spec, device="cpu")
    unknown = {"elapsed_s": 0.1, "mmse": None, "band_sigma_eff": [1.0], "band_loss": [1.0], "band_mmse": [None]}
    made.append_metrics([{"step": 3, "held_out": 2.0, "standard_error": 0.1, **unknown}])
    task = Task(child.name, (), tmp_path / "log")
    events = Spread(folder, [child], {child.name: task}, Live()).events(Scripted({child.name: [75, 0]}, slots=1))
    told = [event for event in events if isinstance(event, ChildStarted | ChildHeldOut)]
    assert [type(event) for event in told] == [ChildStarted, ChildHeldOut] * 2
    assert [event.step for event in told if isinstance(event, ChildStarted)] == [3, 3]


class Queue(Scripted):
    """An engine whose commands wait: one begins at each look that finds none in work, and ends a look later."""

    def __init__(self, tasks: list[Task]) -> None:
        super().__init__({}, slots=len(tasks))
        self.logs = {task.name: task.log for task in tasks}
        self.looks: list[str] = []

    def code(self, handle: str) -> int | None:
        if handle != self.running[0]:
            return None
        self.looks.append(handle)
        match self.looks.count(handle):
            case 2:
                self.logs[handle].touch()
            case 4:
                self.running.remove(handle)
                return 0
        return None


def test_runs_that_wait_in_a_queue_are_counted_and_begin_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msd_engine.jobs.sweep.spread._LOOK_HZ", math.inf)
    monkeypatch.setattr("msd_engine.launchers.launch._POLL_S", 0.0)
    folder = SweepFolder.create(tmp_path / "pool", small())
    children = folder.spec.children()
    tasks = {child.name: Task(child.name, (), tmp_path / child.name) for child in children}
    told: list[str] = []
    for event in Spread(folder, children, tasks, Live()).events(Queue(list(tasks.values()))):
        match event:
            case ChildStarted() | Progress():
                word = event.text if isinstance(event, Progress) else event.name
                told += [word] if word not in told else []
            case (name, state):
                told.append(f"{name} {state}")
    first, second = tasks
    assert told == [
        "0 of 2 runs are trained, 2 waiting",
        first,
        "0 of 2 runs are trained, 1 in training, 1 waiting",
        f"{first} done",
        "1 of 2 runs are trained, 1 waiting",
        second,
        "1 of 2 runs are trained, 1 in training",
        f"{second} done",
        "2 of 2 runs are trained",
    ]


def table(folder: Path) -> list[tuple[dict[str, Any], dict[str, bytes]]]:
    """Return all that a comparison has found, without times, and the weights of its networks."""
    plan = SweepFolder.open(folder)
    rows = [result.model_dump(exclude={"elapsed_s", "text"}) for result in plan.results()]
    weights = [load_file(plan.run_folder(row["name"]) / WEIGHTS) for row in rows]
    return [
        (row, {name: array.tobytes() for name, array in one.items()}) for row, one in zip(rows, weights, strict=True)
    ]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_engine_gives_the_same_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    spec = small(ks=(1, 2, 4, 8), seeds=(0, 1, 2))
    places = {"local": "local:2"}
    # Not imported here: Ray reads at its import how its servers know their users.
    places |= {"ray": "ray"} if find_spec("ray") else {}
    places |= {"slurm": "slurm"} if find_spec("submitit") else {}
    run(spec, tmp_path / "one")
    whole = table(tmp_path / "one")
    assert len(whole) == 12
    for name, on in places.items():
        with monkeypatch.context() as patched:
            if name == "slurm":
                from msd_engine.launchers.on_slurm import OnSlurm

                # Processes of this machine, started, watched and stopped as jobs of Slurm are.
                local = OnSlurm("", Resources(), tmp_path / name, cluster="local")
                patched.setattr("msd_engine.jobs.sweep.sweep.engine_of", lambda *_, local=local: local)
            started, beyond = [], set()
            for event in sweep(spec, tmp_path / name, device="cpu", threads=1, on=on):
                if isinstance(event, ChildStarted | ChildEnded):
                    beyond |= open_to_others()
                    started += [event.name] if isinstance(event, ChildStarted) else []
        assert sorted(started) == sorted(child.name for child in spec.children())
        assert beyond == set()
        assert table(tmp_path / name) == whole, name


@pytest.mark.parametrize("module", ["ray", "submitit", "cloudpickle"])
def test_nothing_of_an_engine_is_imported_without_need(module: str) -> None:
    words = "import sys, msd_engine.jobs.sweep.sweep, msd_engine.cli.main; sys.exit(sys.argv[1] in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words, module], check=False).returncode == 0
