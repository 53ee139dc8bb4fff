"""The comparison of numbers of copies: its queue, what survives a crash, and the command."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from image_files import write_idx_set

from msd_engine.cli.main import main
from msd_engine.events import (
    Checkpointed,
    ChildEnded,
    ChildHeldOut,
    ChildStarted,
    Event,
    Failed,
    Finished,
    Started,
    SweepTable,
    Tick,
)
from msd_engine.jobs.sweep.story import is_done, open_sweep
from msd_engine.jobs.sweep.sweep import sweep
from msd_engine.runs.catalogue import Catalogue
from msd_engine.runs.layout import MANIFEST, RESULT, STATE, WEIGHTS
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder, runs_in, sweep_of
from msd_engine.specs import ExperimentSpec, Live, SweepSpec, load_preset, training_hash

CPU = torch.device("cpu")


def points(steps: int = 6, **fields: object) -> ExperimentSpec:
    small: dict[str, object] = {
        "network.width": 16,
        "training.batch": 16,
        "training.steps": steps,
        "training.evaluate_every": 3,
    }
    return load_preset("ncsn-toy").replace_all(small | {n.replace("__", "."): v for n, v in fields.items()})


def plan(base: ExperimentSpec | None = None, **fields: Any) -> SweepSpec:
    return SweepSpec(base=base or points(), **({"ks": (1, 2), "seeds": (0,)} | fields))


def run(spec: SweepSpec | None, folder: Path, **options: Any) -> list[Event]:
    return list(sweep(spec, folder, device="cpu", **options))


def of(kind: type[Any], events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def results(folder: Path) -> list[tuple[str, float | None]]:
    return [(result.name, result.error) for result in SweepFolder.open(folder).results()]


# The queue


def test_a_sweep_reports_all_its_events(tmp_path: Path) -> None:
    events = run(plan(), tmp_path / "sweep")
    first, *_ = events
    assert isinstance(first, Started)
    assert (first.job, first.total, first.step) == ("sweep", 3, 0)
    assert [event.name for event in of(ChildStarted, events)] == [child.name for child in plan().children()]
    assert [event.measured.step for event in of(ChildHeldOut, events)] == [3, 6] * 3
    assert len(of(Tick, events)) >= 3 * 6
    ended = of(ChildEnded, events)
    assert all(event.floor < event.error for event in ended)
    last = of(SweepTable, events)[-1]
    assert (last.done, last.total, len(last.rows)) == (3, 3, 4)
    # The run of k = 1 stands in both modes.
    by_key = {(row.mode, row.k): row for row in last.rows}
    assert by_key["same-sigma", 1].error == by_key["same-sigma-eff", 1].error == ended[0].error
    assert isinstance(events[-1], Finished)
    for child in plan().children():
        assert Run.open(SweepFolder.open(tmp_path / "sweep").run_folder(child.name)).manifest.status == "finished"


def test_a_closed_sweep_continues_to_the_same_numbers_and_can_be_widened(tmp_path: Path) -> None:
    run(plan(ks=(1, 2), seeds=(0, 1)), tmp_path / "whole")
    job = sweep(plan(), tmp_path / "parts", device="cpu")
    begun = 0
    for event in job:
        begun += isinstance(event, ChildStarted)
        if begun == 2 and isinstance(event, Tick):
            break
    job.close()  # type: ignore[attr-defined]
    assert len(results(tmp_path / "parts")) == 1
    wider = plan(ks=(2,), seeds=(1,))
    events = run(wider, tmp_path / "parts", resume=True)
    assert SweepFolder.open(tmp_path / "parts").spec.seeds == (0, 1)
    assert results(tmp_path / "parts") == results(tmp_path / "whole")
    told = of(SweepTable, events)[-1]
    assert [row.seeds for row in told.rows] == [2] * 4
    assert not any(math.isnan(row.spread) for row in told.rows)


def test_another_experiment_cannot_continue_in_the_same_folder(tmp_path: Path) -> None:
    run(plan(points(2), ks=(1,)), tmp_path)
    (failed,) = run(plan(points(3), ks=(1,)), tmp_path, resume=True)
    assert isinstance(failed, Failed)
    assert "as it was begun" in failed.text
    (failed,) = run(plan(points(2), ks=(1,)), tmp_path)
    assert isinstance(failed, Failed)
    assert "already holds" in failed.text


def test_a_run_that_another_program_works_on_is_left_to_it(tmp_path: Path) -> None:
    spec = plan(points(2))
    folder = SweepFolder.create(tmp_path, spec.replace("base.training.precision", "float32"))
    first, *others = folder.spec.children()
    with folder.claimed(first.name) as mine:
        assert mine
        with folder.claimed(first.name) as again:
            assert not again
        events = run(None, tmp_path, resume=True)
    assert [event.name for event in of(ChildEnded, events)] == [child.name for child in others]
    assert first.name in events[-1].text
    assert len(of(ChildEnded, run(None, tmp_path, resume=True))) == 3


def test_a_run_that_diverges_does_not_hold_up_the_others(tmp_path: Path) -> None:
    data = {"kind": "mixture", "name": "custom", "weights": (1.0,), "means": ((1e19, 1e19),),
            "covariances": (((1.0, 0.0), (0.0, 1.0)),)}  # fmt: skip
    base = points(60, training__learning_rate=1.0, training__form="plain", training__clip_norm=0.0, data=data)
    events = run(plan(base, modes=("same-sigma",)), tmp_path)
    ended = of(ChildEnded, events)
    assert [event.failed for event in ended] == [True, True]
    assert all("smaller learning rate" in event.text for event in ended)
    assert isinstance(events[-1], Finished)
    assert "2 failed" in events[-1].text
    assert [row.failed for row in of(SweepTable, events)[-1].rows] == [1, 1]


def test_missing_images_leave_no_folder_behind(tmp_path: Path) -> None:
    (failed,) = run(plan(load_preset("mnist-2min")), tmp_path / "sweep", data_dir=tmp_path)
    assert isinstance(failed, Failed)
    assert "mnist" in failed.text.lower()
    assert not (tmp_path / "sweep").exists()


def test_opening_reports_the_same_as_training(tmp_path: Path) -> None:
    worked = run(plan(), tmp_path / "sweep")
    opened = list(open_sweep(tmp_path / "sweep"))
    assert SweepSpec.from_json(opened[0].spec_json).ks == (1, 2)
    for kind in (ChildHeldOut, ChildEnded):
        assert [event.name for event in of(kind, opened)] == [event.name for event in of(kind, worked)]
    assert [event.error for event in of(ChildEnded, opened)] == [event.error for event in of(ChildEnded, worked)]
    assert of(SweepTable, opened)[-1].findings == of(SweepTable, worked)[-1].findings
    (failed,) = open_sweep(tmp_path)
    assert isinstance(failed, Failed)
    assert "sweep.json" in failed.text


def test_a_paused_sweep_holds(tmp_path: Path) -> None:
    live = Live()
    job = sweep(plan(), tmp_path, device="cpu", live=live)
    for event in job:
        if isinstance(event, ChildStarted):
            live.pause()
        if isinstance(event, Tick) and live.paused:
            break
    assert all(isinstance(next(job), Tick) for _ in range(3))
    live.resume()
    assert isinstance(list(job)[-1], Finished)


_KILLED = """
import sys
import msd_engine.jobs.training.train as module
from msd_engine.events import Checkpointed
from msd_engine.jobs.sweep.sweep import sweep
from msd_engine.specs import SweepSpec
module.CHECKPOINT_EVERY_S = 0.02
module._SIDE_SHARE = 0.5
spec = SweepSpec.from_json(sys.argv[1])
for event in sweep(spec, sys.argv[2], device="cpu"):
    if isinstance(event, Checkpointed):
        print(event.path, event.step, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
def test_a_killed_sweep_continues_from_its_last_checkpoint_to_the_same_numbers(tmp_path: Path) -> None:
    spec = plan(points(30, training__precision="float32", training__evaluate_every=10), modes=("same-sigma",))
    command = [sys.executable, "-c", _KILLED, spec.to_json(), str(tmp_path / "killed")]
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    told = []
    second = training_hash(spec.children()[1].spec)
    # Killed in the middle of the second run, just after a checkpoint of it.
    for line in process.stdout:
        told.append(line.rsplit(" ", 1))
        if second in line and int(told[-1][1]) < 30:
            break
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    process.stdout.close()
    name, step = spec.children()[1].name, int(told[-1][1])
    assert 0 < step < 30
    assert [result[0] for result in results(tmp_path / "killed")] == ["k1-seed0"]
    kept = Run.open(told[-1][0]).load_state().step
    assert kept >= step
    events = run(None, tmp_path / "killed", resume=True)
    started = {event.name: event.step for event in of(ChildStarted, events)}
    assert started[name] == kept
    run(spec, tmp_path / "whole")
    assert results(tmp_path / "killed") == results(tmp_path / "whole")


@pytest.mark.parametrize("kept", [(STATE,), (STATE, WEIGHTS)])
def test_a_sweep_continues_where_a_run_died_between_the_files_of_its_last_save(
    tmp_path: Path, kept: tuple[str, ...]
) -> None:
    run(plan(), tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "killed")
    child = SweepFolder.open(tmp_path / "killed").run_folder("k1-seed0")
    manifest = Run.open(child).manifest
    (child / RESULT).unlink()
    for name in {STATE, WEIGHTS} - set(kept):
        (child / name).unlink()
    begun = manifest.replace_all({"step": 0, "elapsed_s": 0.0, "status": "running"})
    (child / MANIFEST).write_text(begun.to_json())
    events = run(None, tmp_path / "killed", resume=True)
    assert isinstance(events[-1], Finished)
    assert results(tmp_path / "killed") == results(tmp_path / "whole")
    assert (Run.open(child).manifest.step, Run.open(child).manifest.status) == (manifest.step, "finished")


# The command and real files


def test_the_command_on_the_files_of_mnist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MSD_DEVICE", raising=False)
    write_idx_set(tmp_path / "data" / "mnist", train=20, test=12)
    small = "--network.width 8 --network.embedding 16 --batch 4 --steps 2 --precision float32 --device cpu"
    words = ["sweep", "--preset", "report-mnist", *small.split(), "--data-dir", str(tmp_path / "data")]
    out = str(tmp_path / "out")
    assert main([*words, "--ks", "1,2", "--seeds", "0", "--out", out]) == 0
    shown = capsys.readouterr().out
    assert "same σ_eff" in shown
    assert "29.379" in shown
    assert main(["sweep", "--resume", out, "--seeds", "1", "--data-dir", str(tmp_path / "data"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["done"], found["total"]) == (6, 6)
    assert [row["seeds"] for row in found["rows"]] == [2, 2, 2, 2]
    assert (tmp_path / "out" / "comparison.csv").read_text().count("\n") == 5
    # The plan of a comparison is a preset for another.
    assert main([*words, "--out", str(tmp_path / "no"), "--training.k", "2"]) == 2
    again = ["sweep", "--preset", f"{out}/sweep.json", "--ks", "2", "--seeds", "0", "--modes", "same-sigma"]
    assert main([*again, "--out", str(tmp_path / "again"), "--data-dir", str(tmp_path / "data")]) == 0
    assert len(results(tmp_path / "again")) == 1
    assert results(tmp_path / "again")[0] in results(tmp_path / "out")


def test_a_comparison_that_is_done_needs_no_torch(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(plan(ks=(1,)), out)
    assert main(["sweep", "--resume", str(out)]) == 0
    files = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    again = "import sys; from msd_engine.cli.main import main; code = main(sys.argv[1:]); print('torch' in sys.modules)"
    words = [sys.executable, "-c", f"{again}; sys.exit(code)", "sweep", "--resume", "auto", "--out", str(out)]
    words += ["--preset", str(out / "sweep.json")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[-1]) == (0, "False"), done.stderr
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == files
    # With one run more, or without one result, there is work.
    spec = SweepFolder.open(out).spec
    assert is_done(out, spec)
    assert not is_done(out, spec.replace("seeds", (0, 1)))
    assert not is_done(out, spec.replace("base.training.batch", 8))
    next(out.rglob(RESULT)).unlink()
    assert not is_done(out, spec)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("--preset digits-30s", "--out"),
        ("--out x", "--preset"),
        ("--preset digits-30s --out x --ks 1,b", "whole numbers"),
        ("--preset digits-30s --out x --ks 65", "ks"),
        ("--preset digits-30s --out x --modes fair", "no mode"),
        ("--resume nowhere", "sweep.json"),
        ("--preset digits-30s --out x --training.seed 1", "--seeds"),
    ],
)
def test_bad_input_is_one_sentence(
    words: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", *words.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert part in line
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_is_passed_on(tmp_path: Path) -> None:
    told = {event.path for event in of(Checkpointed, run(plan(points(2)), tmp_path))}
    folder = SweepFolder.open(tmp_path)
    assert told == {str(folder.run_folder(child.name)) for child in folder.spec.children()}


# The folder


def test_the_folders_follow_from_the_plan_alone(tmp_path: Path) -> None:
    spec = plan(points(2, training__precision="float32"), ks=(1, 2), modes=("same-sigma",))
    run(spec, tmp_path / "one")
    run(spec.replace("title", "another"), tmp_path / "other")
    there = [sorted(path.name for path in (tmp_path / name / "runs").iterdir()) for name in ("one", "other")]
    assert there[0] == there[1] == sorted(training_hash(child.spec) for child in spec.children())
    assert results(tmp_path / "one") == results(tmp_path / "other")


def test_the_folder_of_an_earlier_version_goes_on_where_it_lies(tmp_path: Path) -> None:
    spec = plan(points(2, training__precision="float32"), ks=(1, 2), modes=("same-sigma",))
    run(spec, tmp_path / "new")
    run(spec.replace("ks", (1,)), tmp_path / "old")
    old = SweepFolder.open(tmp_path / "old")
    old.run_folder("k1-seed0").rename(tmp_path / "old" / "k1-seed0")
    assert results(tmp_path / "old") == results(tmp_path / "new")[:1]
    assert runs_in(tmp_path / "old") == [tmp_path / "old" / "k1-seed0"]
    events = run(spec, tmp_path / "old", resume=True)
    assert [event.name for event in of(ChildStarted, events) if event.step == 0] == ["k2-same-sigma-seed0"]
    assert results(tmp_path / "old") == results(tmp_path / "new")
    assert {sweep_of(path) for path in runs_in(tmp_path / "old")} == {tmp_path / "old"}
    assert {
        row.row.name for row in Catalogue(tmp_path).scan() if row and row.row and row.row.sweep.endswith("old")
    } == {child.words for child in spec.children()}


def test_a_second_command_does_no_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.json").write_text(plan(points(2), ks=(1, 2), modes=("same-sigma",)).to_json())
    words = ["sweep", "--spec", str(tmp_path / "plan.json"), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main(words) == 0
    made = [path for path in (tmp_path / "out" / "runs").rglob("*") if path.name != "claim"]
    before = {path: path.stat().st_mtime_ns for path in made if path.is_file()}
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["done"] == 2
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert main([*words, "--batch", "8"]) == 2
    assert "as it was begun" in capsys.readouterr().err
