"""The training job: its events, its run folder, closing, resuming, pausing and failing."""

import json
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from msd_engine.backend.counter import GENERATOR
from msd_engine.backend.errors import UserError
from msd_engine.events import (
    Checkpointed,
    Event,
    Failed,
    Finished,
    HeldOutLoss,
    LossPoints,
    Notice,
    Progress,
    Started,
    StripFrame,
    Tick,
)
from msd_engine.jobs.factory.parts import learned_denoiser
from msd_engine.jobs.training.train import train
from msd_engine.nets.mlp import Mlp
from msd_engine.runs.layout import MANIFEST
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec, Live, load_preset
from msd_engine.training.trainer import DivergedError, Trainer

CPU = torch.device("cpu")


class Always:
    def due(self) -> bool:
        return True


def points(steps: int = 12, **fields: object) -> ExperimentSpec:
    small: dict[str, object] = {
        "network.width": 16,
        "training.k": 2,
        "training.batch": 16,
        "training.steps": steps,
        "training.evaluate_every": 5,
    }
    return load_preset("ncsn-toy").replace_all(small | {n.replace("__", "."): v for n, v in fields.items()})


def digits(steps: int = 4) -> ExperimentSpec:
    return load_preset("digits-30s").replace_all(
        {
            "network.width": 8,
            "network.embedding": 16,
            "training.k": 3,
            "training.batch": 16,
            "training.steps": steps,
            "training.seconds": 0.0,
            "training.precision": "float32",
        }
    )


