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
from msd_engine.runs.layout import METRICS
from msd_engine.runs.log import read_log
from msd_engine.runs.sweeps import SweepFolder, runs_in
from msd_engine.specs import SweepSpec


def is_up() -> bool:
    """Return whether a Slurm of this machine answers."""
    if shutil.which("sinfo") is None or find_spec("submitit") is None:
        return False
    return subprocess.run(["sinfo", "--noheader"], capture_output=True, timeout=60, check=False).returncode == 0


# Slurm asks a job to end 90 s before its limit of two minutes; of the half minute that is left, a third is the start.
# The rest is of a machine with other work: it may train four times as fast later.
LONG_ENOUGH_S = 80.0


def with_steps(spec: SweepSpec, steps: int) -> SweepSpec:
    return spec.replace_all({"base.training.steps": steps, "base.training.evaluate_every": steps // 4})


def steps_within(seconds: float, spec: SweepSpec, folder: Path) -> int:
    """Return how many steps this machine trains in some seconds, by the last three quarters of a short training."""
    list(sweep(with_steps(spec, 4000), folder, device="cpu", threads=1))
    (run,) = runs_in(folder)
    rows = [row for row in read_log(run / METRICS).rows if row["step"] in (1000, 4000)]
    first, last = rows[0], rows[-1]
    return round(seconds * (last["step"] - first["step"]) / (last["elapsed_s"] - first["elapsed_s"]))


@pytest.mark.long
@pytest.mark.timeout(5400)
def test_a_job_at_its_time_limit_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_up():
        pytest.skip("there is no Slurm here: packaging/slurm.sh sets one up")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    monkeypatch.setattr("msd_engine.launchers.on_slurm._MINUTES", 2)
    spec = small(ks=(2,))
    spec = with_steps(spec, steps_within(LONG_ENOUGH_S, spec, tmp_path / "short"))
    *_, whole = sweep(spec, tmp_path / "one", device="cpu", threads=1)
    assert isinstance(whole, Finished)
    *_, done = sweep(spec, tmp_path / "two", device="cpu", threads=1, on="slurm")
    assert isinstance(done, Finished)
    (child,) = spec.children()
    said = (SweepFolder.open(tmp_path / "two").run_folder(child.name) / "output.txt").read_text()
    assert said.count("run the same command again") >= 1, said
    assert table(tmp_path / "two") == table(tmp_path / "one")
