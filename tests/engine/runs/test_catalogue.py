"""The list of runs: what it says, what it reads again, what it does with damage, and what follows a live run."""

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.events import Failed, Finished, HeldOutCurve, RunsChanged
from msd_engine.jobs.files.catalogue import annotate, discard, held_out_curves, watch
from msd_engine.runs import catalogue as module
from msd_engine.runs.catalogue import Catalogue, runs_folder
from msd_engine.runs.layout import FIGURES, MANIFEST, METRICS, NOTES, THUMBNAIL, is_held
from msd_engine.runs.log import append_rows, last_rows
from msd_engine.runs.notes import Notes, add_figures, read_figures, read_notes, write_notes
from msd_engine.runs.rows import read_row
from msd_engine.runs.run import Run
from msd_engine.runs.thumbnails import SIDE_PX, image_thumbnail, keep_thumbnail, point_thumbnail, read_thumbnail
from msd_engine.specs import ExperimentSpec, SpecError
from msd_engine.specs.live import NEVER

SPEC = ExperimentSpec(title="two").replace("training.k", 3)


class Always:
    def due(self) -> bool:
        return True


def make(folder: Path, *, step: int = 7, status: str = "finished") -> Run:
    run = Run.create(folder, SPEC, device="cpu")
    run.append_metrics([{"step": n, "loss": 1.0 / n, "elapsed_s": n / 10} for n in range(1, step + 1)])
    run.append_metrics([{"step": step, "held_out": 0.25, "elapsed_s": step / 10, "mmse": math.nan}])
    run.save({"averaged.w": torch.zeros(3, 4), "averaged.b": torch.zeros(5)}, step, elapsed_s=0.7, status=status)
    return run


def rows(catalogue: Catalogue) -> dict:
    for _ in catalogue.scan():
        pass
    return catalogue.rows


