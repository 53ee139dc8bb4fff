"""The copy of a run that is trained elsewhere, followed to its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from msd_engine.events import Checkpointed, Event, Finished, HeldOutLoss, LossPoints, Progress, StripFrame
from msd_engine.jobs.training import watched as module
from msd_engine.jobs.training.train import train
from msd_engine.jobs.training.watched import watched
from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.remote.mirror import Mirror
from msd_engine.specs import ExperimentSpec, load_preset

SMALL = {"training.steps": 6, "training.seconds": 0.0, "training.evaluate_every": 3, "network.width": 8}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_HZ", 1000.0)
    monkeypatch.setattr(module, "_NAP_S", 0.001)


def of(kind: type[Event], events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def half_trained(folder: Path, preset: str) -> ExperimentSpec:
    """Train a run up to its first held-out measurement, as if it went on."""
    spec = load_preset(preset).replace_all(SMALL)
    job = train(spec, folder, device="cpu", threads=1)
    while not isinstance(next(job), HeldOutLoss):
        pass
    job.close()  # type: ignore[attr-defined]
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["status"] == "stopped"
    (folder / MANIFEST).write_text(json.dumps(manifest | {"status": "running"}))
    return spec


def until(kind: type[Event], job: Iterator[Event]) -> list[Event]:
    found: list[Event] = []
    for event in job:
        found.append(event)
        if isinstance(event, kind):
            break
    return found


@pytest.mark.parametrize("preset", ["digits-30s", "ncsn-toy"])
def test_a_copy_is_followed_until_its_training_ends(tmp_path: Path, preset: str) -> None:
    there = tmp_path / "there"
    spec = half_trained(there, preset)
    mirror = Mirror(str(there), tmp_path / "here")
    mirror.pull()
    job = watched(mirror.folder, device="cpu")
    first = until(Progress, job)
    assert [event.step for event in of(HeldOutLoss, first)] == [3]  # type: ignore[attr-defined]
    progress = first[-1]
    assert isinstance(progress, Progress)
    assert (progress.step, progress.total) == (3, 6)
    assert progress.text == "Training elsewhere"
    rest = list(train(spec, there, resume=True, device="cpu", threads=1))
    assert not [event for event in (next(job) for _ in range(5)) if isinstance(event, HeldOutLoss)]
    mirror.pull()
    news = list(job)
    (held_out,), (points,) = of(HeldOutLoss, news), of(LossPoints, news)
    assert isinstance(held_out, HeldOutLoss)
    assert isinstance(points, LossPoints)
    told = of(HeldOutLoss, rest)[-1]
    assert isinstance(told, HeldOutLoss)
    assert (held_out.step, held_out.loss) == (told.step, told.loss)
    assert points.steps.tolist() == [4, 5, 6]
    assert [event.step for event in of(Checkpointed, news)] == [6]  # type: ignore[attr-defined]
    strips = of(StripFrame, first + news)
    assert [event.step for event in strips] == ([3, 6] if preset == "digits-30s" else [])  # type: ignore[attr-defined]
    if strips:
        before, after = strips
        assert isinstance(before, StripFrame)
        assert isinstance(after, StripFrame)
        np.testing.assert_array_equal(before.noisy, after.noisy)
        assert not np.array_equal(before.x_hat, after.x_hat)
    assert isinstance(news[-1], Finished)
    assert news[-1].step == 6


def test_the_time_left_follows_the_last_minute(tmp_path: Path) -> None:
    there = tmp_path / "there"
    half_trained(there, "ncsn-toy")
    path = there / "metrics.jsonl"
    rows = [{"step": step, "loss": 1.0, "elapsed_s": 2.0 * step} for step in (4, 5)]
    path.write_text(path.read_text() + "".join(json.dumps(row) + "\n" for row in rows))
    mirror = Mirror(str(there), tmp_path / "here")
    mirror.pull()
    job = watched(mirror.folder, device="cpu")
    progress = until(Progress, job)[-1]
    assert isinstance(progress, Progress)
    # From step 1 to 5 in the 10 s that the rows say, but for the start: about 2 s for the last step.
    assert progress.step == 5
    assert 1.0 < 1 / progress.rate < 3.0
    assert 0.0 < progress.left_s < 3.0
    job.close()  # type: ignore[attr-defined]


def test_a_run_of_this_machine_is_reported_once(tmp_path: Path) -> None:
    half_trained(tmp_path / "run", "ncsn-toy")
    events = list(watched(tmp_path / "run", device="cpu"))
    assert not of(Progress, events)
    assert isinstance(events[-1], Finished)
