"""Runs of a comparison in the list of all runs: whose they are, how they are thrown away and how they go on."""

import threading
from pathlib import Path

import filelock
import pytest
import torch

from msd_engine.events import Failed, Finished, SweepFound
from msd_engine.jobs.files.catalogue import discard
from msd_engine.jobs.files.restore import restore
from msd_engine.jobs.training.train import train
from msd_engine.runs import catalogue as module
from msd_engine.runs.catalogue import Catalogue
from msd_engine.runs.layout import CLAIM, SWEEP, is_held
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import ExperimentSpec, SweepSpec

SPEC = ExperimentSpec(title="two")


def rows(catalogue: Catalogue) -> dict:
    for _ in catalogue.scan():
        pass
    return catalogue.rows


def make(folder: Path, spec: ExperimentSpec = SPEC) -> Path:
    run = Run.create(folder, spec, device="cpu")
    run.save({"averaged.w": torch.zeros(3)}, 5, elapsed_s=0.7, status="finished")
    return run.folder


def sweep_of_two(folder: Path, title: str = "Two ks") -> SweepFolder:
    return SweepFolder.create(folder, SweepSpec(title=title, base=SPEC, ks=(1, 2), seeds=(0,), modes=("same-sigma",)))


def make_child(sweep: SweepFolder, number: int) -> Path:
    child = sweep.spec.children()[number]
    return make(sweep.run_folder(child.name), child.spec)


def test_runs_of_a_comparison_say_to_which_they_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FRESH_NS", -(10**18))
    named, nameless = sweep_of_two(tmp_path / "s" / "named"), sweep_of_two(tmp_path / "nameless", title="")
    alone = make(tmp_path / "alone")
    inside = [make_child(named, 0), make_child(named, 1)]
    other = make_child(nameless, 0)
    catalogue = Catalogue(tmp_path)
    found = rows(catalogue)
    assert len(found) == 4
    assert (found[str(alone)].sweep, found[str(alone)].sweep_title) == ("", "")
    assert {(found[str(run)].sweep, found[str(run)].sweep_title) for run in inside} == {(str(named.folder), "Two ks")}
    assert found[str(other)].sweep_title == "nameless"
    assert not any(found is not None and found.row is not None for found in catalogue.scan())
    (nameless.folder / SWEEP).write_text("{")
    assert rows(Catalogue(tmp_path))[str(other)].sweep_title == "nameless"


def test_a_comparison_goes_to_the_trash_as_a_whole_when_all_of_its_runs_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thrown: list[str] = []
    monkeypatch.setattr("send2trash.send2trash", thrown.append)
    sweep, alone = sweep_of_two(tmp_path / "sweep"), make(tmp_path / "alone")
    first, second = make_child(sweep, 0), make_child(sweep, 1)
    *_, end = discard([second])
    assert thrown == [str(second)]
    assert isinstance(end, Finished)
    assert second.name in end.text
    thrown.clear()
    *_, end = discard([second, alone, first])
    assert thrown == [str(sweep.folder), str(alone)]
    assert isinstance(end, Finished)
    assert "3 runs" in end.text
    thrown.clear()
    with sweep.claimed(sweep.spec.children()[1].name) as mine:
        assert mine
        *_, end = discard([first, second])
    assert isinstance(end, Failed)
    assert thrown == []


def test_asking_whether_a_run_is_claimed_does_not_disturb_who_wants_it(tmp_path: Path) -> None:
    sweep = sweep_of_two(tmp_path / "sweep")
    run = make_child(sweep, 0)
    assert not is_held(run)
    with sweep.claimed(sweep.spec.children()[0].name) as mine:
        assert mine
        assert is_held(run)
    assert not is_held(run)
    looker = filelock.FileLock(run / CLAIM, thread_local=False)
    looker.acquire()
    threading.Timer(0.02, looker.release).start()
    with sweep.claimed(sweep.spec.children()[0].name) as mine:
        assert mine


def test_the_folder_of_a_comparison_and_its_plan_are_distinguished_from_runs(tmp_path: Path) -> None:
    sweep = sweep_of_two(tmp_path / "sweep")
    for path in (sweep.folder, sweep.folder / SWEEP):
        assert [event.path for event in restore(path) if isinstance(event, SweepFound)] == [str(sweep.folder)]
    assert not any(isinstance(event, SweepFound) for event in restore(make_child(sweep, 0)))
    (sweep.folder / SWEEP).write_text("{")
    *_, end = restore(sweep.folder)
    assert isinstance(end, Failed)
    assert SWEEP in end.text


def test_a_run_of_a_comparison_is_not_trained_for_longer_than_the_others(tmp_path: Path) -> None:
    sweep = sweep_of_two(tmp_path / "sweep")
    run = make_child(sweep, 0)
    spec = Run.open(run).spec
    *_, end = train(spec.replace("training.steps", spec.training.steps + 1), run, resume=True)
    assert isinstance(end, Failed)
    assert "comparison" in end.text
    assert Run.open(run).spec == spec
