"""Metropolis-adjusted Langevin: no bias at any step, the textbook's acceptance, and steps that find their size."""

from __future__ import annotations

import math

import pytest
import torch
from mixtures import drawn_copies, random_mixture
from torch import distributions

from msd_engine.backend.streams import ChainStreams
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.events import ChainReport
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.chains.figures import residual_inflation
from msd_engine.samplers import langevin
from msd_engine.samplers.descent import Descent, Stage
from msd_engine.samplers.exact import metropolis
from msd_engine.samplers.walk import walk
from msd_engine.specs import ExperimentSpec, SpecError, load_preset
from msd_engine.specs.tables.samplers import ACCEPTANCE, ChosenSampler

K, SIGMA = 3, 1.2


class Doubles:
    """Noise in double precision."""

    def __init__(self, seed, shape):
        self._generator, self._shape = torch.Generator().manual_seed(seed), shape

    def normal(self):
        return torch.randn(self._shape, generator=self._generator, dtype=torch.float64)

    def uniform(self):
        return torch.rand(self._shape, generator=self._generator, dtype=torch.float64)


def farthest(dynamics, seed, ratio, count=8_000):
    """Return how far chains move from the law that they begin with: the largest error in standard errors.

    Compared are the weights of the modes, the means and the covariances of ȳ, and the variance of the residuals.
    """
    target = random_mixture(seed, modes=3, spread=1.5)
    x = target.sample(count, torch.Generator().manual_seed(seed))
    y = drawn_copies(x, SIGMA, K, torch.Generator().manual_seed(seed + 1)).float()
    state, streams = dynamics.init(y), ChainStreams(seed, count, (K, 2), chains_innermost=True)
    for _ in range(30):
        state, _ = dynamics.step(state, ExactDenoiser(target), Stage(0, SIGMA, SIGMA, ratio), streams)
    y = state.y.double()
    tau = SIGMA / math.sqrt(K)
    rho = target.responsibilities(y.mean(1), tau)
    exact = target.mean, target.weights
    errors = [(rho.mean(0) - exact[1]) / rho.std(0), (y.mean(1).mean(0) - exact[0]) / y.mean(1).std(0)]
    centred = target.means - target.mean
    covariance = torch.einsum("j,jab->ab", target.weights, target.covariances + centred[:, :, None] * centred[:, None])
    products = torch.einsum("na,nb->nab", *(2 * [y.mean(1) - target.mean]))
    errors.append((products.mean(0) - covariance - tau**2 * torch.eye(2)) / products.std(0))
    residuals = (residual_inflation(y, SIGMA) - 1) / math.sqrt(2 / ((K - 1) * 2))
    return math.sqrt(count) * max(residuals, *(error.abs().max().item() for error in errors))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("ratio", [0.3, 1.2])
def test_it_keeps_the_law_of_the_copies_without_bias(seed, ratio):
    # 4.5 standard errors: about one in ten thousand for each of a dozen numbers.
    assert farthest(metropolis, seed, ratio) < 4.5
    # The same steps without the test move away.
    assert farthest(langevin, seed, ratio) > 9


