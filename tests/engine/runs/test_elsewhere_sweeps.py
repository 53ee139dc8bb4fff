"""Comparisons that lie elsewhere: followed to their end, and not changed here."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import SPEC

from msd_engine.backend.errors import UserError
from msd_engine.events import (
    ChildEnded,
    ChildHeldOut,
    ChildStarted,
    Finished,
    SweepTable,
    Tick,
)
from msd_engine.jobs.sweep.story import open_sweep
from msd_engine.runs.remote.mirror import Mirror
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs.sweep import Child, SweepResult, SweepSpec


def test_a_comparison_elsewhere_is_followed_to_its_end(tmp_path: Path) -> None:
    sweep = SweepFolder.create(tmp_path / "plan", SweepSpec(base=SPEC, ks=(1, 2), seeds=(0,), modes=("same-sigma",)))
    runs = {
        child: Run.create(sweep.run_folder(child.name), child.spec, device="cpu") for child in sweep.spec.children()
    }
    mirror = Mirror(str(sweep.folder), tmp_path / "here")
    mirror.pull()
    told = (event for event in open_sweep(mirror.folder) if not isinstance(event, Tick))
    while not isinstance(next(told), SweepTable):
        pass
    for number, (child, run) in enumerate(runs.items(), 1):
        held_out = {"step": 5, "held_out": 1.0, "elapsed_s": 1.0, "mmse": 0.5, "standard_error": 0.1}
        run.append_metrics([held_out | {name: [1.0] for name in ("band_sigma_eff", "band_loss", "band_mmse")}])
        run.set_status("finished")
        mirror.pull()
        assert isinstance(next(told), ChildStarted)
        measured = next(told)
        assert isinstance(measured, ChildHeldOut)
        assert (measured.name, measured.measured.step) == (child.name, 5)
        # The result of a run comes after its end, and is not overlooked although the run is finished.
        mirror.pull()
        sweep.save_result(result_of(child))
        mirror.pull()
        assert isinstance(next(told), ChildEnded)
        table = next(told)
        assert isinstance(table, SweepTable)
        assert table.done == number
    assert isinstance(next(told), Finished)


def result_of(child: Child) -> SweepResult:
    return SweepResult(
        name=child.name,
        k=child.k,
        seed=child.seed,
        modes=child.modes,
        status="finished",
        step=5,
        elapsed_s=1.0,
        error=1.0,
    )


def test_a_comparison_elsewhere_is_not_changed_here(tmp_path: Path) -> None:
    sweep = SweepFolder.create(tmp_path / "plan", SweepSpec(base=SPEC, ks=(1, 2), seeds=(0,)))
    mirror = Mirror(str(sweep.folder), tmp_path / "here")
    mirror.pull()
    copy = SweepFolder.open(mirror.folder)
    with pytest.raises(UserError, match="copy of a run elsewhere"):
        copy.widen(sweep.spec.with_more(ks=(4,), seeds=(), modes=(), fusions=()))
    with pytest.raises(UserError, match="copy of a run elsewhere"), copy.claimed(sweep.spec.children()[0].name):
        pass
