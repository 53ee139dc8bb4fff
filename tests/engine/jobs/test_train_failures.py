"""A training whose device fails, or that goes on on another one."""

import re
import shutil
from pathlib import Path

import pytest
import safetensors
import torch

from msd_engine.events import Checkpointed, Failed, Finished, Notice, Tick
from msd_engine.jobs.training import train as train_job
from msd_engine.jobs.training.train import train
from msd_engine.runs import run as run_module
from msd_engine.runs.layout import METRICS, STATE, WEIGHTS
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec, Live, load_preset
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


def test_a_run_that_continues_on_another_device_says_so(tmp_path):
    folder = tmp_path / "run"
    list(train(points(4), folder))
    manifest = folder / "manifest.json"
    manifest.write_text(re.sub(r'"device": ?"[^"]*"', '"device":"cuda:0 (NVIDIA H100)"', manifest.read_text()))
    events = list(train(points(6), folder, resume=True))
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("trained on cuda:0 (NVIDIA H100) before and goes on on cpu" in text for text in notices)
    again = list(train(points(8), folder, resume=True))
    assert not any("goes on on" in event.text for event in again if isinstance(event, Notice))


def test_a_kill_between_two_files_of_the_last_save_loses_nothing(tmp_path, monkeypatch):
    """The folder as a kill leaves it after each file of the last save: resumed, it comes to the same bits."""
    write, stages = run_module.write_atomically, []

    def copying(path, data):
        write(path, data)
        if Path(path).parent.name == "run":
            stages.append(tmp_path / f"stage{len(stages)}" / "run")
            shutil.copytree(Path(path).parent, stages[-1], ignore=shutil.ignore_patterns("lock"))

    list(train(points(4), tmp_path / "run"))
    monkeypatch.setattr(run_module, "write_atomically", copying)
    list(train(points(9), tmp_path / "run", resume=True))
    monkeypatch.undo()
    whole = Run.open(tmp_path / "run").load_weights()
    assert len(stages) >= 3
    ahead = [stage for stage in stages if Run.open(stage).load_weights().step > Run.open(stage).manifest.step]
    assert ahead
    for stage in stages:
        before = Run.open(stage)
        assert before.load_weights().step == before.load_state().step
        *_, checkpointed, finished = train(None, stage, resume=True)
        assert isinstance(finished, Finished)
        assert isinstance(checkpointed, Checkpointed)
        after = Run.open(stage)
        assert (after.manifest.step, after.manifest.status, finished.step) == (9, "finished", 9)
        assert safetensors_step(stage / WEIGHTS) == 9
        found = after.load_weights().tensors
        assert all(torch.equal(found[name], value) for name, value in whole.tensors.items())


def safetensors_step(path):
    with safetensors.safe_open(path, "pt") as file:
        return int(file.metadata()["step"])


def test_a_run_that_died_before_its_first_checkpoint_measures_each_step_once(tmp_path):
    folder = tmp_path / "run"
    Run.create(folder, points(6), device="cpu").append_metrics([{"step": n, "loss": 9.0} for n in range(1, 40)])
    with (folder / METRICS).open("ab") as file:
        file.write(b'{"step": 40, "lo')
    *_, finished = train(None, folder, resume=True)
    assert isinstance(finished, Finished)
    rows, damaged = Run.open(folder).read_metrics()
    assert ([row["step"] for row in rows if "loss" in row], damaged) == ([1, 2, 3, 4, 5, 6], 0)
    *_, finished = train(points(8), folder, resume=True)
    assert finished.step == 8


@pytest.mark.parametrize("where", ["begin", "settle"])
@pytest.mark.parametrize("resumed", [False, True])
def test_a_training_that_is_closed_before_its_first_step_is_stopped(tmp_path, monkeypatch, where, resumed):
    folder = tmp_path / "run"
    if resumed:
        list(train(points(3), folder))
        before = (folder / STATE).read_bytes()

    def closed(*_):
        raise GeneratorExit

    monkeypatch.setattr(*((Run, "begin") if where == "begin" else (train_job.Pace, "settle")), closed)
    with pytest.raises(GeneratorExit):
        list(train(points(6), folder, resume=resumed))
    monkeypatch.undo()
    kept = Run.open(folder)
    assert kept.manifest.status == ("finished" if resumed else "stopped")
    assert kept.has_state == resumed
    if resumed:
        assert (folder / STATE).read_bytes() == before
    *_, finished = train(points(6), folder, resume=True)
    assert finished.step == 6


def weights(trainer):
    return trainer.denoiser.parameters()


def averages(trainer):
    return trainer.averaged.parameters()


def adam(trainer):
    return (value for name, value in trainer.state().items() if "." in name and value.is_floating_point())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("what", [weights, averages, adam])
@pytest.mark.parametrize("at", [3, 5, 6])
@pytest.mark.parametrize("begun", [False, True])
def test_values_that_are_not_finite_are_never_saved(tmp_path, monkeypatch, value, what, at, begun):
    """Poison one number after a step: the last one, one with a save, one in between."""
    folder = tmp_path / "run"
    advance = Trainer.advance

    def poisoned(self, elapsed_s):
        done = advance(self, elapsed_s)
        if self.step == at:
            with torch.no_grad():
                list(what(self))[-1].view(-1)[0] = value
        return done

    if begun:
        list(train(points(2), folder))
        good = Run.open(folder).load_state()
    monkeypatch.setattr(Trainer, "advance", poisoned)
    live = Live()
    events = []
    for event in train(points(6), folder, resume=begun, live=live):
        events.append(event)
        if isinstance(event, Tick) and at == 5:
            live.request_checkpoint()
    assert isinstance(events[-1], Failed)
    assert "smaller learning rate" in events[-1].text
    kept = Run.open(folder)
    assert kept.manifest.status == "failed"
    assert kept.has_weights == (begun or at == 5)
    if kept.has_weights:
        saved = kept.load_state()
        assert saved.step == kept.load_weights().step < at
        if begun and at != 5:
            assert all(torch.equal(saved.tensors[name], value) for name, value in good.tensors.items())
    monkeypatch.undo()
    *_, finished = train(None, folder, resume=True)
    assert (finished.step, Run.open(folder).manifest.status) == (6, "finished")
