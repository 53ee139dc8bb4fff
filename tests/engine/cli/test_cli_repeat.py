"""The same command again and again: it begins a run, goes on with it, or has nothing to do."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import torch

from msd_engine.backend.compiled import PHILOX
from msd_engine.cli.main import main
from msd_engine.jobs.training import train as train_job
from msd_engine.runs.layout import LOCK
from msd_engine.runs.locks import hold
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec, load_preset, training_hash
from msd_engine.training.trainer import Trainer

STEPS = 12
SMALL = {"network.width": 16, "training.batch": 16, "training.evaluate_every": 5, "training.precision": "float32"}
SPEC = load_preset("ncsn-toy").replace_all(SMALL | {"training.steps": STEPS})


def command(spec: Path, out: Path) -> list[str]:
    return ["train", "--spec", str(spec), "--out", str(out), "--resume", "auto", "--device", "cpu", "--threads", "1"]


def in_child(words: list[str], number: int, at: int) -> int:
    """Run the command in a process of its own, which gets a signal before a step, and return its exit code."""
    child = os.fork()
    if not child:
        advance = Trainer.advance

        def stopped(trainer: Trainer, elapsed_s: float) -> object:
            if trainer.step == at:
                os.kill(os.getpid(), number)
            return advance(trainer, elapsed_s)

        Trainer.advance = stopped  # type: ignore[method-assign, assignment]
        try:
            os._exit(main(words))
        except BaseException:  # noqa: BLE001 - the child must not go on as another pytest
            traceback.print_exc()
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.parametrize("runs", [1, pytest.param(150, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
def test_a_stopped_command_that_is_repeated_comes_to_the_same_bits(runs: int, tmp_path: Path) -> None:
    # In a process of its own: one in which torch has threads of other devices cannot fork and train.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    words = [sys.executable, __file__, str(runs), str(tmp_path)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def stop_and_repeat(runs: int, folder: Path) -> None:
    """Stop several runs at steps drawn at random, and compare their bits with those of a run without a stop."""
    train_job.CHECKPOINT_EVERY_S = 0.0  # type: ignore[misc]
    train_job._SIDE_SHARE = 1e9  # type: ignore[misc]
    PHILOX.wait()
    spec = folder / "spec.json"
    spec.write_text(SPEC.to_json())
    assert main(command(spec, folder / "whole")) == 0
    whole = Run.open(folder / "whole")
    drawn = random.Random(0)
    for number in range(runs):
        words = command(spec, folder / f"run{number}")
        kinds = drawn.sample((signal.SIGTERM, signal.SIGKILL, signal.SIGINT), 3)
        for at, kind in zip(sorted(drawn.sample(range(STEPS), 3)), kinds, strict=True):
            expected = -signal.SIGKILL if kind == signal.SIGKILL else 75
            assert in_child(words, kind, at) == expected
        assert in_child(words, signal.SIGTERM, STEPS) == 0
        run = Run.open(folder / f"run{number}")
        for load in ("load_state", "load_weights"):
            one, other = getattr(run, load)().tensors, getattr(whole, load)().tensors
            assert one.keys() == other.keys()
            assert all(torch.equal(one[name], value) for name, value in other.items())
        losses = [[row.get("loss") for row in which.read_metrics().rows] for which in (run, whole)]
        assert losses[0] == losses[1]


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    (tmp_path / "spec.json").write_text(SPEC.replace("training.steps", 3).to_json())
    return [*command(tmp_path / "spec.json", tmp_path / "run"), "--json"]


def test_a_finished_run_has_nothing_to_do(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(words) == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()}
    monkeypatch.setattr(train_job, "train", None)
    capsys.readouterr()
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["step"]) == ("finished", 3)
    assert "nothing to do" in told["text"]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()} == before


def test_a_larger_budget_goes_on(tmp_path: Path, words: list[str]) -> None:
    assert main(words) == 0
    assert main([*words, "--steps", "5"]) == 0
    assert Run.open(tmp_path / "run").manifest.step == 5


def test_other_settings_are_refused(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    capsys.readouterr()
    assert main([*words, "--batch", "8"]) == 2
    assert "other settings" in json.loads(capsys.readouterr().out)["error"]
    assert Run.open(tmp_path / "run").manifest.step == 3


def test_a_run_in_use_is_for_later(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    capsys.readouterr()
    with hold(tmp_path / "run" / LOCK, 0, ""):
        assert main([*words, "--steps", "5"]) == 75
    assert json.loads(capsys.readouterr().out)["status"] == "interrupted"


def test_auto_needs_the_settings_and_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--resume", "auto", "--out", "x"]) == 2
    assert "--preset" in capsys.readouterr().err
    assert main(["train", "--resume", "auto", "--spec", "ncsn-toy"]) == 2
    assert "--out" in capsys.readouterr().err


def test_the_hash_of_a_training_names_what_it_trains() -> None:
    same = {"title": "other", "sampling.levels": 3, "denoise.sigma": 2.0}
    assert training_hash(SPEC.replace_all(same)) == training_hash(SPEC)
    others = {"training.steps": 5, "training.seed": 1, "training.k": 2, "network.width": 8, "noise.s": 30.0}
    found = {training_hash(SPEC.replace(path, value)) for path, value in others.items()} | {training_hash(SPEC)}
    assert len(found) == len(others) + 1
    # Folders of earlier versions of the program are found by it: it must never change.
    assert training_hash(ExperimentSpec().replace("training.k", 2)) == "b3b18ab7aaedfd7c"


if __name__ == "__main__":
    stop_and_repeat(int(sys.argv[1]), Path(sys.argv[2]))
