"""`msd runs` and `msd export-tensorboard`."""

import json
import math
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from msd_engine.backend.errors import UserError
from msd_engine.cli.main import main
from msd_engine.events import Failed, Finished
from msd_engine.jobs.files.tensorboard import export_tensorboard, scalars
from msd_engine.jobs.training.train import train
from msd_engine.runs.layout import MANIFEST, SWEEP
from msd_engine.runs.notes import Notes, add_figures, write_notes
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import ExperimentSpec, SweepSpec, load_preset


def make(folder: Path) -> Path:
    run = Run.create(folder, ExperimentSpec(title="one"), device="cpu")
    run.append_metrics([{"step": 1, "loss": 2.0, "elapsed_s": 0.5}])
    run.append_metrics(
        [{"step": 1, "held_out": 1.5, "mmse": math.nan, "elapsed_s": 0.5, "band_sigma_eff": [0.1], "band_loss": [0.25]}]
    )
    run.save({"averaged.w": torch.zeros(7)}, 1, elapsed_s=0.5, status="finished")
    return folder


def test_runs_are_listed_as_one_line_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_figures(make(tmp_path / "a"), {"yield": 0.5, "precision": 0.25})
    write_notes(make(tmp_path / "sweep" / "b"), Notes(name="best", tags=("good",)))
    (make(tmp_path / "c") / MANIFEST).write_text("{")
    assert main(["runs", str(tmp_path), "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    runs = {Path(run["path"]).name: run for run in json.loads(line)["runs"]}
    assert set(runs) == {"a", "b", "c"}
    assert (runs["a"]["alive"], runs["a"]["figures"], runs["a"]["distance"]) == (0.5, {"precision": "0.25"}, None)
    assert (runs["b"]["name"], runs["b"]["folder"], runs["b"]["tags"]) == ("best", "sweep", ["good"])
    assert runs["c"]["status"] == "damaged"
    assert MANIFEST in runs["c"]["problem"]


def test_runs_are_listed_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSD_RUNS_DIR", str(tmp_path))
    assert main(["runs"]) == 0
    assert "There are no runs" in capsys.readouterr().out
    make(tmp_path / "sweep" / "b")
    assert main(["runs"]) == 0
    assert "sweep/b" in capsys.readouterr().out
    write_notes(make(tmp_path / "c"), Notes(name="the best of them", tags=("good",)))
    for words, found in (("GOOD best", {"c"}), ("sweep", {"sweep/b"}), ("finished", {"c", "sweep/b"})):
        assert main(["runs", "--search", words]) == 0
        received = capsys.readouterr().out
        assert {name for name in ("c", "sweep/b") if f" {name} " in received} == found
    assert main(["runs", "--search", "nothing like it"]) == 0
    assert "No run in" in capsys.readouterr().out


def test_the_settings_in_which_runs_differ_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, k in (("a", 1), ("b", 4), ("c", 4)):
        Run.create(tmp_path / name, ExperimentSpec(title=name).replace("training.k", k), device="cpu")
    a, b, c = (str(tmp_path / name) for name in "abc")
    assert main(["runs", "diff", a, b, "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["differences"]
    assert one == {"path": "training.k", "title": "Copies k", "unit": "", "values": ["1", "4"]}
    assert main(["runs", "diff", a, b]) == 0
    assert "training.k" in capsys.readouterr().out
    assert main(["runs", "diff", b, c]) == 0
    assert "All settings agree" in capsys.readouterr().out
    for wrong, words in ((["diff", a], "two or more"), ([a, b], "one folder"), (["diff", a, str(tmp_path)], "no run")):
        assert main(["runs", *wrong]) == 2
        assert words in capsys.readouterr().err


def test_a_folder_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["runs", str(tmp_path / "file")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main(["runs", str(tmp_path / "nowhere")]) == 2
    assert "There is no folder" in capsys.readouterr().err


def test_a_comparison_and_a_run_do_not_share_a_folder(tmp_path: Path) -> None:
    spec = load_preset("digits-30s")
    SweepFolder.create(tmp_path / "sweep", SweepSpec(base=spec))
    with pytest.raises(UserError, match="holds a comparison"):
        Run.create(tmp_path / "sweep", spec, device="cpu")
    with pytest.raises(UserError, match="one of the runs in it"):
        Run.open(tmp_path / "sweep")
    Run.create(tmp_path / "run", spec, device="cpu")
    with pytest.raises(UserError, match="holds a run"):
        SweepFolder.create(tmp_path / "run", SweepSpec(base=spec))
    assert not (tmp_path / "run" / SWEEP).exists()


def test_what_tensorboard_draws_is_what_was_measured(tmp_path: Path) -> None:
    first, second = Run.open(make(tmp_path / "a")).read_metrics().rows
    assert scalars(first) == {"loss/train": 2.0}
    assert scalars(second) == {"loss/held-out": 1.5, "held-out at sigma_eff/0.1": 0.25}


def test_without_its_package_tensorboard_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("msd_engine.jobs.files.tensorboard.find_spec", lambda _name: None)
    *_, end = export_tensorboard(make(tmp_path / "a"), tmp_path / "out")
    assert isinstance(end, Failed)
    assert "pip install" in end.text
    assert main(["export-tensorboard", str(tmp_path / "a")]) == 2
    assert "pip install" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="the extra tensorboard is not installed")
def test_the_files_hold_every_measurement(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    *_, end = export_tensorboard(make(tmp_path / "a"), tmp_path / "out")
    assert isinstance(end, Finished)
    found = EventAccumulator(str(tmp_path / "out"))
    found.Reload()
    for name, value in {"loss/train": 2.0, "loss/held-out": 1.5, "held-out at sigma_eff/0.1": 0.25}.items():
        (scalar,) = found.Scalars(name)
        assert (scalar.step, scalar.value) == (1, value)


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="the extra tensorboard is not installed")
def test_each_step_is_drawn_once_after_a_resume(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def steps() -> list[int]:
        found = EventAccumulator(str(tmp_path / "out"), size_guidance={"scalars": 0})
        found.Reload()
        return [scalar.step for scalar in found.Scalars("loss/train")]

    spec = load_preset("ncsn-toy").replace_all({"training.seconds": 0.0, "network.width": 16, "training.batch": 8})
    for resume, count in ((False, 4), (True, 6)):
        *_, end = train(spec.replace("training.steps", count), tmp_path / "a", resume=resume)
        assert isinstance(end, Finished)
        *_, end = export_tensorboard(tmp_path / "a", tmp_path / "out")
        assert isinstance(end, Finished)
        assert steps() == list(range(1, count + 1))
    # Measurements that an older version has kept twice.
    Run.open(tmp_path / "a").append_metrics([{"step": 6, "loss": 7.0, "elapsed_s": 1.0}])
    *_, end = export_tensorboard(tmp_path / "a", tmp_path / "out")
    assert steps() == [1, 2, 3, 4, 5, 6]
    # Another run in the same folder stays, and so does what is not ours.
    (tmp_path / "out" / "events.out.tfevents.1.other").touch()
    *_, end = export_tensorboard(make(tmp_path / "b"), tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 3
