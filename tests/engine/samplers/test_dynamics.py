"""Every sampler: the twin, the right law at one noise and at the end of a ladder, and the bias that theory predicts."""

import itertools
import math

import numpy as np
import pytest
import torch
from mixtures import random_mixture
from scipy import integrate, stats

from msd_engine.backend.streams import ChainStreams
from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.posterior import PosteriorSampler
from msd_engine.metrics.chains.figures import residual_inflation
from msd_engine.noise.ladder import geometric
from msd_engine.samplers import consistent, corrected, flow, gibbs, langevin, underdamped
from msd_engine.samplers.descent import Descent, Stage
from msd_engine.samplers.exact import metropolis
from msd_engine.samplers.walk import gaussian_start, walk
from msd_engine.specs.tables.samplers import ChosenSampler

ALL = (langevin, consistent, underdamped, corrected, flow, gibbs, metropolis)
GLIDING = (consistent, flow)
STANDING = (langevin, consistent, underdamped, gibbs)
K = 4
# Overlapping in both modes at the noises used here, so that chains can pass.
TWO = GaussianMixture([0.3, 0.7], [[-2.0, 0.0], [1.5, 1.0]], [[[0.6, 0.2], [0.2, 0.9]], [[0.4, -0.1], [-0.1, 0.3]]])
ONE = GaussianMixture([1.0], [[1.0, -2.0]], [[[0.5, 0.0], [0.0, 2.0]]])


def name(dynamics):
    return dynamics.__name__.rsplit(".", 1)[1]


def exact_copies(target, sigma, count, k=K, seed=0):
    """Draw data and their copies: where every sampler should leave them."""
    streams = ChainStreams(seed, count, (k, 2))
    x = target.sample(count, torch.Generator().manual_seed(seed)).float()
    return x.unsqueeze(1) + sigma * streams.normal(), streams


def distance(x, target, tau, axis):
    """Return the Kolmogorov-Smirnov distance of a coordinate from its law under the mixture seen through noise τ."""
    means, variances = target.means[:, axis].numpy(), target.covariances[:, axis, axis].numpy()

    def law(points):
        return sum(
            w * stats.norm.cdf(points, m, math.sqrt(v + tau**2))
            for w, m, v in zip(target.weights.numpy(), means, variances, strict=True)
        )

    return stats.kstest(x[:, axis].double().numpy(), law).statistic


class Means:
    """The same numbers for one copy: √k times the mean over the copies; the uniform ones of the first copy."""

    def __init__(self, noise, k):
        self._noise, self._k = noise, k

    def normal(self):
        return math.sqrt(self._k) * self._noise.normal().mean(1, keepdim=True)

    def uniform(self):
        return self._noise.uniform()[:, :1]


class Doubles:
    """Noise in double precision."""

    def __init__(self, seed, shape):
        self._generator, self._shape = torch.Generator().manual_seed(seed), shape

    def normal(self):
        return torch.randn(self._shape, generator=self._generator, dtype=torch.float64)

    def uniform(self):
        return torch.rand(self._shape, generator=self._generator, dtype=torch.float64)


def rubbed(friction):
    return ChosenSampler(sampler="underdamped", friction=friction)


def schedule(dynamics, ladder, steps, ratio, friction=1.0):
    return Descent(tuple(ladder), steps, ratio, rubbed(friction), dynamics in GLIDING)


@pytest.mark.parametrize("dynamics", [langevin, consistent, underdamped, corrected, flow], ids=name)
def test_the_mean_copy_follows_the_same_dynamics_at_sigma_over_root_k(dynamics):
    # Theory §3, fact 3, for every sampler whose step is a sum of copies, x̂ and noise.
    denoiser, ladder, shape = ExactDenoiser(random_mixture(1)), (3.0, 1.7, 0.6), (7, K, 2)
    y = 4 * torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    many = walk(dynamics, denoiser, y, schedule(dynamics, ladder, 20, 0.3), Doubles(0, shape))
    narrow = [sigma / math.sqrt(K) for sigma in ladder]
    one = walk(
        dynamics, denoiser, y.mean(1, keepdim=True), schedule(dynamics, narrow, 20, 0.3), Means(Doubles(0, shape), K)
    )
    for of_many, of_one in zip(many, one, strict=True):
        torch.testing.assert_close(of_many.y.mean(1, keepdim=True), of_one.y, rtol=0, atol=1e-11)