def changed(catalogue: Catalogue) -> set[str]:
    return {Path(found.row.path).name for found in catalogue.scan() if found is not None and found.row is not None}


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no file count as too fresh to be trusted, so that a test need not wait."""
    monkeypatch.setattr(module, "_FRESH_NS", -(10**18))


def test_a_row_says_what_the_run_says(tmp_path: Path) -> None:
    run = make(tmp_path / "sweep" / "k3")
    add_figures(run.folder, {"yield": 0.98, "distance": 4.5, "distance_features": "ours", "precision": 0.5})
    write_notes(run.folder, Notes(name="best", note="keep", tags=("good", "k3")))
    (row,) = rows(Catalogue(tmp_path)).values()
    assert (row.path, row.folder, row.name, row.status) == (str(run.folder), "sweep", "best", "finished")
    assert (row.data, row.k, row.parameters, row.step) == (SPEC.data.name, 3, 3 * 4 + 5, 7)
    assert (row.elapsed_s, row.held_out, row.alive, row.distance, row.features) == (0.7, 0.25, 0.98, 4.5, "ours")
    assert row.figures == (("precision", "0.5"),)
    assert (row.note, row.tags, row.problem) == ("keep", ("good", "k3"), "")
    assert ExperimentSpec.from_json(row.spec_json) == SPEC
    assert abs(row.created - time.time()) < 60


def test_only_what_has_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    runs = {name: make(tmp_path / name) for name in ("a", "b", "c")}
    catalogue = Catalogue(tmp_path)
    assert changed(catalogue) == {"a", "b", "c"}
    read = []
    original = module.read_row
    monkeypatch.setattr(module, "read_row", lambda folder, root: read.append(folder.name) or original(folder, root))
    assert changed(catalogue) == set()
    assert read == []
    write_notes(runs["b"].folder, Notes(name="new"))
    runs["c"].append_metrics([{"step": 9, "held_out": 0.125, "elapsed_s": 2.0}])
    assert changed(catalogue) == {"b", "c"}
    assert sorted(read) == ["b", "c"]
    assert catalogue.rows[str(tmp_path / "c")].held_out == 0.125


def test_a_change_within_the_tick_of_the_file_system_is_not_missed(tmp_path: Path) -> None:
    run = make(tmp_path / "a")
    catalogue = Catalogue(tmp_path)
    rows(catalogue)
    stamp = (tmp_path / "a").stat()
    write_notes(run.folder, Notes(name="new"))
    os.utime(tmp_path / "a", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert changed(catalogue) == {"a"}


def test_runs_that_are_gone_are_reported(tmp_path: Path) -> None:
    run = make(tmp_path / "a")
    make(tmp_path / "b")
    catalogue = Catalogue(tmp_path)
    rows(catalogue)
    run.folder.rename(tmp_path.parent / f"{tmp_path.name}-elsewhere")
    *_, end = catalogue.scan()
    assert end is not None
    assert end.gone == (str(run.folder),)
    assert list(catalogue.rows) == [str(tmp_path / "b")]


def test_a_damaged_run_is_listed_with_the_reason(tmp_path: Path) -> None:
    for name in ("cut", "figures", "metrics", "notes", "whole"):
        make(tmp_path / name)
    (tmp_path / "cut" / MANIFEST).write_text('{"format": "msd-run-1"')
    (tmp_path / "figures" / FIGURES).write_text("[1")
    (tmp_path / "metrics" / METRICS).write_text('{"step": "x", "held_out": 1, "elapsed_s": 0}\n')
    (tmp_path / "notes" / NOTES).write_text('{"shape": 3}')
    found = {Path(path).name: row for path, row in rows(Catalogue(tmp_path)).items()}
    assert found["cut"].status == "damaged"
    assert MANIFEST in found["cut"].problem
    for name, file in (("figures", FIGURES), ("metrics", METRICS), ("notes", NOTES)):
        assert found[name].status == "finished"
        assert file in found[name].problem
    assert found["whole"].problem == ""


def test_a_run_below_a_run_is_not_listed_and_hidden_folders_are_left_alone(tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "a" / "inner")
    make(tmp_path / ".trash" / "b")
    assert list(rows(Catalogue(tmp_path))) == [str(tmp_path / "a")]


def test_a_folder_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert rows(Catalogue(tmp_path / "none")) == {}


def test_a_run_that_another_process_trains_is_live_until_that_process_dies(tmp_path: Path) -> None:
    run = make(tmp_path / "a", status="running")
    assert read_row(run.folder, tmp_path).status == "interrupted"
    code = (
        "import sys\n"
        "from msd_engine.runs.run import Run\n"
        "run = Run.open(sys.argv[1])\n"
        "with run.locked():\n"
        "    run.append_metrics([{'step': 90, 'held_out': 0.5, 'elapsed_s': 9.0}])\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    catalogue = Catalogue(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(run.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        row = rows(catalogue)[str(run.folder)]
        assert row.status == "running"
        assert (row.step, row.elapsed_s, row.held_out) == (90, 9.0, 0.5)
        holder.kill()
        holder.wait()
    assert rows(catalogue)[str(run.folder)].status == "interrupted"


def test_asking_whether_a_run_is_held_does_not_disturb_who_wants_it(tmp_path: Path) -> None:
    run = make(tmp_path / "a")
    assert not is_held(run.folder)
    with run.locked():
        assert is_held(run.folder)
    assert not is_held(run.folder)


def test_the_last_rows_are_those_that_reading_everything_finds(tmp_path: Path) -> None:
    path = tmp_path / METRICS
    bands = {name: [float(n) for n in range(50)] for name in ("band_sigma_eff", "band_loss", "band_mmse")}
    written = [{"step": n, "loss": n / 7, "elapsed_s": n / 3} for n in range(1, 4000)]
    written.insert(100, {"step": 100, "held_out": 0.5, "elapsed_s": 1.0, "mmse": 0.0, "standard_error": 0.0, **bands})
    append_rows(path, written)
    with path.open("a") as file:
        file.write('{"step": 5000, "loss": 0.')
    assert path.stat().st_size > 2 * 32 * 1024
    found, damaged = last_rows(path, "loss", "held_out", "nothing")
    assert damaged == 0
    assert found["loss"] == written[-1]
    assert found["held_out"] == written[100]
    assert set(found) == {"loss", "held_out"}
    assert last_rows(tmp_path / "none", "loss") == ({}, 0)


def test_figures_are_kept_beside_each_other(tmp_path: Path) -> None:
    add_figures(tmp_path, {"yield": 0.5, "distance": 3})
    add_figures(tmp_path, {"distance": 2.0, "features": "ours"})
    assert read_figures(tmp_path) == {"yield": 0.5, "distance": 2.0, "features": "ours"}
    add_figures(tmp_path, {"distance": math.nan})
    assert read_figures(tmp_path) == {"yield": 0.5, "features": "ours"}
    assert json.loads((tmp_path / FIGURES).read_text()) == {"yield": 0.5, "features": "ours"}


@pytest.mark.parametrize("tag", ["two words", "", "x" * 41])
def test_a_tag_is_a_word(tag: str) -> None:
    with pytest.raises(SpecError, match="tag"):
        Notes.from_fields({"tags": (tag,)})


def test_notes_are_changed_one_by_one(tmp_path: Path) -> None:
    make(tmp_path / "a")
    for change in ({"name": "n"}, {"note": "words"}, {"tags": ("t",)}, {"name": ""}):
        *_, end = annotate(tmp_path / "a", **change)
        assert isinstance(end, Finished)
    assert read_notes(tmp_path / "a") == Notes(note="words", tags=("t",))
    *_, end = annotate(tmp_path / "a", tags=("two words",))
    assert isinstance(end, Failed)


def test_a_thumbnail_is_small_and_shows_the_images_themselves(tmp_path: Path) -> None:
    images = np.linspace(-1, 1, 20 * 8 * 8, dtype=np.float32).reshape(20, 1, 8, 8)
    picture = image_thumbnail(images)
    assert max(picture.shape) <= SIDE_PX
    scale = (SIDE_PX - 4) // (4 * 8)
    cell = picture[: 8 * scale : scale, : 8 * scale : scale, 0]
    np.testing.assert_array_equal(cell, np.round((images[0, 0] + 1) * 127.5).astype(np.uint8))
    for shape in ((1, 1, 28, 28), (5, 3, 32, 32), (16, 3, 32, 32), (2, 1, 8, 8)):
        assert max(image_thumbnail(np.zeros(shape, np.float32)).shape) <= SIDE_PX
    keep_thumbnail(tmp_path, images)
    assert read_thumbnail(tmp_path).startswith(b"\x89PNG")
    (tmp_path / THUMBNAIL).write_bytes(b"GIF89a")
    with pytest.raises(BadFile):
        read_thumbnail(tmp_path)


def test_points_are_seen_where_they_are() -> None:
    corners = np.array([[-1, -1], [-1, 1], [1, 1], [math.nan, 0]], np.float64)
    opaque = point_thumbnail(corners)[..., 3] == 255
    assert opaque.sum() == 3
    half = SIDE_PX // 2
    assert [opaque[half:, :half].sum(), opaque[:half, :half].sum(), opaque[:half, half:].sum()] == [1, 1, 1]
    assert not point_thumbnail(np.full((3, 2), math.nan))[..., 3].any()


def test_watching_reports_all_runs_and_then_what_changes(tmp_path: Path) -> None:
    runs = [make(tmp_path / f"r{n}") for n in range(3)]
    job = watch(Catalogue(tmp_path), Always())
    received: dict[str, str] = {}
    for event in job:
        if isinstance(event, RunsChanged):
            received.update({row.path: row.name for row in event.rows})
            if event.complete:
                break
    assert set(received) == {str(run.folder) for run in runs}
    write_notes(runs[1].folder, Notes(name="new"))
    event = next(event for event in job if isinstance(event, RunsChanged))
    assert [(row.path, row.name) for row in event.rows] == [(str(runs[1].folder), "new")]
    job.close()


def test_nobody_looks_and_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msd_engine.jobs.files.catalogue._CHECK_EVERY_S", 0.0)
    monkeypatch.setattr("msd_engine.jobs.files.catalogue._SHARE", 1e9)
    monkeypatch.setattr("msd_engine.jobs.files.catalogue._NAP_S", 0.0)
    job = watch(Catalogue(tmp_path), NEVER)
    first = next(event for event in job if isinstance(event, RunsChanged))
    assert first.complete
    make(tmp_path / "a")
    assert not any(isinstance(next(job), RunsChanged) for _ in range(50))
    job.close()


def test_curves_are_those_of_the_metrics(tmp_path: Path) -> None:
    run = make(tmp_path / "a")
    run.append_metrics([{"step": 12, "held_out": 0.125, "elapsed_s": 1.5}])
    (curve,) = (event for event in held_out_curves([run.folder]) if isinstance(event, HeldOutCurve))
    assert (curve.steps.tolist(), curve.loss.tolist(), curve.elapsed_s.tolist()) == ([7, 12], [0.25, 0.125], [0.7, 1.5])


def test_runs_go_to_the_trash_but_not_while_they_are_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thrown: list[str] = []
    monkeypatch.setattr("send2trash.send2trash", thrown.append)
    free, held = make(tmp_path / "a"), make(tmp_path / "b")
    with held.locked():
        *_, end = discard([free.folder, held.folder])
    assert isinstance(end, Failed)
    assert "b is being trained" in end.text
    assert thrown == [str(free.folder)]

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("send2trash.send2trash", refuse)
    *_, end = discard([free.folder])
    assert isinstance(end, Failed)
    assert "trash" in end.text


def test_the_folder_of_runs_is_that_of_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MSD_RUNS_DIR", raising=False)
    from msd_gui.session.settings import default_runs_dir

    assert runs_folder() == default_runs_dir()
    monkeypatch.setenv("MSD_RUNS_DIR", str(tmp_path))
    assert runs_folder() == default_runs_dir() == tmp_path
    assert runs_folder(tmp_path / "x") == tmp_path / "x"


def test_a_folder_of_runs_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be read"):
        rows(Catalogue(tmp_path / "file"))


def test_listing_needs_no_torch() -> None:
    code = "import sys, msd_engine.runs.catalogue, msd_engine.jobs.files.catalogue; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
