"""What a training does with its number of threads: what it tells, what the run keeps, and how it is held fixed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from msd_engine.backend.threads import FixedThreads, ThreadChoice
from msd_engine.cli.main import main
from msd_engine.events import Event, Failed, Notice, Started, Tick
from msd_engine.jobs.factory import pace
from msd_engine.jobs.factory.pace import threads_for
from msd_engine.jobs.training.train import train
from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.manifest import Manifest
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec, load_preset

CPU = torch.device("cpu")
DIGITS = load_preset("digits-30s").replace_all(
    {
        "network.width": 8,
        "network.embedding": 16,
        "training.k": 2,
        "training.batch": 4,
        "training.seconds": 0.0,
        "training.precision": "float32",
    }
)
POINTS = load_preset("ncsn-toy").replace_all({"network.width": 8, "training.batch": 4, "training.steps": 3})


@pytest.fixture(autouse=True)
def noted_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """No number fixed; torch notes its number and goes on with one: on a busy machine several would be slow."""
    monkeypatch.delenv("MSD_THREADS")
    count = [torch.get_num_threads()]
    monkeypatch.setattr(torch, "set_num_threads", lambda number: count.__setitem__(0, number))
    monkeypatch.setattr(torch, "get_num_threads", lambda: count[0])


class Others:
    """Others use some of two cores, by the number of the reading; a second passes at every step."""

    cores, rest_s = 2, 0.5

    def __init__(self, *used: float) -> None:
        self.used = list(used)
        self.now = 0.0

    def others(self) -> float:
        return self.used.pop(0) if self.used else 0.0

    def clock(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Let trainings see a machine of two cores, on which two threads are quickest; give what others use of it."""

    def seen(*used: float) -> None:
        others = Others(*used)
        monkeypatch.setattr(pace, "ThreadChoice", lambda: ThreadChoice(others, 2, others.clock))  # type: ignore[arg-type]
        monkeypatch.setattr(pace, "quickest", lambda trial, most: trial() or most)

    return seen


def sentences(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice) and "thread" in event.text]


def history(folder: Path) -> list[list[int]]:
    found: list[list[int]] = json.loads((folder / MANIFEST).read_text())["thread_history"]
    return found


def steps(count: int) -> ExperimentSpec:
    return DIGITS.replace("training.steps", count)


def test_alone_a_training_takes_what_is_quickest_and_says_nothing_of_it(tmp_path, machine):
    machine()
    events = list(train(steps(3), tmp_path / "run", device="cpu"))
    assert sentences(events) == []
    assert history(tmp_path / "run") == [[0, 2]]
    manifest = Run.open(tmp_path / "run").manifest
    assert manifest.threads == 2
    (started,) = [event for event in events if isinstance(event, Started)]
    assert "2 threads" in started.device
    assert manifest.device == started.device


def test_a_training_makes_way_for_another_program_and_comes_back(tmp_path, machine):
    # Read before anything is timed, after the measurement, and then before each step.
    machine(0, 0, 0, 1, 1, 1)
    events = list(train(steps(12), tmp_path / "run", device="cpu"))
    down, up = sentences(events)
    assert down == "Another program uses the processor: training goes on with 1 thread."
    assert up == "The processor is free again: training goes on with 2 threads."
    (since, first), (fallen, few), (risen, many) = history(tmp_path / "run")
    assert [first, few, many] == [2, 1, 2]
    assert since == 0 < fallen < risen < 12
    # The sentence comes before the first step that has the new number.
    before = events[: [event.text if isinstance(event, Notice) else "" for event in events].index(down)]
    assert sum(isinstance(event, Tick) for event in before) == fallen
    assert torch.get_num_threads() == 2


def test_a_training_that_begins_on_a_busy_machine_says_so(tmp_path, machine):
    machine(*[1.0] * 20)
    events = list(train(steps(3), tmp_path / "run", device="cpu"))
    assert sentences(events) == ["Another program uses the processor: training begins with 1 thread."]
    manifest = Run.open(tmp_path / "run").manifest
    assert (manifest.threads, manifest.thread_history) == (1, ((0, 1),))


