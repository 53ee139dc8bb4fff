"""Copies measured one after the other: its step, its law, its weights, and which networks serve it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mixtures import random_mixture

from msd_engine.backend.errors import UserError
from msd_engine.backend.streams import ChainStreams
from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.events import ChainMoves, ChainReport, Failed, Ladder, Samples
from msd_engine.jobs.factory.parts import check_fits
from msd_engine.jobs.sampling.moves import moves
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.metrics.chains.ladders import steps_needed, swelling, variances
from msd_engine.samplers.descent import Descent, Stage
from msd_engine.samplers.exact import accumulated
from msd_engine.samplers.exact.accumulated import block
from msd_engine.samplers.registry import DYNAMICS
from msd_engine.samplers.walk import gaussian_start, walk
from msd_engine.specs import load_preset
from msd_engine.specs.tables.samplers import ChosenSampler

K, SIGMA, RATIO = 4, 1.5, 0.3
OWN = ChosenSampler(sampler="accumulated")


def schedule(ladder=(SIGMA,), steps=8, ratio=RATIO):
    return Descent(tuple(ladder), steps, ratio, OWN)


def walked(target, descent, count=20_000, k=K, seed=3, width=None):
    streams = ChainStreams(seed, count, (k, 2), chains_innermost=True)
    width = target.std if width is None else width
    y = gaussian_start(streams, target.mean.float(), width, descent.ladder[0])
    return walk(DYNAMICS["accumulated"], ExactDenoiser(target), y, descent, streams)


def test_a_step_moves_one_copy_by_the_score_of_its_conditional():
    target = random_mixture(0)
    y = 3 * torch.randn(9, K, 2, dtype=torch.float64)
    z = torch.randn(9, K, 2, dtype=torch.float64)

    class Given:
        def normal(self):
            return z

    for place in range(K):
        stage = Stage(0, SIGMA, SIGMA, RATIO, OWN, within=(place, K))
        state, info = accumulated.step(accumulated.init(y), ExactDenoiser(target), stage, Given())
        # ∂/∂y_m log P(y_1..y_m), of the joint density by autograd.
        copies = y[:, : place + 1].clone().requires_grad_()
        mean = copies.mean(1)
        log_p = target.log_prob(mean, SIGMA / math.sqrt(place + 1))
        log_p = log_p - (copies - mean.unsqueeze(1)).square().sum((1, 2)) / (2 * SIGMA**2)
        (score,) = torch.autograd.grad(log_p.sum(), copies)
        epsilon = RATIO * SIGMA**2
        wanted = y.clone()
        wanted[:, place] += epsilon * score[:, place] + math.sqrt(2 * epsilon) * z[:, place]
        torch.testing.assert_close(state.y, wanted, rtol=0, atol=1e-9)
        torch.testing.assert_close(info.posterior.mean, ExactDenoiser(target)(y[:, : place + 1], SIGMA).mean)


@pytest.mark.parametrize("k", [1, 3, 8])
@pytest.mark.parametrize("steps", [1, 2, 5, 8, 9, 100])
def test_every_copy_has_its_share_of_the_steps_in_order(steps, k):
    blocks = [block(number, steps, k) for number in range(steps)]
    moved = [copy for now in blocks for copy in range(now.start, now.stop)]
    assert moved == sorted(moved)
    counts = np.bincount(moved, minlength=k)
    assert counts.min() >= 1
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(
    ("k", "ladder", "steps", "ratio"),
    [
        (1, (1.5,), 7, 0.3), (4, (1.5,), 8, 0.3), (4, (1.5,), 30, 1.2),
        (3, (3.0, 1.0, 0.5), 7, 0.4), (5, (2.0, 1.0), 2, 0.3),
    ],
)  # fmt: skip
def test_the_variance_of_chains_in_a_gaussian_is_the_law(k, ladder, steps, ratio):
    target = GaussianMixture([1.0], [[1.0, -2.0]], [[[0.4, 0.0], [0.0, 3.0]]])
    descent = schedule(ladder, steps, ratio)
    ends = {moment.step: moment for moment in walked(target, descent, k=k, width=2.0)}
    data = np.array([0.4, 3.0])
    law = variances("accumulated", descent, k, data, np.full(2, 4.0 + ladder[0] ** 2 / k))
    for level, row in enumerate(law, start=1):
        found = ends[level * steps].y.double().mean(1).var(0).numpy()
        np.testing.assert_allclose(found, row, rtol=5 * math.sqrt(2 / 20_000))


def test_small_steps_settle_at_the_joint_law_of_all_copies():
    data = np.array([0.2, 1.0, 9.0])
    law = variances("accumulated", schedule(steps=200_000, ratio=1e-3), K, data)[-1]
    np.testing.assert_allclose(law, data + SIGMA**2 / K, rtol=2e-3)
    # One copy alone is a Langevin chain.
    one, langevin = (variances(name, schedule(steps=9), 1, data) for name in ("accumulated", "langevin"))
    np.testing.assert_allclose(one, langevin, rtol=1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_copies_measured_at_one_noise_have_the_law_of_a_mixture(seed):
    target = random_mixture(seed, spread=2.0)
    sigma, k, count = 4.0, 6, 4000
    *_, last = walked(target, schedule((sigma,), 600, 0.05), count=count, k=k, seed=seed)
    x_hat, mean = last.posterior.mean.double(), last.y.double().mean(1)
    weights = target.responsibilities(mean, sigma / math.sqrt(k)).mean(0)
    error = 5 * (target.weights * (1 - target.weights) / count).sqrt()
    assert ((weights - target.weights).abs() < error + 0.01).all()
    error = 5 * mean.std(0) / math.sqrt(count)
    assert ((mean.mean(0) - target.mean).abs() < error + 0.02).all()
    assert torch.isfinite(x_hat).all()
    wanted = torch.cov(target.sample(40_000, torch.Generator().manual_seed(0)).T) + sigma**2 / k * torch.eye(2)
    torch.testing.assert_close(torch.cov(mean.T), wanted.double(), rtol=0.1, atol=0.3)


@pytest.mark.parametrize("count", [1, 3])
def test_a_chain_is_the_same_to_the_bit_in_any_company(count):
    target, descent = random_mixture(1), schedule(steps=9)
    for part, full in zip(walked(target, descent, count), walked(target, descent, 64), strict=True):
        assert torch.equal(part.y, full.y[:count])


def asked(**values):
    fields = {"sampler": "accumulated", "step_ratio": 0.1, "chains": 300, "method": "fixed", "sigma_L": 12.0}
    fields |= {"steps_per_level": 160} | values
    spec = load_preset("ncsn-toy").replace_all({f"sampling.{name}": value for name, value in fields.items()})
    return spec.replace("training.k", 16)


def test_the_job_tells_its_ladder_and_figures_and_none_that_depend_on_the_data():
    events = list(sample(asked(), device="cpu"))
    (ladder,) = (event for event in events if isinstance(event, Ladder))
    assert np.isnan(ladder.swelling).all()
    *_, report = (event for event in events if isinstance(event, ChainReport))
    assert math.isnan(report.predicted_inflation)
    assert report.alive == 1.0
    (samples,) = (event for event in events if isinstance(event, Samples))
    assert np.isfinite(samples.x_hat).all()
    assert np.isnan(swelling("accumulated", schedule())).all()
    assert steps_needed("accumulated", schedule()) == 0


def test_the_moves_of_a_step_are_those_of_its_copy():
    spec = asked(chains=2).replace("training.k", 4).replace("sampling.steps_per_level", 8)
    parts = [event for event in moves(spec, 1) if isinstance(event, ChainMoves)]
    drift, noise = (np.concatenate([getattr(part, name) for part in parts]) for name in ("drift", "noise"))
    for step in range(8):
        moved = np.abs(drift[step]).max(1) > 0
        assert moved.tolist() == [copy == step // 2 for copy in range(4)]
        assert (np.abs(noise[step]).max(1) > 0).tolist() == moved.tolist()


@pytest.mark.parametrize("fusion", ["concat", "mean"])
def test_a_network_serves_it_where_it_serves_every_k(tmp_path, fusion):
    few = {"training.k": 3, "training.steps": 2, "network.width": 8, "network.fusion": fusion, "sampling.chains": 5}
    few |= {"sampling.source": "trained", "sampling.steps_per_level": 6}
    spec = asked().replace_all(few)
    list(train(spec, tmp_path / "run", device="cpu"))
    *_, end = sample(spec, run_dir=tmp_path / "run", device="cpu")
    if fusion == "mean":
        check_fits(tmp_path / "run", spec)
        assert not isinstance(end, Failed)
    else:
        assert isinstance(end, Failed)
        assert "serves every k" in end.text
        with pytest.raises(UserError, match="takes 3 copies alone, but 'Copy by copy' shows it 1 to 3"):
            check_fits(tmp_path / "run", spec)