@pytest.mark.parametrize("dynamics", ALL, ids=name)
@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_chain_is_the_same_to_the_bit_in_any_company(dynamics, count):
    def ends(chains):
        y, streams = exact_copies(TWO, 3.0, 64)
        streams = ChainStreams(5, chains, (K, 2))
        return list(walk(dynamics, ExactDenoiser(TWO), y[:chains], schedule(dynamics, (3.0, 1.0), 5, 0.3), streams))

    for part, full in zip(ends(count), ends(64), strict=True):
        assert torch.equal(part.y, full.y[:count])


@pytest.mark.parametrize("dynamics", ALL, ids=name)
def test_a_step_leaves_the_state_before_it_alone_and_reports_its_posterior(dynamics):
    denoiser = ExactDenoiser(TWO)
    y, streams = exact_copies(TWO, 2.0, 9)
    kept = y.clone()
    _, info = dynamics.step(dynamics.init(y), denoiser, Stage(0, 2.0, 1.5, 0.3), streams)
    assert torch.equal(y, kept)
    assert torch.equal(info.posterior.mean, denoiser(y, 2.0).mean)


@pytest.mark.parametrize("dynamics", STANDING, ids=name)
def test_at_one_noise_chains_come_from_anywhere_to_the_law_of_the_mixture(dynamics):
    k, sigma, count = 2, math.sqrt(2), 5_000
    y = 3 + 2 * ChainStreams(1, count, (k, 2)).normal()
    streams = ChainStreams(0, count, (k, 2), chains_innermost=True)
    state = dynamics.init(y)
    for _ in range(300):
        state, _ = dynamics.step(state, ExactDenoiser(TWO), Stage(0, sigma, sigma, 0.12, rubbed(0.7)), streams)
    # r = .12 itself moves the law a little; consistent sampling cools it, which deepens the valley between the modes.
    bias = 0.03 if dynamics is consistent else 0.006
    for axis in range(2):
        # 1.95/√n is the quantile of one in a thousand.
        assert distance(state.y.mean(1), TWO, sigma / math.sqrt(k), axis) < 1.95 / math.sqrt(count) + bias


@pytest.mark.parametrize("dynamics", ALL, ids=name)
@pytest.mark.parametrize("target", [ONE, TWO], ids=("gaussian", "mixture"))
def test_down_a_ladder_right_chains_stay_right(dynamics, target):
    count, ladder = 4_000, geometric(8.0, 1.0, 25).tolist()
    # Langevin dynamics lags behind a ladder and needs time at each level; the others know the next noise.
    steps = 4 if dynamics in (*GLIDING, corrected, gibbs) else 20
    y, streams = exact_copies(target, ladder[0], count)
    for moment in walk(dynamics, ExactDenoiser(target), y, schedule(dynamics, ladder, steps, 0.1), streams):
        last = moment
    for axis in range(2):
        assert distance(last.y.mean(1), target, 1 / math.sqrt(K), axis) < 1.95 / math.sqrt(count) + 0.006


@pytest.mark.parametrize("ratio", [0.3, 1.0, 1.8])
@pytest.mark.parametrize("dynamics", [langevin, consistent, underdamped, gibbs], ids=name)
def test_a_gaussian_has_the_stationary_variance_that_the_docstrings_predict(dynamics, ratio):
    sigma, count = 2.0, 8_000
    variances = ONE.covariances[0].diagonal().numpy()
    tau_squared = sigma**2 / K
    g = tau_squared / (variances + tau_squared)
    expected = {
        langevin: 1 / (1 - ratio * g / 2),
        consistent: (1 - ratio / 2) / (1 - ratio * g / 2),
        underdamped: np.ones(2),
        gibbs: np.ones(2),
    }[dynamics] * (variances + tau_squared)
    inflation = 1 / (1 - ratio / 2) if dynamics is langevin else 1.0
    y, streams = exact_copies(ONE, sigma, count)
    state = dynamics.init(y)
    # From exact draws every factor but the slowest of r = .3 is forgotten at once.
    for _ in range(80 if ratio < 1 else 40):
        state, _ = dynamics.step(state, ExactDenoiser(ONE), Stage(0, sigma, sigma, ratio, rubbed(1.5)), streams)
    found = state.y.mean(1).double().var(0).numpy()
    np.testing.assert_allclose(found, expected, rtol=5 * math.sqrt(2 / count))
    within = 5 * math.sqrt(2 / (count * (K - 1) * 2))
    assert residual_inflation(state.y, sigma) == pytest.approx(inflation, rel=within)


