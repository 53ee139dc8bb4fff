"""Training: the objective, the schedule, the data order, one step, and what a state holds."""

import math
from pathlib import Path

import pytest
import torch
from mixtures import drawn_copies

from msd_engine.data.shapes import mixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.outputs.output import Known
from msd_engine.denoisers.outputs.plain import OUTPUT as PLAIN
from msd_engine.denoisers.outputs.preconditioned import OUTPUT as PRECONDITIONED
from msd_engine.denoisers.posterior import Posterior
from msd_engine.denoisers.target import MixtureTarget
from msd_engine.jobs.factory.training import Training, training
from msd_engine.metrics.errors.errors import HeldOut
from msd_engine.noise.processes.exploding import Exploding
from msd_engine.objectives.mse import squared_error
from msd_engine.specs import ExperimentSpec, MixtureSpec, TrainingSpec, load_preset
from msd_engine.training.schedule import learning_rate, spent
from msd_engine.training.source import ImageSource, PointSource, Source, stream
from msd_engine.training.trainer import DivergedError

CPU = torch.device("cpu")


def digits(**fields: object) -> ExperimentSpec:
    small = {
        "network.width": 8,
        "network.embedding": 16,
        "training.k": 2,
        "training.batch": 32,
        "training.seconds": 0.0,
        "training.precision": "float32",
    }
    changes = small | {name.replace("__", "."): value for name, value in fields.items()}
    return load_preset("digits-30s").replace_all(changes)


def points(**fields: object) -> ExperimentSpec:
    small = {"network.width": 16, "training.k": 2, "training.batch": 32}
    return load_preset("ncsn-toy").replace_all(small | {n.replace("__", "."): v for n, v in fields.items()})


def build(spec: ExperimentSpec) -> Training:
    return training(spec, data_dir=Path("nowhere"), device=CPU)


def batch(source: Source, step: int) -> torch.Tensor:
    return source.take(source.rows(step), step)


def test_squared_error_is_summed_over_the_datum() -> None:
    x = torch.zeros(2, 1, 3, 3)
    assert squared_error(x + torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1), x).tolist() == [9.0, 36.0]


def test_weight_asks_the_same_of_the_network_at_every_noise() -> None:
    sigma, k, sigma_data = torch.tensor([0.01, 0.5, 3.0, 50.0]), 4, torch.tensor(0.7)
    known = Known(k, k, sigma_data, torch.zeros(2), Exploding(25.0), sees_mean=False)
    sigma_eff = sigma / math.sqrt(k)
    c_out = sigma_eff * sigma_data / (sigma_eff**2 + sigma_data**2).sqrt()
    assert torch.allclose(PRECONDITIONED.weight(sigma, known) * c_out**2, torch.ones(4))
    assert torch.equal(PLAIN.weight(sigma, known), torch.ones(4))


def test_untrained_preconditioned_loss_is_of_order_one_at_every_noise() -> None:
    # With F = 0 the weighted error is that of the best linear estimate in units of c_out², which is σ_d² over itself.
    parts = build(points())
    denoiser = parts.trainer.denoiser
    x = mixture(MixtureSpec()).sample(4000, stream(0, 9)).float()
    for sigma in (0.05, 1.0, 30.0):
        noise = torch.full((len(x),), sigma)
        y = drawn_copies(x, noise, 2, stream(0, 10))
        error = denoiser.weight(noise, 2) * squared_error(denoiser(y, noise).mean, x)
        assert float(error.detach().mean()) / 2 == pytest.approx(1.0, abs=0.1)


def test_budget_is_spent_by_steps_or_seconds_whichever_is_more() -> None:
    spec = TrainingSpec(steps=100, seconds=10.0)
    assert spent(spec, 50, 1.0) == 0.5
    assert spent(spec, 50, 9.0) == 0.9
    assert spent(TrainingSpec(steps=100, seconds=0.0), 50, 1e9) == 0.5


