"""Chained Langevin: the twin chain, the residuals, the wall, and the walk down a ladder (theory §3)."""

import itertools
import math

import pytest
import torch
from mixtures import random_mixture, settled_std

from msd_engine.backend.streams import ChainStreams
from msd_engine.data.mixture import GaussianMixture
from msd_engine.data.shapes import mixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.posterior import Posterior, tweedie
from msd_engine.metrics.chains.figures import residual_inflation, within_std
from msd_engine.noise.ladder import geometric
from msd_engine.samplers import langevin
from msd_engine.samplers.descent import Descent, Stage
from msd_engine.samplers.walk import gaussian_start, uniform_start, walk
from msd_engine.specs import MixtureSpec

K, SIGMA, EPSILON = 6, 1.3, 0.4


def noises(steps, shape=(9, K, 2)):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(steps)]


class Given:
    """Noise that was drawn before."""

    def __init__(self, numbers):
        self._numbers = iter(numbers)

    def normal(self):
        return next(self._numbers)


def at(sigma, ratio):
    return Stage(0, sigma, sigma, ratio)


def run(state, denoiser, sigma, epsilon, noise):
    given = Given(noise)
    for _ in noise:
        state, _ = langevin.step(state, denoiser, at(sigma, epsilon / sigma**2), given)
    return state


def test_a_step_is_the_formula_of_the_theory():
    target = random_mixture(0)
    denoiser = ExactDenoiser(target)
    (y, z) = noises(2)
    state, info = langevin.step(langevin.init(y), denoiser, at(SIGMA, EPSILON / SIGMA**2), Given([z]))
    wanted = y + EPSILON * denoiser(y, SIGMA).score + math.sqrt(2 * EPSILON) * z
    torch.testing.assert_close(state.y, wanted, rtol=0, atol=1e-12)
    assert torch.equal(info.posterior.mean, denoiser(y, SIGMA).mean)


def test_a_step_leaves_the_state_before_it_alone():
    (y, z) = noises(2)
    kept = y.clone()
    langevin.step(langevin.init(y), ExactDenoiser(random_mixture(0)), at(SIGMA, 0.2), Given([z]))
    assert torch.equal(y, kept)


@pytest.mark.parametrize("seed", range(3))
def test_the_twin(seed):
    # Fact 3: the mean of the copies is the one-sample chain at σ/√k with step ε/k, driven by the mean of the noises.
    denoiser = ExactDenoiser(random_mixture(seed))
    y = 4 * noises(1)[0]
    steps = noises(200)
    many = run(langevin.init(y), denoiser, SIGMA, EPSILON, steps)
    # √(2ε) z̄ = √(2ε/k) (√k z̄).
    means = [math.sqrt(K) * z.mean(1, keepdim=True) for z in steps]
    start = langevin.init(y.mean(1, keepdim=True))
    one = run(start, denoiser, SIGMA / math.sqrt(K), EPSILON / K, means)
    torch.testing.assert_close(many.y.mean(1, keepdim=True), one.y, rtol=0, atol=1e-12)


def test_the_residuals_are_an_autoregression_that_knows_no_data():
    y = 4 * noises(1)[0]
    steps = noises(50)
    residuals = y - y.mean(1, keepdim=True)
    for z in steps:
        residuals = (1 - EPSILON / SIGMA**2) * residuals + math.sqrt(2 * EPSILON) * (z - z.mean(1, keepdim=True))
    for target in (random_mixture(1), random_mixture(2, modes=1)):
        end = run(langevin.init(y), ExactDenoiser(target), SIGMA, EPSILON, steps).y
        torch.testing.assert_close(end - end.mean(1, keepdim=True), residuals, rtol=0, atol=1e-12)


@pytest.mark.parametrize("ratio", [0.2, 1.0, 1.9])
def test_the_residuals_are_inflated_as_predicted(ratio):
    denoiser = ExactDenoiser(random_mixture(0))
    noise = ChainStreams(0, 4000, (4, 2))
    state = langevin.init(SIGMA * noise.normal())
    # The squared factor (1 − r)² forgets the start in this many steps to within a thousandth.
    for _ in range(math.ceil(7 / -math.log((1 - ratio) ** 2)) if ratio != 1 else 2):
        state, _ = langevin.step(state, denoiser, at(SIGMA, ratio), noise)
    count = 4000 * 3 * 2
    assert residual_inflation(state.y, SIGMA) == pytest.approx(1 / (1 - ratio / 2), rel=5 * math.sqrt(2 / count))


def test_the_wall_stands_at_two_whatever_the_data():
    for ratio, lost in ((1.98, False), (2.02, True)):
        noise = ChainStreams(0, 5, (4, 2))
        state = langevin.init(noise.normal())
        for _ in range(2000):
            state, _ = langevin.step(state, ExactDenoiser(random_mixture(3)), at(1.0, ratio), noise)
        assert bool((state.y.abs() > 1e6).all() | ~torch.isfinite(state.y).all()) is lost


def test_one_gaussian_reaches_the_stationary_variance_of_the_discretised_chain():
    # h = rτ²/(λ + τ²) and variance (λ + τ²)/(1 − h/2): module docstring of metrics.chains.
    target = GaussianMixture([1.0], [[0.0, 0.0]], [[[0.5, 0.2], [0.2, 1.5]]])
    sigma, k, ratio = 2.0, 3, 1.2
    noise = ChainStreams(0, 20_000, (k, 2), chains_innermost=True)
    state = langevin.init(noise.normal())
    for _ in range(40):
        state, _ = langevin.step(state, ExactDenoiser(target), at(sigma, ratio), noise)
    x_hat = ExactDenoiser(target)(state.y, sigma).mean.double()
    error = 5 / math.sqrt(2 * 40_000)
    for x, jump in ((state.y.mean(1).double(), False), (x_hat, True)):
        found = within_std(x, torch.ones(len(x), 1, dtype=torch.float64))
        assert found == pytest.approx(settled_std(target, sigma, k, ratio, jump=jump), rel=error)