def joint(target):
    """Return the density of the copies, laid out in one vector, as a mixture of Gaussians in kd dimensions."""
    block = torch.ones(K, K, dtype=torch.float64)
    covariances = torch.stack([torch.kron(block, one) for one in target.covariances])
    covariances += SIGMA**2 * torch.eye(2 * K, dtype=torch.float64)
    modes = distributions.MultivariateNormal(target.means.repeat(1, K), covariances)
    return distributions.MixtureSameFamily(distributions.Categorical(target.weights), modes)


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("ratio", [0.1, 0.9])
def test_the_acceptance_is_that_of_the_textbook(seed, ratio):
    target, shape, epsilon = random_mixture(seed), (50, K, 2), ratio * SIGMA**2
    y = drawn_copies(target.sample(50, torch.Generator().manual_seed(0)), SIGMA, K, torch.Generator().manual_seed(1))
    law = joint(target)

    def towards(at):
        at = at.flatten(1).detach().requires_grad_()
        (score,) = torch.autograd.grad(law.log_prob(at).sum(), at)
        mean = at.detach() + epsilon * score
        return distributions.MultivariateNormal(mean, 2 * epsilon * torch.eye(2 * K, dtype=torch.float64))

    given = Doubles(5, shape)
    z, u = given.normal(), given.uniform()[:, 0, 0]
    proposal = towards(y).mean + math.sqrt(2 * epsilon) * z.flatten(1)
    chance = (law.log_prob(proposal) - law.log_prob(y.flatten(1))).exp()
    chance *= (towards(proposal.reshape(shape)).log_prob(y.flatten(1)) - towards(y).log_prob(proposal)).exp()
    chance = chance.clamp(max=1)
    # A warm-up with gain 1 tells the chance itself.
    stage = Stage(0, SIGMA, SIGMA, ratio, gain=1.0)
    warm, _ = metropolis.step(metropolis.init(y), ExactDenoiser(target), stage, Doubles(5, shape))
    torch.testing.assert_close(warm.stretch + ACCEPTANCE, chance, rtol=1e-9, atol=1e-9)
    stage = Stage(0, SIGMA, SIGMA, ratio)
    after, info = metropolis.step(metropolis.init(y), ExactDenoiser(target), stage, Doubles(5, shape))
    assert torch.equal(info.tried.accepted, u < chance)
    assert 0 < info.tried.accepted.sum() < len(y)
    expected = torch.where(info.tried.accepted[:, None], proposal, y.flatten(1)).reshape(shape)
    torch.testing.assert_close(after.y, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("ratio", [0.03, 30.0])
def test_the_warm_up_finds_the_step_and_is_left_out(ratio):
    spec = load_preset("two-gaussians").replace_all(
        {
            "sampling.sampler": "metropolis",
            "sampling.step_ratio": ratio,
            "sampling.warm_up": 0.4,
            "sampling.levels": 3,
            "sampling.steps_per_level": 150,
            "sampling.chains": 200,
        }
    )
    *_, report = (event for event in sample(spec, device="cpu") if isinstance(event, ChainReport))
    assert report.acceptance == pytest.approx(ACCEPTANCE, abs=0.03)
    assert 0.1 < report.step_ratio < 3
    assert report.alive == 1
    *_, given = (
        event for event in sample(spec.replace("sampling.warm_up", 0.0), device="cpu") if isinstance(event, ChainReport)
    )
    assert given.step_ratio == pytest.approx(ratio)
    assert given.acceptance > 0.95 if ratio < 1 else given.acceptance < 0.01
    # Steps far beyond the wall of plain Langevin leave chains where they are.
    assert given.alive == 1


def test_proposals_of_the_warm_up_are_not_reported():
    target, descent = random_mixture(0), Descent((3.0, 1.0), 10, 0.3, ChosenSampler(sampler="metropolis", warm_up=0.35))
    y = drawn_copies(target.sample(4, torch.Generator().manual_seed(0)), 3.0, K, torch.Generator().manual_seed(1))
    moments = list(walk(metropolis, ExactDenoiser(target), y, descent, Doubles(0, y.shape)))
    assert [moment.tried is None for moment in moments] == 2 * [*(3 * [True]), *(7 * [False])] + [True]
    ratios = torch.stack([moment.tried.step_ratio for moment in moments[13:20]])
    assert bool((ratios == ratios[0]).all())
    assert list(descent.stages(13)) == list(descent.stages())[13:]


def test_other_samplers_report_no_proposals():
    spec = load_preset("two-gaussians").replace_all({"sampling.levels": 2, "sampling.chains": 5})
    *_, report = (event for event in sample(spec, device="cpu") if isinstance(event, ChainReport))
    assert math.isnan(report.acceptance)
    assert math.isnan(report.step_ratio)


def test_sets_of_points_have_the_density():
    spec = load_preset("two-gaussians").replace_all(
        {
            "data.name": "two-moons",
            "data.count": 100,
            "sampling.sampler": "metropolis",
            "sampling.sigma_L": 0.3,
            "sampling.seed": 4,
        }
    )
    *_, report = (event for event in sample(spec, device="cpu") if isinstance(event, ChainReport))
    assert report.distance < 1.3 * report.exact_distance


def test_what_has_no_density_is_refused_in_one_sentence():
    with pytest.raises(SpecError, match="no density of the copies") as caught:
        ExperimentSpec().replace_all({"sampling.sampler": "metropolis", "sampling.source": "trained"})
    assert str(caught.value).endswith("no density of the copies.")
    with pytest.raises(SpecError, match="an exact density, which images do not have: choose another sampler"):
        load_preset("digits-exact").replace("sampling.sampler", "metropolis")
