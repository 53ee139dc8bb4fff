"""A training whose device fails, or that goes on on another one."""

import re

import pytest
import torch

from msd_engine.events import Checkpointed, Failed, Notice
from msd_engine.jobs.training import train as train_job
from msd_engine.jobs.training.train import train
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec, load_preset
from msd_engine.training.trainer import Trainer


def points(steps: int) -> ExperimentSpec:
    small = {"network.width": 16, "training.k": 2, "training.batch": 16, "training.steps": steps}
    return load_preset("ncsn-toy").replace_all(small)


USED_UP = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
LOST = RuntimeError("CUDA error: unspecified launch failure")


@pytest.mark.parametrize(("error", "saves"), [(USED_UP, True), (LOST, False)])
def test_where_the_device_fails_the_last_checkpoint_is_kept(tmp_path, monkeypatch, error, saves):
    folder = tmp_path / "run"
    spec = points(12)
    advance, state = Trainer.advance, Trainer.state

    def failing(self, elapsed_s):
        if self.step == 9:
            raise error
        return advance(self, elapsed_s)

    def lost(self):
        raise LOST

    monkeypatch.setattr(train_job, "CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr(train_job, "_SIDE_SHARE", 1e9)
    job = train(spec, folder)
    for event in job:
        if isinstance(event, Checkpointed):
            break
    step = event.step
    monkeypatch.setattr(train_job, "CHECKPOINT_EVERY_S", 1e9)
    monkeypatch.setattr(Trainer, "advance", failing)
    if not saves:
        monkeypatch.setattr(Trainer, "state", lost)
    *_, failed = job
    assert isinstance(failed, Failed)
    assert "Saved files are kept." in failed.text
    manifest = Run.open(folder).manifest
    assert manifest.status == "failed"
    assert manifest.step == (9 if saves else step)
    monkeypatch.setattr(Trainer, "advance", advance)
    monkeypatch.setattr(Trainer, "state", state)
    *_, finished = train(None, folder, resume=True)
    assert finished.step == 12


def test_a_run_that_goes_on_on_another_device_says_so(tmp_path):
    folder = tmp_path / "run"
    list(train(points(4), folder))
    manifest = folder / "manifest.json"
    manifest.write_text(re.sub(r'"device": ?"[^"]*"', '"device":"cuda:0 (NVIDIA H100)"', manifest.read_text()))
    events = list(train(points(6), folder, resume=True))
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("trained on cuda:0 (NVIDIA H100) before and goes on on cpu" in text for text in notices)
    again = list(train(points(8), folder, resume=True))
    assert not any("goes on on" in event.text for event in again if isinstance(event, Notice))