def of(kind: type[Any], events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def column(events: list[Event], name: str) -> list[float]:
    return [value for event in of(LossPoints, events) for value in getattr(event, name).tolist()]


def run(spec: ExperimentSpec | None, folder: Path, **options: Any) -> list[Event]:
    return list(train(spec, folder, device="cpu", **options))


def test_a_training_reports_all_its_events(tmp_path: Path) -> None:
    events = run(points(), tmp_path / "run", cadence=Always())
    assert isinstance(events[0], Started)
    assert (events[0].job, events[0].total, events[0].step) == ("train", 12, 0)
    assert "float32" in of(Notice, events)[0].text
    steps = np.concatenate([event.steps for event in of(LossPoints, events)])
    assert steps.tolist() == list(range(1, 13))
    assert [event.step for event in of(HeldOutLoss, events)] == [5, 10, 12]
    for event in of(HeldOutLoss, events):
        assert event.mmse < event.loss
        assert event.band_loss.shape == event.band_mmse.shape == event.band_sigma_eff.shape
    assert of(Progress, events)[-1].step == 12
    assert not of(StripFrame, events)
    assert isinstance(events[-2], Checkpointed)
    assert isinstance(events[-1], Finished)
    assert Run.open(tmp_path / "run").manifest.status == "finished"


def test_every_step_gives_the_caller_a_chance_to_close(tmp_path: Path) -> None:
    events = run(points(steps=7), tmp_path / "run")
    assert len(of(Tick, events)) >= 7
    assert [event.steps.tolist() for event in of(LossPoints, events)] == [list(range(1, 8))]


def test_images_come_with_a_strip(tmp_path: Path) -> None:
    events = run(digits(), tmp_path / "run", cadence=Always())
    strips = of(StripFrame, events)
    assert [strips[0].step, strips[-1].step] == [0, 4]
    first, last = strips[0], strips[-1]
    assert first.clean.shape == first.x_hat.shape == (8, 1, 8, 8)
    assert first.noisy.shape == (8, 3, 1, 8, 8)
    assert np.array_equal(first.noisy, last.noisy)
    assert not np.array_equal(first.x_hat, last.x_hat)
    assert last.sigma.min() == pytest.approx(digits().sampling.sigma_L)
    assert last.sigma.max() == pytest.approx(digits().sampling.sigma_1)
    assert np.allclose(last.error, ((last.x_hat - last.clean) ** 2).sum(axis=(1, 2, 3)), rtol=1e-4)
    assert np.isnan(of(HeldOutLoss, events)[-1].mmse)


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    run(points(steps=1), tmp_path / "run")
    (failed,) = run(points(steps=1), tmp_path / "run")
    assert isinstance(failed, Failed)
    assert "already holds a run" in failed.text


def test_losses_that_are_read_later_come_with_their_steps_and_times(tmp_path: Path) -> None:
    spec = points(steps=23, training__evaluate_every=7)
    at_once = run(spec, tmp_path / "at once", cadence=Always())
    later = run(spec, tmp_path / "later", cadence=Always(), delay=3)
    assert column(at_once, "steps") == column(later, "steps") == list(range(1, 24))
    assert column(at_once, "loss") == column(later, "loss")
    times = column(later, "elapsed_s")
    assert times == sorted(set(times))
    assert times[-1] == of(Finished, later)[0].elapsed_s
    held_out = [[(event.step, event.loss) for event in of(HeldOutLoss, events)] for events in (at_once, later)]
    assert held_out[0] == held_out[1]
    kept = [Run.open(tmp_path / name).read_metrics().rows for name in ("at once", "later")]
    assert [(row["step"], row.get("loss")) for row in kept[0]] == [(row["step"], row.get("loss")) for row in kept[1]]
    assert [row["elapsed_s"] for row in kept[1] if "loss" in row] == times


@pytest.mark.parametrize("delay", [0, 3])
@pytest.mark.parametrize("spec", [points(), digits(6)])
def test_a_closed_run_continues_to_the_same_bits(spec: ExperimentSpec, delay: int, tmp_path: Path) -> None:
    whole = run(spec, tmp_path / "whole")
    job = train(spec, tmp_path / "parts", device="cpu", delay=delay)
    ticks = 0
    for event in job:
        ticks += isinstance(event, Tick)
        if ticks == 4:
            break
    job.close()  # type: ignore[attr-defined]
    stopped = Run.open(tmp_path / "parts")
    assert stopped.manifest.status == "stopped"
    # What the device had been given is done and noted.
    assert [row["step"] for row in stopped.read_metrics().rows if "loss" in row] == list(
        range(1, stopped.manifest.step + 1)
    )
    rest = run(None, tmp_path / "parts", resume=True, delay=delay)
    assert isinstance(rest[-1], Finished)
    assert column(rest, "loss") == column(whole, "loss")
    one, other = (Run.open(tmp_path / name).load_state().tensors for name in ("whole", "parts"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    held_out = [
        [row["held_out"] for row in Run.open(tmp_path / name).read_metrics().rows if "held_out" in row]
        for name in ("whole", "parts")
    ]
    assert held_out[0] == held_out[1]


@pytest.mark.parametrize("closed_at", [1, 2, 3])
def test_closing_at_the_very_start_leaves_a_run_that_continues(closed_at: int, tmp_path: Path) -> None:
    job = train(digits(2), tmp_path / "run", device="cpu")
    for _ in range(closed_at):
        next(job)
    job.close()  # type: ignore[attr-defined]
    events = run(None, tmp_path / "run", resume=True)
    assert isinstance(events[-1], Finished)
    assert events[-1].step == 2


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    run(points(steps=3), tmp_path / "run")
    before = Run.open(tmp_path / "run").load_state().tensors
    events = run(None, tmp_path / "run", resume=True)
    assert isinstance(events[-1], Finished)
    assert events[-1].step == 3
    after = Run.open(tmp_path / "run").load_state().tensors
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_sampling_loads_the_averaged_weights(tmp_path: Path) -> None:
    run(digits(), tmp_path / "run")
    denoiser = learned_denoiser(tmp_path / "run", CPU)
    state = Run.open(tmp_path / "run").load_state().tensors
    weights = dict(denoiser.named_parameters())
    assert all(torch.equal(weights[name], state[f"averaged.{name}"]) for name in weights)
    assert not any(weight.requires_grad for weight in weights.values())
    assert denoiser(torch.zeros(2, 3, 1, 8, 8), 1.0).mean.shape == (2, 1, 8, 8)


def test_a_checkpoint_is_written_on_request(tmp_path: Path) -> None:
    live = Live()
    job = train(points(), tmp_path / "run", device="cpu", live=live)
    for event in job:
        if isinstance(event, Tick):
            live.request_checkpoint()
            break
    event = next(job)
    assert isinstance(event, Checkpointed)
    assert Run.open(tmp_path / "run").load_weights().step == event.step == 2
    job.close()  # type: ignore[attr-defined]


def test_a_paused_training_holds_and_continues(tmp_path: Path) -> None:
    live = Live()
    live.pause()
    job = train(points(steps=3), tmp_path / "run", device="cpu", live=live)
    for event in job:
        if isinstance(event, Tick):
            break
    assert all(isinstance(next(job), Tick) for _ in range(3))
    threading.Timer(0.01, live.resume).start()
    events = list(job)
    assert isinstance(events[-1], Finished)
    assert [event.steps.tolist() for event in of(LossPoints, events)] == [[1, 2, 3]]


def test_a_loss_that_is_no_number_keeps_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live()
    job = train(points(), tmp_path / "run", device="cpu", live=live)
    events: list[Event] = []
    for event in job:
        events.append(event)
        ticks = len(of(Tick, events))
        if ticks == 3:
            live.request_checkpoint()
        if isinstance(event, Checkpointed):
            good = Run.open(tmp_path / "run").load_weights()

            def poison(self: Trainer, elapsed_s: float) -> float:
                raise DivergedError("The loss is no longer a finite number.")

            monkeypatch.setattr(Trainer, "advance", poison)
    assert isinstance(events[-1], Failed)
    assert "no longer a finite number" in events[-1].text
    kept = Run.open(tmp_path / "run")
    assert kept.manifest.status == "failed"
    assert kept.load_weights().step == good.step == 4
    assert all(torch.equal(good.tensors[name], value) for name, value in kept.load_weights().tensors.items())


def test_a_learning_rate_that_blows_up_is_reported_in_one_sentence(tmp_path: Path) -> None:
    spec = points(steps=400, training__learning_rate=1.0, training__form="plain", training__clip_norm=0.0)
    spec = spec.replace_all(
        {
            "data": {
                "kind": "mixture",
                "name": "custom",
                "weights": (1.0,),
                "means": ((1e19, 1e19),),
                "covariances": (((1.0, 0.0), (0.0, 1.0)),),
            }
        }
    )
    events = run(spec, tmp_path / "run")
    assert isinstance(events[-1], Failed)
    assert "smaller learning rate" in events[-1].text
    weights = Run.open(tmp_path / "run").load_weights().tensors
    assert all(bool(torch.isfinite(value).all()) for value in weights.values())


@pytest.mark.parametrize("closed", [False, True])
def test_a_run_that_goes_wrong_unseen_keeps_the_checkpoint_before(closed: bool, tmp_path: Path) -> None:
    live = Live()
    job = train(points(training__evaluate_every=100), tmp_path / "run", device="cpu", live=live, delay=5)
    poison = torch.ones(())
    hook = nn.modules.module.register_module_forward_hook(
        lambda module, _given, out: out * poison if isinstance(module, Mlp) else out
    )
    try:
        events = []
        for event in job:
            events.append(event)
            ticks = len(of(Tick, events))
            if isinstance(event, Tick) and ticks == 3:
                live.request_checkpoint()
            if isinstance(event, Checkpointed):
                good = Run.open(tmp_path / "run").load_state()
                poison.fill_(math.nan)
            if closed and ticks == 6:
                break
        job.close()  # type: ignore[attr-defined]
    finally:
        hook.remove()
    kept = Run.open(tmp_path / "run")
    assert (kept.manifest.status, kept.manifest.step, good.step) == ("failed", 4, 4)
    assert all(torch.equal(good.tensors[name], value) for name, value in kept.load_state().tensors.items())
    assert [row["step"] for row in kept.read_metrics().rows if "loss" in row] == [1, 2, 3, 4]
    texts = [event.text.partition(":")[0] for event in of(Failed, events)]
    assert texts == ([] if closed else ["Training stopped at step 4"])


def test_a_run_of_an_older_version_continues_and_says_that_its_noise_is_another(tmp_path: Path) -> None:
    run(points(steps=3), tmp_path / "run")
    begun = Run.open(tmp_path / "run")
    assert begun.manifest.generator == GENERATOR
    state = begun.load_state().tensors
    older = state | {"noise": torch.Generator().get_state()}
    begun.save(older, 3, elapsed_s=1.0, status="stopped")
    manifest = json.loads((tmp_path / "run" / MANIFEST).read_text("utf-8"))
    del manifest["generator"]
    (tmp_path / "run" / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    assert Run.open(tmp_path / "run").manifest.generator == ""
    events = run(points(steps=5), tmp_path / "run", resume=True)
    assert [event.text for event in of(Notice, events) if "another generator" in event.text]
    assert of(Finished, events)[0].step == 5
    kept = Run.open(tmp_path / "run")
    assert kept.manifest.generator == GENERATOR
    assert kept.load_state().tensors.keys() == state.keys()
    assert not of(Notice, run(points(steps=6), tmp_path / "run", resume=True))


def test_missing_images_are_reported_in_one_sentence(tmp_path: Path) -> None:
    spec = load_preset("mnist-2min")
    *_, last = run(spec, tmp_path / "run", data_dir=tmp_path)
    assert isinstance(last, Failed)
    assert "mnist" in last.text.lower()


def test_a_resumed_run_takes_a_new_budget_and_nothing_else(tmp_path: Path) -> None:
    run(points(6), tmp_path / "run")
    wanted = points(9).replace("training.learning_rate", 0.5)
    events = run(wanted, tmp_path / "run", resume=True)
    assert of(Finished, events)[0].step == 9
    kept = Run.open(tmp_path / "run").spec
    assert kept == points(9)
    assert kept.training.learning_rate != 0.5


def test_missing_data_leave_no_empty_run_behind(tmp_path: Path) -> None:
    (failure,) = run(load_preset("mnist-2min"), tmp_path / "run", data_dir=tmp_path)
    assert isinstance(failure, Failed)
    assert not (tmp_path / "run").exists()


def test_a_run_that_cannot_be_saved_when_it_is_closed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = train(points(), tmp_path / "run")
    next(event for event in job if isinstance(event, Tick))

    def full(*_args: object, **_kwargs: object) -> None:
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise UserError("The disk is full.") from error

    monkeypatch.setattr(Run, "save", full)
    with pytest.raises(UserError, match="The disk is full"):
        job.close()  # type: ignore[attr-defined]
