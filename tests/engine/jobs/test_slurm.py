"""Slurm on this machine, as packaging/slurm.sh sets it up: a time limit ends a job, and Slurm takes it up again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_spread import small, table

from msd_engine.events import Finished
from msd_engine.jobs.sweep.sweep import sweep
from msd_engine.runs.sweeps import SweepFolder


def is_up() -> bool:
    """Return whether a Slurm of this machine answers."""
    if shutil.which("sinfo") is None or find_spec("submitit") is None:
        return False
    return subprocess.run(["sinfo", "--noheader"], capture_output=True, timeout=60, check=False).returncode == 0


# Some 50 s on one core of 2026.
STEPS = 30_000


@pytest.mark.long
@pytest.mark.timeout(5400)
def test_a_job_at_its_time_limit_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_up():
        pytest.skip("there is no Slurm here: packaging/slurm.sh sets one up")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    # Training takes longer than that.
    monkeypatch.setattr("msd_engine.launchers.on_slurm._MINUTES", 2)
    spec = small(ks=(2,)).replace_all({"base.training.steps": STEPS, "base.training.evaluate_every": STEPS // 4})
    *_, whole = sweep(spec, tmp_path / "one", device="cpu", threads=1)
    assert isinstance(whole, Finished)
    *_, done = sweep(spec, tmp_path / "two", device="cpu", threads=1, on="slurm")
    assert isinstance(done, Finished)
    (child,) = spec.children()
    said = (SweepFolder.open(tmp_path / "two").run_folder(child.name) / "output.txt").read_text()
    assert said.count("run the same command again") >= 1, said
    assert table(tmp_path / "two") == table(tmp_path / "one")
