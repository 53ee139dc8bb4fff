"""Plain Langevin dynamics without noise: its step, its law, and the weights that it gets wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mixtures import random_mixture

from msd_engine.backend.streams import ChainStreams
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.events import ChainReport, FieldFrame, Ladder, Samples
from msd_engine.jobs.sampling.field import field
from msd_engine.jobs.sampling.sample import sample
from msd_engine.samplers.descent import Descent
from msd_engine.samplers.exact import plain
from msd_engine.samplers.walk import uniform_start, walk
from msd_engine.specs import ExperimentSpec, MixtureSpec, SpecError, load_preset
from msd_engine.specs.tables.samplers import ChosenSampler

STEP = 0.07
DESCENT = Descent((0.0,), 30, own=ChosenSampler(sampler="plain", step_size=STEP))


def chains(count, k=3, seed=5):
    streams = ChainStreams(seed, count, (k, 2), chains_innermost=True)
    return walk(plain, ExactDenoiser(random_mixture(1)), uniform_start(streams, 8.0, 0.0), DESCENT, streams)


def test_a_step_is_the_formula_with_the_score_of_the_data():
    target = random_mixture(1)
    before, after = list(chains(40))[3:5]
    streams = ChainStreams(5, 40, (3, 2), chains_innermost=True)
    streams.leave_out_normals(4)  # one of the start
    x = before.y[:, 0].double()
    wanted = x + STEP * target.score(x) + math.sqrt(2 * STEP) * streams.normal()[:, 0]
    torch.testing.assert_close(after.y[:, 0].double(), wanted, rtol=1e-5, atol=1e-5)
    assert torch.equal(after.y, after.y[:, :1].expand_as(after.y))
    torch.testing.assert_close(after.posterior.mean, after.y[:, 0], rtol=1e-5, atol=1e-5)
    assert (before.sigma, before.noise) == (0.0, 0.0)


@pytest.mark.parametrize("count", [1, 3])
def test_a_chain_is_the_same_to_the_bit_in_any_company(count):
    for part, full in zip(chains(count), chains(64), strict=True):
        assert torch.equal(part.y, full.y[:count])


def test_the_scores_are_the_same_by_numpy_and_by_torch():
    denoiser, x = ExactDenoiser(random_mixture(2)), 3 * torch.randn(9, 2, dtype=torch.float64)
    by_torch = denoiser.clean_score(x.clone().requires_grad_()).detach()
    torch.testing.assert_close(denoiser.clean_score(x), by_torch, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(by_torch, random_mixture(2).score(x), rtol=1e-10, atol=1e-10)


def toy(**values):
    settings = {"sampler": "plain", "step_size": 0.05, "start": "uniform", "start_width": 8.0, "steps_per_level": 1000}
    settings |= {"method": "fixed", "chains": 2000} | values
    return load_preset("ncsn-toy").replace_all({f"sampling.{name}": value for name, value in settings.items()})


def test_the_papers_toy_keeps_the_weights_of_its_start():
    events = list(sample(toy(), device="cpu"))
    *_, report = (event for event in events if isinstance(event, ChainReport))
    # .51 for .8 (theory §3): half of the box belongs to either mode; the middle leans to the heavier one.
    assert report.mode_weights[0] == pytest.approx(0.51, abs=0.035)
    assert report.within_std == pytest.approx(1 / math.sqrt(1 - 0.05 / 2), rel=0.03)
    assert math.isnan(report.residual_inflation)
    assert math.isnan(report.predicted_inflation)
    assert report.stayed > 0.99
    (ladder,) = (event for event in events if isinstance(event, Ladder))
    assert ladder.sigma.tolist() == [0.0]
    assert ladder.alpha.tolist() == [0.05]
    assert ladder.evaluations == 1001
    (samples,) = (event for event in events if isinstance(event, Samples))
    np.testing.assert_allclose(samples.x_hat, samples.y[:, 0], rtol=1e-5, atol=1e-5)


def test_the_number_of_copies_and_the_ladder_do_not_matter():
    one, other = (
        next(event for event in sample(spec, device="cpu") if isinstance(event, Samples))
        for spec in (
            toy(steps_per_level=20, chains=9),
            toy(steps_per_level=20, chains=9, sigma_1=3.0, sigma_L=2.0, method="annealed", levels=7),
        )
    )
    np.testing.assert_array_equal(one.x_hat, other.x_hat)


def test_the_field_without_noise_is_that_of_the_data():
    spec = toy()
    (frame,) = (
        event
        for event in field(spec, sigma=0.0, bounds=(-8, 8, -8, 8), resolution=(3, 3), points=2)
        if isinstance(event, FieldFrame)
    )
    at = torch.tensor([[-4.0, -4.0], [4.0, -4.0], [-4.0, 4.0], [4.0, 4.0]], dtype=torch.float64)
    target = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.tensor([0.8, 0.2], dtype=torch.float64)),
        torch.distributions.MultivariateNormal(
            torch.tensor([[5.0, 5.0], [-5.0, -5.0]], dtype=torch.float64), torch.eye(2, dtype=torch.float64)
        ),
    )
    (score,) = torch.autograd.grad(target.log_prob(at.requires_grad_()).sum(), at)
    np.testing.assert_allclose(frame.exact_score, score.numpy(), rtol=1e-5)
    assert np.isfinite(frame.log_density).all()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"sampling.source": "trained"}, "no score without noise"),
        ({"data.name": "rings"}, "a density without noise, which points do not have"),
    ],
)
def test_what_has_no_score_without_noise_is_refused(values, sentence):
    with pytest.raises(SpecError, match=sentence):
        ExperimentSpec(data=MixtureSpec(name="ring-8")).replace_all({"sampling.sampler": "plain"} | values)