@pytest.mark.parametrize("ratio", [0.05, 0.5, 1.0, 1.7, 3.0])
@pytest.mark.parametrize("below", [0.5, 0.9, 1.0])
def test_consistent_sampling_leaves_exactly_the_noise_of_the_schedule(ratio, below):
    eta, scale = consistent.coefficients(Stage(0, 2.0, 2.0 * below, ratio))
    assert math.hypot((1 - eta) * 2.0, scale) == pytest.approx(2.0 * below, rel=1e-12)
    if 1 - below <= ratio <= 1 + below:
        assert eta == ratio


def test_the_residuals_of_schedules_stand_where_they_should_at_every_step():
    y, streams = exact_copies(TWO, 5.0, 30_000)
    within = 5 * math.sqrt(2 / (30_000 * (K - 1) * 2))
    for dynamics in (consistent, corrected, gibbs, flow):
        # One step per level: the corrector has no say but at the end.
        for moment in walk(dynamics, ExactDenoiser(TWO), y, schedule(dynamics, (5.0, 3.0, 1.0, 0.4), 1, 0.5), streams):
            if moment.step < 4:
                assert residual_inflation(moment.y, moment.sigma) == pytest.approx(1, rel=within)


@pytest.mark.parametrize("dynamics", ALL, ids=name)
def test_only_dynamics_with_a_wall_blow_up_past_it(dynamics):
    y, streams = exact_copies(TWO, 1.0, 5)
    for ratio in (1.95, 2.05, 3.5):
        state = dynamics.init(y)
        for _ in range(500):
            state, _ = dynamics.step(state, ExactDenoiser(TWO), Stage(0, 1.0, 1.0, ratio), streams)
        lost = not bool((state.y.abs() < 1e6).all())
        assert lost == (ratio > 2 and dynamics in (langevin, underdamped, corrected))


def test_much_friction_makes_langevin_dynamics():
    # c → 0: a step moves by ε·score and noise of variance ε from each of two steps (Leimkuhler and Matthews).
    denoiser, shape = ExactDenoiser(TWO), (5, K, 2)
    noise = Doubles(0, shape)
    y, before, z = (noise.normal() for _ in range(3))
    stage = Stage(0, 1.5, 1.5, 0.2, rubbed(1e3))
    fresh = Doubles(0, shape)
    fresh.normal = lambda: z
    state, _ = underdamped.step(underdamped.State(y, before), denoiser, stage, fresh)
    wanted = y + stage.epsilon * denoiser(y, 1.5).score + math.sqrt(stage.epsilon / 2) * (before + z)
    torch.testing.assert_close(state.y, wanted, rtol=0, atol=1e-12)


def test_momentum_is_conserved_in_what_no_force_and_no_friction_touches():
    def free(y, _sigma):
        return type("Still", (), {"mean": y.mean(1)})()

    y = torch.ones(3, 1, 2, dtype=torch.float64)
    state = underdamped.State(y, 2 * y)
    for _ in range(10):
        state, _ = underdamped.step(state, free, Stage(0, 1.5, 1.5, 0.5, rubbed(1e-300)), Doubles(0, y.shape))
    # Ten steps of length σ√(2r) at speed 2.
    torch.testing.assert_close(state.y, y + 2 * 10 * 1.5)


def test_the_flow_of_a_gaussian_is_the_known_one_to_second_order():
    y, streams = exact_copies(ONE, 6.0, 50)
    y = y.double()
    mean, variance = ONE.means[0], ONE.covariances[0].diagonal()
    scale = torch.sqrt((variance + 1 / K) / (variance + 36 / K))
    wanted = mean + (y.mean(1) - mean) * scale
    errors = []
    for steps in (8, 16, 32):
        *_, last = walk(flow, ExactDenoiser(ONE), y, schedule(flow, (6.0, 1.0), steps, 0.0), streams)
        errors.append((last.y.mean(1) - wanted).abs().max().item())
        residuals = last.y - last.y.mean(1, keepdim=True)
        torch.testing.assert_close(residuals, (y - y.mean(1, keepdim=True)) / 6)
    assert all(3.5 < coarse / fine < 4.5 for coarse, fine in itertools.pairwise(errors))


