"""A training is killed again and again, at moments drawn at random, and comes to the same weights, to the bit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest
import torch
from saves import points

from msd_engine.backend.compiled import PHILOX
from msd_engine.events import Finished
from msd_engine.jobs.training import train as train_job
from msd_engine.jobs.training.train import train
from msd_engine.runs.layout import MANIFEST, THUMBNAIL
from msd_engine.runs.run import Run

if not hasattr(os, "fork"):
    pytest.skip("processes are not forked here", allow_module_level=True)

STEPS = 8


def in_child(folder: Path, kill_after_s: float | None) -> bool:
    """Train in a process of its own, which may be killed, and return whether it came to its end.

    It is forked: a new one would take seconds to import everything.
    """
    begun = (folder / MANIFEST).exists()
    child = os.fork()
    if not child:
        try:
            for event in train(None if begun else points(STEPS), folder, resume=begun, device="cpu"):
                last = event
            if not isinstance(last, Finished):
                print(last, flush=True)
            os._exit(0 if isinstance(last, Finished) else 1)
        except BaseException:  # noqa: BLE001 - the child must not go on as another pytest
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(2)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return False
    assert os.waitstatus_to_exitcode(status) == 0
    return True


def opens(folder: Path) -> None:
    """Open everything that a killed training has left."""
    if not (folder / MANIFEST).exists():
        return
    run = Run.open(folder)
    run.read_metrics()
    if run.has_weights:
        assert run.load_weights().step == run.load_state().step >= run.manifest.step


@pytest.mark.parametrize("kills", [40, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
def test_a_killed_training_comes_to_the_same_weights(kills: int, tmp_path: Path) -> None:
    # In a process of its own: one in which torch has threads of other devices cannot fork and train.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, __file__, str(kills), str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def kill_again_and_again(kills: int, tmp_path: Path) -> None:
    """Kill trainings until so many are killed, and compare each that ended with one that was never killed."""
    train_job.CHECKPOINT_EVERY_S = 0.0  # type: ignore[misc]
    train_job._SIDE_SHARE = 1e9  # type: ignore[misc]
    # What a process has written outlives it, flushed or not: that is for the power to take.
    os.fsync = lambda _: None  # type: ignore[assignment]
    # A process is forked only once nothing is imported beside it any more.
    PHILOX.wait()
    *_, finished = train(points(STEPS), tmp_path / "whole", device="cpu")
    assert isinstance(finished, Finished)
    expected = Run.open(tmp_path / "whole")
    begun = time.perf_counter()
    assert in_child(tmp_path / "timed", None)
    whole_s = time.perf_counter() - begun
    drawn = random.Random(0)
    killed = runs = 0
    while killed < kills:
        folder = tmp_path / f"run{runs}"
        runs += 1
        while not in_child(folder, drawn.uniform(0.0, whole_s)):
            killed += 1
            opens(folder)
            # A run that is killed before each of its checkpoints would never end.
            if drawn.random() < 0.2:
                assert in_child(folder, None)
                break
        run = Run.open(folder)
        assert (run.manifest.step, run.manifest.status) == (STEPS, "finished")
        for load in ("load_state", "load_weights", "load_earlier"):
            one, other = getattr(run, load)().tensors, getattr(expected, load)().tensors
            assert all(torch.equal(one[name], value) for name, value in other.items())
        rows, damaged = run.read_metrics()
        assert damaged == 0
        assert [row["step"] for row in rows if "loss" in row] == list(range(1, STEPS + 1))
        assert [row["held_out"] for row in rows if "held_out" in row] == [
            row["held_out"] for row in expected.read_metrics().rows if "held_out" in row
        ]
        # Those of small pictures, which are written without the lock as well, go once they are old.
        assert not [path for path in folder.glob(".*.tmp") if THUMBNAIL not in path.name]
    assert runs > 3


if __name__ == "__main__":
    kill_again_and_again(int(sys.argv[1]), Path(sys.argv[2]))
