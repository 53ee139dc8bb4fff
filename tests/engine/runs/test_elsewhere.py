"""Copies of runs that lie elsewhere: brought up to date, cut off, and sent by somebody hostile."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from lab import PLACE, SPEC, listed, rows, send
from mutators import flipped, json_changed

from msd_engine.backend.errors import UserError
from msd_engine.runs import catalogue
from msd_engine.runs.catalogue import Catalogue
from msd_engine.runs.layout import MANIFEST, METRICS, SWEEP, WEIGHTS
from msd_engine.runs.log import read_log
from msd_engine.runs.remote import copies
from msd_engine.runs.remote.copies import COPY
from msd_engine.runs.remote.mirror import Mirror
from msd_engine.runs.remote.places import AwayError, address, is_address
from msd_engine.runs.rows import read_row
from msd_engine.runs.run import Run
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs.sweep import SweepSpec


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


def test_curves_grow_while_weights_are_copied(
    tmp_path: Path, lab: MemoryFileSystem, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.pipe_file(f"/lab/runs/one/{WEIGHTS}", b"w" * 1000)
    mirror = Mirror(PLACE, tmp_path / "here")
    assert (mirror.refresh().changed, mirror.runs) == (0, 0)
    asked, answered = threading.Event(), threading.Event()
    cat = MemoryFileSystem.cat_file

    def slow(self: MemoryFileSystem, path: str, **more: Any) -> object:
        if path.endswith(WEIGHTS):
            asked.set()
            answered.wait()
        return cat(self, path, **more)

    monkeypatch.setattr(MemoryFileSystem, "cat_file", slow)
    pulling = threading.Thread(target=mirror.pull)
    pulling.start()
    asked.wait()
    run.append_metrics(rows(51, 60))
    send(lab, run)
    found = mirror.refresh()
    assert (found.changed, found.runs) == (1, 1)
    assert pulling.is_alive()
    answered.set()
    pulling.join()
    copy = mirror.folder / "one"
    assert (copy / METRICS).read_bytes() == (run.folder / METRICS).read_bytes()
    assert (copy / WEIGHTS).read_bytes() == b"w" * 1000
    run.set_status("finished")
    send(lab, run)
    mirror.pull()
    # Nothing more is expected of a finished run.
    assert (mirror.refresh().changed, mirror.runs) == (0, 1)
    mirror.close()


def test_an_older_listing_does_not_shorten_a_curve(
    tmp_path: Path, lab: MemoryFileSystem, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Mirror(PLACE, tmp_path / "here")
    mirror.pull()
    ls = MemoryFileSystem.ls

    def overtaken(self: MemoryFileSystem, path: str, **more: object) -> object:
        listed = ls(self, path, **more)
        if path.endswith("/one"):
            run.append_metrics(rows(51, 60))
            send(lab, run)
            assert mirror.refresh().changed
        return listed

    monkeypatch.setattr(MemoryFileSystem, "ls", overtaken)
    mirror.pull()
    assert (mirror.folder / "one" / METRICS).read_bytes() == (run.folder / METRICS).read_bytes()


def test_a_curve_that_becomes_shorter_while_it_is_read_is_not_lost(
    tmp_path: Path, lab: MemoryFileSystem, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Mirror(PLACE, tmp_path / "here")
    mirror.pull()
    copy = mirror.folder / "one" / METRICS
    before = copy.read_bytes()
    run.append_metrics(rows(51, 60))
    send(lab, run)
    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "cat_file", lambda *_, **__: b"")
        mirror.refresh()
    assert copy.read_bytes() == before
    mirror.refresh()
    assert copy.read_bytes() == (run.folder / METRICS).read_bytes()


def test_a_run_that_was_deleted_elsewhere_is_no_longer_asked_for(
    tmp_path: Path, lab: MemoryFileSystem, run: Run
) -> None:
    send(lab, run, "/lab/runs/two")
    mirror = Mirror(PLACE, tmp_path / "here")
    assert mirror.pull().runs == 2
    lab.rm("/lab/runs/two", recursive=True)
    assert mirror.refresh().runs == 2
    assert mirror.pull().runs == 1


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


def test_a_path_that_lost_a_slash_is_an_address_again() -> None:
    for whole in ("sftp://host/a/b", "file:///a/b", "s3://bucket/x", "memory:///lab"):
        assert is_address(str(Path(whole)))
        assert address(str(Path(whole))) == whole
    assert not is_address("runs/one")
    assert not is_address("/runs/one")
