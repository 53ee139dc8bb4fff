"""Copies of runs that lie elsewhere: brought up to date, cut off, and sent by somebody hostile."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from mutators import flipped, json_changed

from msd_engine.backend.errors import UserError
from msd_engine.events import (
    ChildEnded,
    ChildHeldOut,
    ChildStarted,
    Failed,
    Finished,
    RunRow,
    SweepTable,
    Tick,
    Watched,
)
from msd_engine.jobs.files import elsewhere
from msd_engine.jobs.files.elsewhere import ask_elsewhere, watch_elsewhere
from msd_engine.jobs.sweep.story import open_sweep
from msd_engine.runs import catalogue
from msd_engine.runs.catalogue import Catalogue
from msd_engine.runs.layout import MANIFEST, METRICS, SWEEP
from msd_engine.runs.log import read_log
from msd_engine.runs.remote import copies
from msd_engine.runs.remote.copies import COPY
from msd_engine.runs.remote.mirror import Mirror, ask
from msd_engine.runs.remote.places import AwayError, address, is_address
from msd_engine.runs.rows import read_row
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs import load_preset
from msd_engine.specs.sweep import Child, SweepResult, SweepSpec

SPEC = load_preset("ncsn-toy").replace("network.width", 16)
PLACE = "memory://lab/runs"


@pytest.fixture
def lab() -> Iterator[MemoryFileSystem]:
    """A place elsewhere, empty."""
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    system = fsspec.filesystem("memory")
    system.mkdirs("/lab/runs")
    yield system
    MemoryFileSystem.store.clear()


@pytest.fixture
def run(tmp_path: Path, lab: MemoryFileSystem) -> Run:
    """A run in training, whose files `send` puts elsewhere."""
    made = Run.create(tmp_path / "there" / "one", SPEC, device="cpu")
    made.append_metrics(rows(1, 50))
    send(lab, made)
    return made


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"step": step, "loss": step / 7, "elapsed_s": 0.1 * step} for step in range(first, last + 1)]


def send(lab: MemoryFileSystem, run: Run, to: str = "/lab/runs/one") -> None:
    for path in run.folder.iterdir():
        lab.pipe_file(f"{to}/{path.name}", path.read_bytes())


def listed(folder: Path) -> list[RunRow]:
    return [found.row for found in Catalogue(folder).scan() if found is not None and found.row is not None]


def test_a_run_elsewhere_is_listed_and_goes_on(tmp_path: Path, lab: MemoryFileSystem, run: Run) -> None:
    here = tmp_path / "here"
    mirror = Mirror(PLACE, here)
    assert mirror.pull().runs == 1
    (row,) = listed(here)
    assert (row.status, row.step, row.elsewhere) == ("running", 50, f"{PLACE}/one")
    assert mirror.pull().changed == 0
    run.append_metrics(rows(51, 60))
    send(lab, run)
    found = mirror.pull()
    assert found.changed
    copy = Path(row.path) / METRICS
    assert [one["step"] for one in read_log(copy).rows] == list(range(1, 61))
    assert copy.read_bytes() == (run.folder / METRICS).read_bytes()


def test_of_measurements_only_the_new_ones_are_read(tmp_path: Path, lab: MemoryFileSystem, run: Run) -> None:
    run.append_metrics(rows(51, 5000))
    send(lab, run)
    mirror = Mirror(PLACE, tmp_path / "here")
    mirror.pull()
    before = (run.folder / METRICS).stat().st_size
    run.append_metrics(rows(5001, 5100))
    lab.pipe_file(f"/lab/runs/one/{METRICS}", (run.folder / METRICS).read_bytes())
    assert mirror.pull().bytes <= (run.folder / METRICS).stat().st_size - before + 4096
    # A program that begins anew reads no more than the end of what it has already.
    assert Mirror(PLACE, tmp_path / "here").pull().bytes <= 4096 + (run.folder / MANIFEST).stat().st_size


def test_a_run_that_goes_back_to_its_checkpoint_has_no_point_twice(
    tmp_path: Path, lab: MemoryFileSystem, run: Run
) -> None:
    mirror = Mirror(PLACE, tmp_path / "here")
    mirror.pull()
    with run.locked():
        run.rewind(30)
    run.append_metrics([row | {"loss": 9.0} for row in rows(31, 70)])
    send(lab, run)
    mirror.pull()
    found = read_log(mirror.folder / "one" / METRICS).rows
    assert [one["step"] for one in found] == list(range(1, 71))
    assert {one["loss"] for one in found[30:]} == {9.0}


def test_half_a_line_is_completed_later(tmp_path: Path, lab: MemoryFileSystem, run: Run) -> None:
    whole = (run.folder / METRICS).read_bytes()
    mirror = Mirror(PLACE, tmp_path / "here")
    lab.pipe_file(f"/lab/runs/one/{METRICS}", whole[:-20])
    mirror.pull()
    assert [one["step"] for one in read_log(mirror.folder / "one" / METRICS).rows] == list(range(1, 50))
    lab.pipe_file(f"/lab/runs/one/{METRICS}", whole)
    mirror.pull()
    assert [one["step"] for one in read_log(mirror.folder / "one" / METRICS).rows] == list(range(1, 51))


def test_an_address_may_be_a_path_a_run_or_a_comparison(tmp_path: Path, lab: MemoryFileSystem, run: Run) -> None:
    for place in (str(tmp_path / "there"), f"file://{tmp_path}/there", f"{PLACE}/one/"):
        here = tmp_path / f"here{len(place)}"
        assert Mirror(place, here).pull().runs == 1
        assert [row.step for row in listed(here)] == [50]
    sweep = SweepFolder.create(tmp_path / "plan", SweepSpec(base=SPEC, ks=(1, 2), seeds=(0,)))
    child = next(iter(sweep.spec.children()))
    Run.create(sweep.run_folder(child.name), child.spec, device="cpu")
    mirror = Mirror(str(sweep.folder), tmp_path / "compared")
    assert mirror.pull().runs == 1
    (row,) = listed(tmp_path / "compared")
    assert (row.sweep, row.sweep_runs) == (str(mirror.folder), 3)
    assert SweepFolder.open(mirror.folder).spec == sweep.spec


def test_a_copy_is_never_trained(tmp_path: Path, run: Run) -> None:
    mirror = Mirror(PLACE, tmp_path / "here")
    mirror.pull()
    with pytest.raises(UserError, match="copy of a run elsewhere"), Run.open(mirror.folder / "one").locked():
        pass


def test_a_run_that_was_left_long_ago_does_not_look_alive(tmp_path: Path, run: Run) -> None:
    for name in (MANIFEST, METRICS):
        os.utime(run.folder / name, (time.time() - 3600, time.time() - 3600))
    Mirror(str(tmp_path / "there"), tmp_path / "here").pull()
    assert [row.status for row in listed(tmp_path / "here")] == ["interrupted"]


def test_a_copy_in_training_is_read_again_only_when_it_changes(
    tmp_path: Path, lab: MemoryFileSystem, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Mirror(PLACE, tmp_path / "here")
    mirror.pull()
    for path in (*(mirror.folder / "one").iterdir(), mirror.folder / "one"):
        os.utime(path, (time.time() - 30, time.time() - 30))
    read = []
    monkeypatch.setattr(catalogue, "read_row", lambda *given: read.append(given) or read_row(*given))
    found = Catalogue(tmp_path / "here")
    for _ in range(3):
        list(found.scan())
    assert len(read) == 1
    assert [row.status for row in found.rows.values()] == ["running"]
    # A training that is not heard of for long is no longer alive.
    monkeypatch.setattr(copies, "_SILENT_S", 20.0)
    list(found.scan())
    assert [row.status for row in found.rows.values()] == ["interrupted"]


def test_a_finished_run_is_looked_at_rarely(
    tmp_path: Path, lab: MemoryFileSystem, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.set_status("finished")
    send(lab, run)
    mirror, asked = Mirror(PLACE, tmp_path / "here"), []
    ls = MemoryFileSystem.ls
    monkeypatch.setattr(MemoryFileSystem, "ls", lambda self, path, **more: asked.append(path) or ls(self, path, **more))
    assert [mirror.pull().runs for _ in range(11)] == [1] * 11
    assert sum(path.endswith("/one") for path in asked) == 2


def test_a_cut_is_said_and_survived(
    tmp_path: Path, lab: MemoryFileSystem, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_SOONEST_S", "_LATEST_S", "_AWAY_S"):
        monkeypatch.setattr(elsewhere, name, 0.01)
    monkeypatch.setattr(elsewhere, "_TELL_HZ", 1000.0)
    ls, down = MemoryFileSystem.ls, [False]

    def slow(self: MemoryFileSystem, path: str, **more: object) -> object:
        time.sleep(0.02)
        if down[0]:
            raise ConnectionResetError("Connection reset by peer")
        return ls(self, path, **more)

    monkeypatch.setattr(MemoryFileSystem, "ls", slow)
    job = watch_elsewhere(PLACE, tmp_path / "here")
    told = (event for event in job if isinstance(event, Watched))
    assert next(event for event in told if event.age_s == event.age_s).runs == 1
    down[0] = True
    cut = next(event for event in told if event.problem)
    assert "Connection reset by peer" in cut.problem
    assert next(told).age_s > cut.age_s - 1e-9
    run.append_metrics(rows(51, 55))
    send(lab, run)
    down[0] = False
    back = next(event for event in told if not event.problem and event.age_s < cut.age_s)
    assert [one["step"] for one in read_log(Path(back.folder) / "one" / METRICS).rows] == list(range(1, 56))
    job.close()  # type: ignore[attr-defined]


def test_a_place_that_does_not_exist_or_cannot_be_read_is_said(tmp_path: Path, lab: MemoryFileSystem) -> None:
    with pytest.raises(AwayError, match="There is no folder memory://nowhere"):
        Mirror("memory://nowhere", tmp_path).pull()
    with pytest.raises(AwayError, match="cannot be read"):
        Mirror("nonsense://host/x", tmp_path).pull()
    with pytest.raises(AwayError, match="one place within another"):
        Mirror("simplecache::memory://lab", tmp_path).pull()


def test_a_library_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "paramiko", None)
    with pytest.raises(AwayError, match=r"pip install 'msd-gui\[sftp\]'"):
        Mirror("sftp://host/runs", tmp_path).pull()


def test_names_and_sizes_that_nobody_sends_honestly_are_left_out(
    tmp_path: Path, lab: MemoryFileSystem, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ls = MemoryFileSystem.ls

    def hostile(self: MemoryFileSystem, path: str, **more: object) -> list[dict[str, Any]]:
        strange = [
            {"name": f"{path}/../../escaped", "type": "directory", "size": 0},
            {"name": "..", "type": "directory", "size": 0},
            {"name": f"{path}/a\\b", "type": "directory", "size": 0},
            {"name": f"{path}/{SWEEP}", "type": "file", "size": 10**15},
            {"name": f"{path}/weights.safetensors", "type": "file", "size": None},
            {"name": f"{path}/notes.json", "type": "link", "size": 5},
            {"type": "file"},
        ]
        return [*ls(self, path, **more), *strange] if path.endswith(("runs/one", "/runs")) else []

    monkeypatch.setattr(MemoryFileSystem, "ls", hostile)
    monkeypatch.setattr(MemoryFileSystem, "exists", lambda self, path: True)
    mirror = Mirror(PLACE, tmp_path / "here")
    assert mirror.pull().runs == 1
    files = {path.relative_to(tmp_path / "here").parts[-1] for path in (tmp_path / "here").rglob("*") if path.is_file()}
    assert files == {MANIFEST, METRICS, COPY}
    assert not list(tmp_path.rglob("escaped*"))


@pytest.mark.parametrize("name", [MANIFEST, METRICS])
def test_damaged_files_of_somebody_else_are_listed_as_damaged(
    tmp_path: Path, lab: MemoryFileSystem, run: Run, name: str
) -> None:
    drawn = random.Random(0)
    whole = (run.folder / name).read_bytes()
    mirror = Mirror(PLACE, tmp_path / "here")
    for number in range(60):
        change = (flipped, json_changed)[number % 2] if name == MANIFEST else flipped
        lab.pipe_file(f"/lab/runs/one/{name}", change(drawn, whole))
        mirror.pull()
        (row,) = listed(tmp_path / "here")
        assert row.problem or row.status in ("running", "interrupted", "stopped", "finished", "failed")


def test_a_request_becomes_a_file_there(tmp_path: Path, lab: MemoryFileSystem, run: Run) -> None:
    mirror = Mirror(PLACE, tmp_path / "here")
    mirror.pull()
    assert isinstance(list(ask_elsewhere(mirror.folder / "one", "stop"))[-1], Finished)
    assert lab.exists("/lab/runs/one/stop.request")
    with pytest.raises(UserError, match="no copy"):
        ask(run.folder, "stop")
    assert isinstance(list(ask_elsewhere(run.folder, "checkpoint"))[-1], Failed)


def test_a_path_that_lost_a_slash_is_an_address_again() -> None:
    for whole in ("sftp://host/a/b", "file:///a/b", "s3://bucket/x", "memory:///lab"):
        assert is_address(str(Path(whole)))
        assert address(str(Path(whole))) == whole
    assert not is_address("runs/one")
    assert not is_address("/runs/one")


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