def test_learning_rate_warms_up_and_falls_to_zero() -> None:
    spec = TrainingSpec(steps=10_000, learning_rate=1e-2)
    rates = [learning_rate(spec, step, step / spec.steps) for step in range(spec.steps + 1)]
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert max(rates) == pytest.approx(1e-2, rel=1e-3)
    assert rates[-1] == 0.0
    constant = TrainingSpec(steps=10_000, learning_rate=1e-2, schedule="constant")
    assert learning_rate(constant, 9_999, 0.9999) == 1e-2


def test_learning_rate_cools_down_linearly_over_the_last_part_of_the_budget() -> None:
    spec = TrainingSpec(steps=10_000, learning_rate=1e-2, schedule="cooldown", cooldown=0.4)
    shares = (0.3, 0.6, 0.7, 0.9, 1.0, 1.1)
    rates = [learning_rate(spec, 5_000, share) for share in shares]
    assert rates == pytest.approx([1e-2, 1e-2, 0.75e-2, 0.25e-2, 0.0, 0.0])


def test_every_pass_sees_every_image_once_in_a_new_order() -> None:
    images = torch.arange(10, dtype=torch.uint8).reshape(10, 1, 1, 1)
    source = ImageSource(images, 4, 0, CPU)
    order = torch.cat([source.rows(step) for step in range(5)])
    assert order[:10].sort().values.tolist() == order[10:].sort().values.tolist() == list(range(10))
    assert order[:10].tolist() != order[10:].tolist()
    # Out of turn, and from another source, a step sees the same images.
    assert torch.equal(ImageSource(images, 4, 0, CPU).rows(3), order[12:16])
    assert torch.equal(source.rows(0), order[:4])


def test_batch_may_exceed_the_set() -> None:
    source = ImageSource(torch.zeros(3, 1, 8, 8, dtype=torch.uint8), 8, 0, CPU)
    assert source.rows(0).bincount().tolist() in ([3, 3, 2], [3, 2, 3], [2, 3, 3])
    assert batch(source, 0).unique().tolist() == [-1.0]


def test_points_of_a_step_do_not_depend_on_the_steps_before() -> None:
    target = mixture(MixtureSpec())
    one, other = PointSource(MixtureTarget(target), 8, 3, CPU), PointSource(MixtureTarget(target), 8, 3, CPU)
    batches = [batch(one, step) for step in range(130)]
    assert torch.equal(batch(other, 129), batches[129])
    assert torch.equal(batch(other, 2), batches[2])
    assert len({tuple(x.flatten().tolist()) for x in batches}) == 130


def test_loss_falls_on_digits_in_a_few_steps() -> None:
    parts = build(digits(training__steps=60))
    before = parts.held_out.measure(parts.trainer.averaged).loss
    for _ in range(60):
        parts.trainer.advance(0.0)
    assert parts.held_out.measure(parts.trainer.averaged).loss < 0.95 * before


@pytest.mark.parametrize("form", ["plain", "preconditioned"])
def test_a_step_changes_every_weight(form: str) -> None:
    trainer = build(digits(training__form=form)).trainer
    before = {name: value.clone() for name, value in trainer.denoiser.named_parameters()}
    # The last layer starts at zero, so that the layers before it learn from the second step on.
    for _ in range(3):
        trainer.advance(0.0)
    assert all(not torch.equal(value, before[name]) for name, value in trainer.denoiser.named_parameters())


def test_same_seed_same_numbers() -> None:
    losses = [[trainer.advance(0.0) for _ in range(5)] for trainer in (build(points()).trainer for _ in range(2))]
    other = build(points(training__seed=1)).trainer
    assert losses[0] == losses[1]
    assert losses[0] != [other.advance(0.0) for _ in range(5)]


def test_building_a_network_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    build(points())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "spec", [digits(), points(), digits(training__optimiser="muon"), points(training__optimiser="muon")]
)
def test_a_loaded_state_continues_to_the_same_bits(spec: ExperimentSpec) -> None:
    whole, first, second = (build(spec).trainer for _ in range(3))
    losses = [whole.advance(0.0) for _ in range(8)]
    for _ in range(4):
        first.advance(0.0)
    second.load({name: value.clone() for name, value in first.state().items()})
    assert [second.advance(0.0) for _ in range(4)] == losses[4:]
    state = whole.state()
    assert all(torch.equal(value, state[name]) for name, value in second.state().items())


