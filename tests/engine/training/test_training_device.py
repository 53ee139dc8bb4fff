"""Training without host waits: losses that are read later, steps that are recorded, and what chance decides."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from standin import NAME
from tape import Tape

from msd_engine.backend.recording import WARM_UP, Repeated
from msd_engine.events import Finished, Notice
from msd_engine.jobs.factory.training import Training, training
from msd_engine.jobs.training import ranks
from msd_engine.jobs.training import train as train_job
from msd_engine.objectives import mse
from msd_engine.specs import ExperimentSpec, load_preset
from msd_engine.training.chance import Chance
from msd_engine.training.trainer import DivergedError, Done, Trainer

CPU = torch.device("cpu")
_SMALL = {"training.k": 2, "training.batch": 16, "training.precision": "float32", "training.seconds": 0.0}
POINTS = load_preset("ncsn-toy").replace_all(_SMALL | {"network.width": 16, "noise.law": "uniform-t"})
DIGITS = load_preset("digits-30s").replace_all(
    _SMALL | {"network.width": 8, "network.embedding": 16, "training.optimiser": "muon", "training.flips": True}
)


def build(spec: ExperimentSpec, delay: int, tape: Tape | None = None) -> Trainer:
    parts = training(spec, data_dir=Path("nowhere"), device=CPU)
    return Trainer(
        spec,
        parts.trainer.denoiser,
        parts.trainer.averaged,
        parts.source,
        mse,
        delay=delay,
        new_graph=tape and (lambda: tape),
    )


def run(trainer: Trainer, steps: int) -> list[Done]:
    done = [found for _ in range(steps) for found in trainer.advance(0.0)]
    return done + trainer.drain()


def same(one: Trainer, other: Trainer) -> bool:
    a, b = one.state(), other.state()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("spec", [POINTS, DIGITS])
def test_losses_read_later_and_recorded_steps_have_the_bits_of_steps_one_by_one(spec: ExperimentSpec) -> None:
    tape = Tape()
    plain, later, recorded = build(spec, 0), build(spec, 3), build(spec, 3, tape)
    # Two blocks of points, or more than one pass over the images' first steps.
    steps = 70 if spec is POINTS else 12
    found = [run(trainer, steps) for trainer in (plain, later, recorded)]
    assert found[0] == found[1] == found[2]
    assert [done.step for done in found[0]] == list(range(1, steps + 1))
    assert same(plain, later)
    assert same(plain, recorded)
    assert (tape.warmed, tape.replayed) == (WARM_UP, steps - WARM_UP)
    assert not recorded.pop_trouble()


def test_a_set_has_a_recording_for_each_k_and_the_bits_of_steps_one_by_one() -> None:
    spec, tapes = POINTS.replace("network.fusion", "set"), list[Tape]()

    def new_tape() -> Tape:
        tapes.append(Tape())
        return tapes[-1]

    parts = training(spec, data_dir=Path("nowhere"), device=CPU)
    inner = parts.trainer
    recorded = Trainer(spec, inner.denoiser, inner.averaged, parts.source, mse, delay=3, new_graph=new_tape)
    plain = build(spec, 0)
    assert run(plain, 32) == run(recorded, 32)
    assert same(plain, recorded)
    # Of 32 steps k = 1 and 2 have seven, k = 4, 8 and 16 six.
    assert [tape.replayed for tape in tapes] == [7 - WARM_UP] * 2 + [6 - WARM_UP] * 3


def test_losses_come_when_they_are_due_and_in_order() -> None:
    trainer = build(POINTS, 3)
    found = [[done.step for done in trainer.advance(0.0)] for _ in range(9)]
    assert found == [[], [], [], [1, 2, 3, 4], [], [], [], [5, 6, 7, 8], []]
    assert [done.step for done in trainer.drain()] == [9]
    assert trainer.drain() == []


@pytest.mark.parametrize("spec", [POINTS, DIGITS])
@pytest.mark.parametrize("kind", ["plain", "later", "recorded"])
def test_a_state_continues_to_the_same_bits_however_steps_are_done(spec: ExperimentSpec, kind: str) -> None:
    delay = 0 if kind == "plain" else 2
    tapes = [Tape() if kind == "recorded" else None for _ in range(3)]
    whole, first, second = (build(spec, delay, tape) for tape in tapes)
    losses = run(whole, 10)
    run(first, 5)
    second.load({name: value.clone() for name, value in first.state().items()})
    assert run(second, 5) == losses[5:]
    assert same(whole, second)


@pytest.mark.parametrize("spec", [POINTS, DIGITS])
@pytest.mark.parametrize("kind", ["plain", "later", "recorded"])
@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_step_that_is_no_number_leaves_all_as_it_was(spec: ExperimentSpec, kind: str, what: str) -> None:
    delay, tape = 0 if kind == "plain" else 4, Tape() if kind == "recorded" else None
    good, trainer = build(spec, 0), build(spec, delay, tape)
    poison = torch.ones(())
    if what == "gradient":
        next(iter(trainer.denoiser.parameters())).register_hook(lambda gradient: gradient * poison)
    else:
        trainer.denoiser.net.register_forward_hook(lambda _module, _given, out: out * poison)
    losses = run(good, 6)
    known = run(trainer, 6)
    poison.fill_(math.nan)
    for _ in range(delay):
        known += trainer.advance(0.0)
    with pytest.raises(DivergedError, match=f"step 6: the {what} is no longer") as caught:
        trainer.advance(0.0)
    assert known + list(caught.value.done) == losses
    assert trainer.step == 6
    assert same(good, trainer)
    # A state that is loaded is good again.
    poison.fill_(1.0)
    trainer.load({name: value.clone() for name, value in good.state().items()})
    assert run(trainer, 3) == run(good, 3)


def test_losses_before_a_step_that_is_no_number_are_not_lost() -> None:
    trainer, good = build(POINTS, 4), build(POINTS, 0)
    poison = torch.ones(())
    trainer.denoiser.net.register_forward_hook(lambda _module, _given, out: out * poison)
    for _ in range(3):
        assert trainer.advance(0.0) == []
    poison.fill_(math.inf)
    trainer.advance(0.0)
    with pytest.raises(DivergedError, match="step 3") as caught:
        trainer.drain()
    assert caught.value.done == run(good, 3)
    assert trainer.drain() == []


def test_what_cannot_be_recorded_is_done_piece_by_piece_and_the_reason_is_reported_once() -> None:
    plain, trainer = build(POINTS, 0), build(POINTS, 2, tape := Tape())
    trainer.denoiser.net.register_forward_hook(lambda _module, _given, out: out * (1.0 + 0.0 * out.sum().item()))
    assert run(trainer, 8) == run(plain, 8)
    assert same(plain, trainer)
    assert "not permitted" in trainer.pop_trouble()
    assert trainer.pop_trouble() == ""
    assert tape.replayed == 0


def test_a_job_says_what_the_device_cannot_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def recorded(spec: ExperimentSpec, **options: Any) -> Training:
        parts = training(spec, **options)
        inner = parts.trainer
        inner.denoiser.net.register_forward_hook(lambda _module, _given, out: out * (1.0 + 0.0 * out.sum().item()))
        trainer = Trainer(spec, inner.denoiser, inner.averaged, parts.source, mse, delay=2, new_graph=Tape)
        return dataclasses.replace(parts, trainer=trainer)

    monkeypatch.setattr(ranks, "training", recorded)
    events = list(train_job.train(POINTS.replace("training.steps", 8), tmp_path / "run", device="cpu"))
    assert isinstance(events[-1], Finished)
    (notice,) = [event.text for event in events if isinstance(event, Notice) and "piece by piece" in event.text]
    assert "not permitted" in notice


def test_a_fault_of_the_work_itself_is_not_taken_for_one_of_the_recording() -> None:
    def work() -> None:
        raise ValueError("wrong")

    repeated = Repeated(work, Tape())
    with pytest.raises(ValueError, match="wrong"):
        repeated()
    assert not repeated.trouble


def test_weights_channels_last_learn_the_same() -> None:
    plain = build(DIGITS, 0)
    parts = training(DIGITS, data_dir=Path("nowhere"), device=CPU)
    inner = parts.trainer.denoiser, parts.trainer.averaged
    modules = [module.to(memory_format=torch.channels_last) for module in inner]  # type: ignore[call-overload]
    other = Trainer(DIGITS, *modules, parts.source, mse)
    for (step, loss), (other_step, other_loss) in zip(run(plain, 6), run(other, 6), strict=True):
        assert step == other_step
        assert loss == pytest.approx(other_loss, rel=1e-3)
    weight = other.denoiser.net.down[1].weight  # type: ignore[index,union-attr]
    assert weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(weight, plain.denoiser.net.down[1].weight, rtol=0, atol=5e-3)  # type: ignore[index,union-attr]


# What chance decides


def test_chance_is_a_function_of_seed_step_and_place_in_the_batch() -> None:
    many, few, other = Chance(7, 12, CPU), Chance(7, 5, CPU), Chance(8, 12, CPU)
    draws = [
        lambda chance, step: chance.sigma("normal", step),
        lambda chance, step: chance.sigma("uniform", step),
        lambda chance, step: chance.noise((2, 3), step),
        lambda chance, step: chance.flips(step),
    ]
    for draw in draws:
        drawn = draw(many, 3)
        assert torch.equal(draw(few, 3), drawn[:5])
        assert torch.equal(draw(many, torch.tensor([3])), drawn)
        assert not torch.equal(draw(many, 4), drawn)
        assert not torch.equal(draw(other, 3), drawn)


def test_noise_and_sigma_have_nothing_to_do_with_each_other() -> None:
    chance = Chance(0, 4000, CPU)
    pair = torch.stack((chance.sigma("normal", 0), chance.noise((1,), 0)[:, 0]))
    assert abs(torch.corrcoef(pair)[0, 1].item()) < 5 / math.sqrt(4000)


def test_another_device_draws_the_same() -> None:
    device = torch.device(NAME)
    here, there = Chance(3, 6, CPU), Chance(3, 6, device)
    step = torch.tensor([5], device=device)
    assert torch.equal(there.sigma("normal", step).cpu(), here.sigma("normal", 5))
    assert torch.equal(there.noise((2, 4), step).cpu(), here.noise((2, 4), 5))
    assert torch.equal(there.flips(step).cpu(), here.flips(5))