@pytest.mark.parametrize("first", [1.0, 40.0], ids=("near", "far"))
def test_a_flow_keeps_the_shape_of_its_start(first):
    # A flow scales each direction by a known factor, so what a round start lacks in one is lacking at the end.
    count, end = 20_000, 0.5
    streams = ChainStreams(0, count, (K, 2))
    data = ONE.covariances[0].diagonal()
    near, far = end**2 / K, first**2 / K
    y = gaussian_start(streams, ONE.means[0].float(), math.sqrt(data.mean()), first).double()
    *_, last = walk(flow, ExactDenoiser(ONE), y, schedule(flow, geometric(first, end, 60).tolist(), 1, 0.0), streams)
    wanted = (data.mean() + far) / (data + far) * (data + near)
    torch.testing.assert_close(last.y.mean(1).var(dim=0), wanted, rtol=0.04, atol=0)
    # Only from far outside do the data come out as they are.
    assert bool(((wanted / (data + near) - 1).abs() < 0.005).all()) == (first == 40.0)


def test_the_flow_of_a_mixture_is_what_an_integrator_of_high_order_finds():
    denoiser = ExactDenoiser(TWO)
    y = exact_copies(TWO, 4.0, 6)[0].double()

    def slope(sigma, flat):
        state = torch.from_numpy(flat.reshape(y.shape))
        return ((state - denoiser(state, sigma).mean.unsqueeze(1)) / sigma).numpy().ravel()

    solved = integrate.solve_ivp(slope, (4.0, 0.5), y.numpy().ravel(), method="DOP853", rtol=1e-10, atol=1e-10)
    *_, last = walk(flow, denoiser, y, schedule(flow, (4.0, 0.5), 2000, 0.0), Doubles(0, y.shape))
    np.testing.assert_allclose(last.y.numpy().ravel(), solved.y[:, -1], atol=1e-5)


def test_draws_from_the_posterior_have_its_mean_and_covariance():
    target, sigma, count = random_mixture(3, spread=1.5), 1.3, 60_000
    denoiser = ExactDenoiser(target)
    assert isinstance(denoiser, PosteriorSampler)
    y = torch.randn(1, K, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).expand(count, K, 2)
    x = denoiser.draw(y, sigma, Doubles(0, (count, K, 2)))
    x_hat = denoiser(y[:2], sigma).mean[0]
    error = 5 * x.std(0) / math.sqrt(count)
    assert bool(((x.mean(0) - x_hat).abs() < error).all())
    # The covariance of the posterior is τ² times the slope of x̂ in ȳ.
    tau_squared, h = sigma**2 / K, 1e-5
    moved = torch.stack([denoiser(y[:2] + h * unit, sigma).mean[0] for unit in torch.eye(2, dtype=torch.float64)])
    covariance = tau_squared * (moved - x_hat) / h
    torch.testing.assert_close(x.T.cov(), covariance, rtol=0.03, atol=0.02)


def test_draws_are_the_same_by_numpy_and_by_torch():
    denoiser = ExactDenoiser(random_mixture(2))
    y = 3 * Doubles(1, (30, K, 2)).normal()
    by_numpy = denoiser.draw(y, 1.1, Doubles(0, y.shape))
    by_torch = denoiser.draw(y.clone().requires_grad_(), 1.1, Doubles(0, y.shape))
    torch.testing.assert_close(by_numpy, by_torch.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("glides", [False, True])
def test_a_descent_can_be_entered_anywhere(glides):
    descent = Descent((4.0, 2.0, 1.0), 3, 0.1, rubbed(2.0), glides)
    stages = list(descent.stages())
    assert len(stages) == len(descent) == (6 if glides else 9)
    assert all(list(descent.stages(first)) == stages[first:] for first in range(len(stages) + 1))
    for before, after in itertools.pairwise(stages):
        assert before.next_sigma == after.sigma
    assert (stages[0].sigma, stages[-1].next_sigma) == (4.0, 1.0)
    assert [stage.level for stage in stages] == [level for level in range(3 - glides) for _ in range(3)]