def test_infinite_learning_stops_before_the_weights_are_spoilt() -> None:
    trainer = build(points(training__learning_rate=1.0, training__clip_norm=0.0)).trainer
    with torch.no_grad():
        trainer.denoiser.net.last.bias.fill_(3e38)  # type: ignore[union-attr]
    before = {name: value.clone() for name, value in trainer.state().items()}
    with pytest.raises(DivergedError, match=r"step 0: the loss is no longer a finite number.*smaller learning rate"):
        trainer.advance(0.0)
    after = trainer.state()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_gradient_that_is_no_number_stops_before_the_weights_are_spoilt() -> None:
    trainer = build(points()).trainer
    trainer.advance(0.0)
    trainer.denoiser.net.last.weight.register_hook(lambda grad: grad * math.nan)  # type: ignore[union-attr]
    before = {name: value.clone() for name, value in trainer.denoiser.state_dict().items()}
    with pytest.raises(DivergedError, match="gradient"):
        trainer.advance(0.0)
    assert all(torch.equal(before[name], value) for name, value in trainer.denoiser.state_dict().items())


def test_held_out_error_of_the_exact_denoiser_is_the_least() -> None:
    parts = build(points())
    assert parts.exact is not None
    best, untrained = parts.held_out.measure(parts.exact), parts.held_out.measure(parts.trainer.averaged)
    assert best.loss < untrained.loss
    assert bool((best.band_loss <= untrained.band_loss * 1.001).all())


def test_bands_share_the_draws_and_average_to_the_loss() -> None:
    x = torch.zeros(64, 2)
    sigma = torch.linspace(1.0, 9.0, 64)
    held_out = HeldOut(x, sigma, 4, stream(0, 5), bands=8)
    found = held_out.measure(lambda y, s: Posterior(y.mean(dim=1), y))
    assert float(found.band_loss.mean()) == pytest.approx(found.loss)
    assert found.sigma_eff.tolist() == sorted(found.sigma_eff.tolist())
    assert 0.5 < float(found.sigma_eff[0]) < float(found.sigma_eff[-1]) < 4.5
    # x̂ = ȳ errs by σ_eff² in each of two coordinates, up to chance.
    assert found.loss == pytest.approx(float((2 * sigma**2 / 4).mean()), rel=0.4)


def test_exact_held_out_error_is_that_of_the_posterior() -> None:
    target = mixture(MixtureSpec())
    x = target.sample(2000, stream(0, 6)).float()
    held_out = HeldOut(x, torch.full((2000,), 1.0), 4, stream(0, 7))
    exact = ExactDenoiser(target.to(dtype=torch.float32))
    # Theory §2: MMSE .400 at σ = 1 and k = 4.
    assert held_out.measure(exact).loss == pytest.approx(0.400, rel=0.08)


def test_muon_moves_hidden_weights_by_orthonormal_steps() -> None:
    trainer = build(digits(training__optimiser="muon", training__learning_rate=1e-3, training__muon_rate=0.1)).trainer
    # The head starts at zero: gradients reach the layers below it from the second step on.
    trainer.advance(0.0)
    weight = trainer.denoiser.net.down[2].weight
    before = weight.detach().flatten(1).clone()
    trainer.advance(0.0)
    moved = torch.linalg.svdvals(weight.detach().flatten(1) - before)
    # The iteration of torch.optim.Muon takes every singular value to somewhere near 1.
    assert float(moved.max() / moved.min()) < 4.0
    assert float(moved.median()) == pytest.approx(float(moved.max()), rel=0.5)


def test_mirrored_images_are_the_images_or_their_mirrors() -> None:
    images = torch.arange(40, dtype=torch.uint8).reshape(20, 1, 1, 2)
    plain, mirrored = (ImageSource(images, 20, 0, CPU, flips=flips) for flips in (False, True))
    x, seen = batch(plain, 3), batch(mirrored, 3)
    same = (seen == x).all(-1).flatten()
    assert torch.equal(seen[~same], x[~same].flip(-1))
    assert 0 < int(same.sum()) < 20
    assert torch.equal(batch(ImageSource(images, 20, 0, CPU, flips=True), 3), seen)
