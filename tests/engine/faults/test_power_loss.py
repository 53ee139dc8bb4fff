"""The power goes at any moment of any save: what was there or what was written is found again, and nothing between."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from disk import Recorder, power_cuts, recording, replay, tree
from saves import HEALED, KINDS, Kind, points

from msd_engine.backend.errors import BadFile
from msd_engine.events import Finished, Tick
from msd_engine.jobs.training.train import train
from msd_engine.runs.layout import MANIFEST, NOTES
from msd_engine.runs.notes import Notes, write_notes
from msd_engine.runs.run import Run
from msd_engine.specs import Live

if not Path("/proc/self/fd").exists():
    pytest.skip("descriptors have no names here", allow_module_level=True)

# Steps of the training that is replayed, and how many different states that comes to at least.
REPLAYED = [(12, 1000), pytest.param(24, 2000, marks=pytest.mark.long)]


def record(kind: Kind, root: Path, skipped_sync: int | None = None) -> tuple[Any, Recorder]:
    """Return what the disk held before a save, and what the save did."""
    root.mkdir()
    kind.begin(root)
    before = tree(root)
    with recording(root, skipped_sync) as recorder:
        kind.work(root)
    return before, recorder


def cuts(kind: Kind, tmp_path: Path, skipped_sync: int | None = None) -> tuple[int, int, int]:
    """Check all that a power cut may leave, and return the numbers of states, of different ones and of fsyncs."""
    before, recorder = record(kind, tmp_path / "disk", skipped_sync)
    found = replay(before, recorder.ops, kind.check, tmp_path / "replayed")
    shutil.rmtree(tmp_path / "disk")
    return *found, recorder.syncs


@pytest.mark.parametrize("name", KINDS)
def test_nothing_is_written_past_the_recorder(name: str, tmp_path: Path) -> None:
    """What the operations come to is what lies in the folder: otherwise something was written unseen."""
    kind = KINDS[name]
    before, recorder = record(kind, tmp_path / "disk")
    *_, (_, last) = ((done, found) for done, found in power_cuts(before, recorder.ops) if done == len(recorder.ops))
    whole = [found for done, found in power_cuts(before, recorder.ops) if done == len(recorder.ops)]
    assert tree(tmp_path / "disk") in whole
    assert last in whole


@pytest.mark.parametrize("name", KINDS)
def test_the_power_goes_at_any_moment_of_a_save(name: str, tmp_path: Path) -> None:
    states, different, syncs = cuts(KINDS[name], tmp_path)
    assert syncs > 0
    assert 1 < different <= states


@pytest.mark.parametrize("name", [name for name in KINDS if name not in HEALED])
def test_without_any_one_fsync_something_would_be_lost(name: str, tmp_path: Path) -> None:
    """Each fsync is needed: left out, a state is found that fails its check. So the checks see what they are for."""
    kind = KINDS[name]
    _, recorder = record(kind, tmp_path / "counted")
    assert recorder.syncs
    for left_out in range(recorder.syncs):
        before, recorder = record(kind, tmp_path / f"without{left_out}", left_out)
        with pytest.raises((AssertionError, BadFile, pytest.fail.Exception)):
            replay(before, recorder.ops, kind.check, tmp_path / f"replayed{left_out}")


@pytest.mark.parametrize(("last_step", "least"), REPLAYED)
def test_a_training_continues_from_wherever_the_power_went(tmp_path: Path, last_step: int, least: int) -> None:
    """A whole training with a checkpoint at each step: all that may be left is opened, much of it is trained on."""
    root = tmp_path / "disk"
    root.mkdir()
    live = Live()
    with recording(root) as recorder:
        for event in train(points(last_step), root / "run", device="cpu", live=live):
            if isinstance(event, Tick):
                live.request_checkpoint()
    expected = Run.open(root / "run").load_weights().tensors
    steps: set[int] = set()
    resumed: set[tuple[int, int, int]] = set()

    def check(folder: Path, finished: bool) -> None:
        if not (folder / "run" / MANIFEST).exists():
            assert not steps
            return
        run = Run.open(folder / "run")
        found = 0
        if run.has_weights:
            found = run.load_state().step
            assert run.load_weights().step == found >= run.manifest.step
        measured, damaged = run.read_metrics()
        assert [row["step"] for row in measured if "loss" in row][:found] == list(range(1, found + 1))
        # What is durable never goes back by more than the step that was being saved.
        assert found >= max(steps, default=0) - 1
        steps.add(found)
        # One of each kind of moment in every sixth step is trained to its end.
        kind = (found, run.manifest.step, min(damaged, 1))
        if (found % 6 or kind in resumed) and not finished:
            return
        resumed.add(kind)
        *_, last = train(None, run.folder, resume=True, device="cpu")
        assert isinstance(last, Finished), last
        after = Run.open(run.folder)
        assert (after.manifest.step, after.manifest.status) == (last_step, "finished")
        weights = after.load_weights().tensors
        assert all(torch.equal(weights[name], value) for name, value in expected.items())
        rows_after, damaged = after.read_metrics()
        assert damaged == 0
        assert [row["step"] for row in rows_after if "loss" in row] == list(range(1, last_step + 1))

    states, different = replay({}, recorder.ops, check, tmp_path / "replayed")
    assert states >= different >= least
    assert steps == {0, *range(2, last_step + 1)}
    assert len(resumed) > last_step // 6


def test_a_name_is_lost_where_only_the_file_was_flushed(tmp_path: Path) -> None:
    """The model itself: without the fsync of the folder the old file may come back."""
    root = tmp_path / "disk"
    root.mkdir()
    (root / NOTES).write_text("{}")
    before = tree(root)
    with recording(root, skipped_sync=1) as recorder:
        write_notes(root, Notes(name="after"))
    assert [op.kind for op in recorder.ops] == ["write", "write", "sync", "rename"]
    last = [found for done, found in power_cuts(before, recorder.ops) if done == len(recorder.ops)]
    assert before in last