def test_a_resumed_training_keeps_the_threads_of_the_steps_before(tmp_path, machine):
    machine(*[1.0] * 20)
    list(train(steps(3), tmp_path / "run", device="cpu"))
    machine()
    events = list(train(steps(6), tmp_path / "run", device="cpu", resume=True))
    assert history(tmp_path / "run") == [[0, 1], [3, 2]]
    (started,) = [event for event in events if isinstance(event, Started)]
    assert "2 threads" in started.device


def test_what_was_noted_of_steps_that_are_repeated_is_dropped(tmp_path):
    run = Run.create(tmp_path / "run", DIGITS, device="cpu")
    for step, count in ((0, 2), (10, 2), (10, 1), (20, 2), (15, 1)):
        run.note_threads(step, count)
    assert run.manifest.thread_history == ((0, 2), (10, 1))


def test_a_manifest_of_an_older_version_has_no_history(tmp_path):
    run = Run.create(tmp_path / "run", DIGITS, device="cpu")
    fields = json.loads(run.manifest.to_json())
    del fields["thread_history"]
    assert Manifest.from_json(json.dumps(fields)).thread_history == ()


def test_a_number_that_is_given_is_held(tmp_path, machine, monkeypatch):
    machine(*[1.9] * 20)
    list(train(steps(2), tmp_path / "given", device="cpu", threads=2))
    assert history(tmp_path / "given") == [[0, 2]]
    monkeypatch.setenv("MSD_THREADS", "2")
    list(train(steps(2), tmp_path / "said", device="cpu"))
    assert history(tmp_path / "said") == [[0, 2]]
    monkeypatch.setenv("MSD_THREADS", "many")
    *_, last = train(steps(2), tmp_path / "wrong", device="cpu")
    assert isinstance(last, Failed)
    assert "MSD_THREADS" in last.text
    assert not (tmp_path / "wrong").exists()


def test_a_network_of_points_computes_with_one_thread_and_a_card_with_what_there_is():
    assert threads_for(POINTS, CPU, 0).count == 1
    assert isinstance(threads_for(POINTS, CPU, 0), FixedThreads)
    assert not isinstance(threads_for(POINTS, CPU, 0), ThreadChoice)
    assert isinstance(threads_for(DIGITS, CPU, 0), ThreadChoice)
    assert threads_for(POINTS, CPU, 2).count == 2
    card = threads_for(DIGITS, torch.device("cuda"), 0)
    assert not isinstance(card, ThreadChoice)


def test_the_commands_hold_the_number_of_threads(tmp_path, capsys):
    run = str(tmp_path / "run")
    quick = ["--seconds", "0", "--steps", "2", "--network.width", "8"]
    assert main(["train", "--preset", "ncsn-toy", "--out", run, "--threads", "2", *quick]) == 0
    assert history(tmp_path / "run") == [[0, 2]]
    drawn = str(tmp_path / "x.npz")
    short = ["--levels", "3", "--steps_per_level", "1"]
    assert main(["sample", run, "--n", "4", "--out", drawn, "--threads", "1", *short]) == 0
    assert torch.get_num_threads() == 1
    swept = ["--ks", "1", "--seeds", "0", "--modes", "same-sigma", "--out", str(tmp_path / "sweep")]
    assert main(["sweep", "--preset", "ncsn-toy", "--threads", "2", *swept, *quick]) == 0
    (folder,) = (tmp_path / "sweep").glob("**/manifest.json")
    assert history(folder.parent) == [[0, 2]]
    capsys.readouterr()
    for command in (["train", "--preset", "ncsn-toy", "--out", str(tmp_path / "no")], ["sample", run, "--out", drawn]):
        assert main([*command, "--threads", "0"]) == 2
        assert "--threads must be a positive whole number" in capsys.readouterr().err