def chains(count, *, name="ncsn-toy", levels=3, steps=4, k=8, innermost=True):
    target = mixture(MixtureSpec(name=name))
    noise = ChainStreams(7, count, (k, 2), chains_innermost=innermost)
    ladder = geometric(20.0, 1.0, levels).tolist()
    y = gaussian_start(noise, target.mean.float(), target.std, ladder[0])
    return walk(langevin, ExactDenoiser(target), y, Descent(tuple(ladder), steps, 0.2), noise)


@pytest.mark.parametrize("name", ["two-gaussians", "ncsn-toy", "grid-25"])
@pytest.mark.parametrize("k", [1, 8])
def test_a_chain_is_the_same_to_the_bit_in_any_company(name, k):
    whole = list(chains(100, name=name, k=k))
    for count in (1, 3, 10, 64):
        for part, full in zip(chains(count, name=name, k=k), whole, strict=True):
            assert torch.equal(part.y, full.y[:count])
            assert torch.equal(part.posterior.mean, full.posterior.mean[:count])


def test_the_walk_reports_every_state_with_the_noise_of_its_level():
    moments = list(chains(2))
    assert [moment.step for moment in moments] == list(range(13))
    assert [moment.level for moment in moments] == [0] * 4 + [1] * 4 + [2] * 5
    ladder = geometric(20.0, 1.0, 3).tolist()
    assert all(moment.sigma == ladder[moment.level] for moment in moments)


def test_the_step_ratio_is_the_same_at_every_level():
    # With x̂ = 0 and r = 1 a step forgets everything: y ← √(2ε) z, with ε = σ² at that level.
    def nothing(y, sigma):
        return Posterior(torch.zeros(len(y), 2), lambda: tweedie(torch.zeros(len(y), 2), y, sigma))

    ladder = [8.0, 4.0, 2.0]
    moments = walk(langevin, nothing, torch.ones(3, 2, 2), Descent(tuple(ladder), 1, 1.0), ChainStreams(0, 3, (2, 2)))
    again = ChainStreams(0, 3, (2, 2))
    for moment, sigma in zip(itertools.islice(moments, 1, None), ladder, strict=True):
        torch.testing.assert_close(moment.y, math.sqrt(2) * sigma * again.normal())


def test_a_walk_closed_early_is_the_beginning_of_the_whole():
    whole = list(chains(4))
    started = chains(4)
    begun = [next(started) for _ in range(5)]
    started.close()
    with pytest.raises(StopIteration):
        next(started)
    assert all(torch.equal(a.y, b.y) for a, b in zip(begun, whole, strict=False))


def test_starts_share_a_point_and_differ_by_the_noise_of_a_copy():
    mean, chains_ = torch.tensor([3.0, -1.0]), 20_000
    gaussian = gaussian_start(ChainStreams(0, chains_, (4, 2)), mean, 2.0, 0.5)
    uniform = uniform_start(ChainStreams(0, chains_, (4, 2)), 8.0, 0.5)
    for y in (gaussian, uniform):
        assert residual_inflation(y, 0.5) == pytest.approx(1.0, rel=5 * math.sqrt(2 / (chains_ * 6)))
    centre = gaussian.mean(1)
    assert (centre.mean(0) - mean).abs().max().item() < 5 * 2.1 / math.sqrt(chains_)
    assert centre.var(0).mean().item() == pytest.approx(4 + 0.25 / 4, rel=0.03)
    points = uniform_start(ChainStreams(0, chains_, (4, 2)), 8.0, 0.0)[:, 0]
    assert points.abs().max().item() <= 8
    assert points.var(0).mean().item() == pytest.approx(64 / 3, rel=0.03)


def test_annealing_finds_the_mode_weights_from_a_uniform_start():
    target = mixture(MixtureSpec(name="ncsn-toy"))
    sigma_L, k, ratio = 1.0, 8, 0.2
    noise = ChainStreams(0, 3000, (k, 2), chains_innermost=True)
    # The upper end is that of NCSN's toy in σ_eff.
    ladder = geometric(20.0 * math.sqrt(k), sigma_L, 20).tolist()
    y = uniform_start(noise, 8.0, ladder[0])
    for moment in walk(langevin, ExactDenoiser(target), y, Descent(tuple(ladder), 50, ratio), noise):
        last = moment
    rho = target.responsibilities(last.y.double().mean(1), sigma_L / math.sqrt(k))
    assert rho.mean(0)[0].item() == pytest.approx(0.8, abs=0.03)
    found = within_std(last.posterior.mean.double(), rho)
    assert found == pytest.approx(settled_std(target, sigma_L, k, ratio, jump=True), rel=0.03)


def test_plain_langevin_keeps_the_wrong_mode_weights():
    # NCSN's toy: at one small noise the chains stay in the half of the box where they began (.51 for .8).
    target = mixture(MixtureSpec(name="ncsn-toy"))
    noise = ChainStreams(0, 2000, (1, 2), chains_innermost=True)
    y = uniform_start(noise, 8.0, 0.1)
    for moment in walk(langevin, ExactDenoiser(target), y, Descent((0.1,), 200, 0.5), noise):
        last = moment
    rho = target.responsibilities(last.y.double().mean(1), 0.1)
    assert rho.mean(0)[0].item() == pytest.approx(0.5, abs=0.05)
