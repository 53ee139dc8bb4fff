"""`msd runs ADDRESS` lists runs that lie elsewhere, and a training obeys the files that ask it to save or to stop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from msd_engine.cli.main import main
from msd_engine.events import Checkpointed, Event, Failed, Finished
from msd_engine.jobs.training.train import train
from msd_engine.runs.run import Run
from msd_engine.specs import load_preset

STEPS = 30
SMALL = {"network.width": 16, "training.batch": 16, "training.steps": STEPS, "training.evaluate_every": 10}
SPEC = load_preset("ncsn-toy").replace_all(SMALL)


class Always:
    def due(self) -> bool:
        return True


def begun(run: Path, *, resume: bool = False) -> Iterator[Event]:
    return train(None if resume else SPEC, run, resume=resume, device="cpu", threads=1, cadence=Always())


def test_runs_elsewhere_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSD_RUNS_DIR", str(tmp_path / "own"))
    Run.create(tmp_path / "lab" / "one", SPEC, device="cpu")
    Run.create(tmp_path / "other" / "two", SPEC, device="cpu")
    for place, name in (("lab", "one"), ("other/two", "two")):
        where = f"file://{tmp_path}/{place}"
        assert main(["runs", where, "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)["runs"]
        assert row["elsewhere"] == f"file://{tmp_path}/{place}".removesuffix(f"/{name}") + f"/{name}"
    assert main(["runs", f"file://{tmp_path}/none"]) == 2
    assert "There is no folder" in capsys.readouterr().err


def test_a_training_stops_when_a_file_asks_it_to(tmp_path: Path) -> None:
    run = tmp_path / "run"
    asked = False
    told = []
    for event in begun(run):
        told.append(event)
        if not asked and (run / "metrics.jsonl").exists():
            (run / "stop.request").touch()
            asked = True
    assert isinstance(told[-1], Failed)
    assert "was asked to stop" in told[-1].text
    assert not (run / "stop.request").exists()
    manifest = Run.open(run).manifest
    assert manifest.status == "stopped"
    assert 10 <= manifest.step < STEPS
    # A request to a training that has ended does not stop the next one.
    (run / "stop.request").touch()
    assert isinstance(list(begun(run, resume=True))[-1], Finished)


def test_a_training_saves_when_a_file_asks_it_to(tmp_path: Path) -> None:
    run = tmp_path / "run"
    saved = []
    for event in begun(run):
        if not saved and (run / "metrics.jsonl").exists():
            (run / "checkpoint.request").touch()
            saved.append(0)
        if isinstance(event, Checkpointed):
            saved.append(event.step)
    assert len(saved) == 3
    assert saved[1] < saved[2] == STEPS
