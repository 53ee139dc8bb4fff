"""DDPM and DDIM: the steps of the papers with isotropic and coloured noise, their relations, and their laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from msd_engine.backend.streams import ChainStreams
from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.events import ChainReport, Finished, Samples
from msd_engine.jobs.factory.parts import ladder
from msd_engine.jobs.factory.targets import target
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.chains.figures import residual_inflation
from msd_engine.metrics.chains.ladders import variances
from msd_engine.noise.chosen import process_of, space_of
from msd_engine.noise.space import Coloured
from msd_engine.samplers import corrected
from msd_engine.samplers.descent import Descent, Stage
from msd_engine.samplers.registry import DYNAMICS
from msd_engine.samplers.reverse import ddim
from msd_engine.samplers.walk import walk
from msd_engine.specs import ExperimentSpec, MixtureSpec, NoiseSpec
from msd_engine.specs.tables.samplers import ChosenSampler

SIGMA = Coloured(torch.tensor([[3.0, 1.6], [1.6, 1.0]]))
DATA = GaussianMixture([0.3, 0.7], [[-2.0, 0.0], [1.5, 1.0]], [[[0.6, 0.2], [0.2, 0.9]], [[0.4, -0.1], [-0.1, 0.3]]])
COUNT = 5


def own(eta, new_noise="beta-tilde"):
    return ChosenSampler(sampler="ddim", eta=eta, new_noise=new_noise)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Given:
    """Noise that was drawn before."""

    def __init__(self, numbers):
        self._numbers = iter(numbers)

    def normal(self):
        return next(self._numbers)


def whitened(space):
    """The data in the coordinates of a space."""
    covariances = space.encode(space.encode(DATA.covariances).mT)
    return GaussianMixture(DATA.weights, space.encode(DATA.means), (covariances + covariances.mT) / 2)


def posterior_mean(x_t, signal, matrix):
    """E[x | x_t] for x_t = √ᾱ x + √(1 − ᾱ) √Σ n, in the coordinates of the data."""
    noisy = DATA.covariances + (1 - signal) / signal * matrix
    y = x_t / math.sqrt(signal)
    laws = [torch.distributions.MultivariateNormal(m, c) for m, c in zip(DATA.means, noisy, strict=True)]
    rho = torch.softmax(torch.stack([law.log_prob(y) for law in laws], -1) + DATA.weights.log(), -1)
    means = [
        m + (y - m) @ torch.linalg.solve(n, c) for m, c, n in zip(DATA.means, DATA.covariances, noisy, strict=True)
    ]
    return (rho.unsqueeze(-1) * torch.stack(means, -2)).sum(-2)


@pytest.mark.parametrize(
    ("eta", "new_noise"), [(0.0, "beta-tilde"), (0.4, "beta-tilde"), (1.0, "beta-tilde"), (1.0, "beta")]
)
@pytest.mark.parametrize("coloured", [False, True], ids=["isotropic", "coloured"])
def test_chains_on_x_are_decoded_chains_on_u_with_the_same_numbers(eta, new_noise, coloured):
    # The papers' steps on x_t with noise √Σ z, beside ours on u = Σ^(−½) x/√ᾱ.
    space = SIGMA if coloured else space_of(NoiseSpec(), (2,))
    matrix = space.covariance(2)
    process, times = process_of(NoiseSpec(process="ddpm")), (0.8, 0.6, 0.35, 0.1, 0.02)
    signals = [process(t)[0] ** 2 for t in times]
    noises = tuple(process.noise(t) for t in times)
    x = space.decode(normal(COUNT, 2, seed=1))
    start, draws = space.encode(x) / math.sqrt(signals[0]), [normal(COUNT, 2, seed=9 + i) for i in range(4)]
    schedule = Descent(noises, 1, 0.0, own(eta, new_noise), glides=True)
    given = Given([z.unsqueeze(1) for z in draws])
    chains = list(walk(ddim, ExactDenoiser(whitened(space)), start.unsqueeze(1), schedule, given))
    for step, z in enumerate(draws):
        signal, after = signals[step], signals[step + 1]
        beta = 1 - signal / after
        tilde = beta * (1 - after) / (1 - signal)
        x_hat = posterior_mean(x, signal, matrix)
        n = (x - math.sqrt(signal) * x_hat) / math.sqrt(1 - signal)
        if new_noise == "beta":
            # Ho et al., eq. 7, with σ_t² = β_t.
            mean = math.sqrt(after) * beta / (1 - signal) * x_hat
            mean = mean + math.sqrt(signal / after) * (1 - after) / (1 - signal) * x
            x = mean + math.sqrt(beta) * space.decode(z)
        else:
            s = eta * math.sqrt(tilde)
            x = math.sqrt(after) * x_hat + math.sqrt(1 - after - s**2) * n + s * space.decode(z)
        ours = space.decode(chains[step + 1].y[:, 0], math.sqrt(after))
        torch.testing.assert_close(ours, x, rtol=0, atol=1e-9)
        torch.testing.assert_close(space.decode(chains[step].posterior.mean), x_hat, rtol=0, atol=1e-9)


def test_all_new_noise_is_the_ancestral_step_and_none_is_euler_on_the_flow():
    y, z = 4 * normal(7, 3, 2), normal(7, 3, 2, seed=1)
    denoiser, stage = ExactDenoiser(DATA), Stage(0, 3.0, 2.0)
    ancestral, _ = corrected.step(corrected.init(y), denoiser, stage, Given([z]))
    ours, info = ddim.step(ddim.init(y), denoiser, stage._replace(own=own(1.0)), Given([z]))
    torch.testing.assert_close(ours.y, ancestral.y, rtol=0, atol=1e-12)
    euler = y + (2.0 - 3.0) * (y - info.posterior.mean.unsqueeze(1)) / 3.0
    none, _ = ddim.step(ddim.init(y), denoiser, stage._replace(own=own(0.0)), Given([]))
    torch.testing.assert_close(none.y, euler, rtol=0, atol=1e-12)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("new_noise", ["beta-tilde", "beta"])
def test_the_law_is_that_of_many_chains(eta, new_noise):
    count, k, noises = 40_000, 2, (6.0, 3.0, 1.5, 0.7)
    data = GaussianMixture([1.0], [[0.0, 0.0]], [[[0.5, 0.0], [0.0, 2.0]]])
    streams = ChainStreams(0, count, (k, 2))
    y = data.sample(count, torch.Generator().manual_seed(0)).float().unsqueeze(1) + 6.0 * streams.normal()
    schedule = Descent(noises, 2, 0.0, own(eta, new_noise), glides=True)
    *_, last = walk(ddim, ExactDenoiser(data), y, schedule, streams)
    expected = variances("ddim", schedule, k, np.array([0.5, 2.0]))[-1]
    within = 5 * math.sqrt(2 / count)
    np.testing.assert_allclose(last.y.mean(1).double().var(0).numpy(), expected, rtol=within)
    residual = variances("ddim", schedule, 1, np.zeros(1))[-1, 0] / 0.7**2
    assert residual_inflation(last.y, 0.7) == pytest.approx(residual, rel=within)
    if new_noise == "beta-tilde" or eta == 0:
        assert residual == pytest.approx(1.0, rel=1e-12)
    else:
        assert residual > 1.1
    assert DYNAMICS["ddim"] is ddim


MODES = MixtureSpec(
    name="custom",
    weights=(0.3, 0.7),
    means=((-3.0, 0.0), (2.0, 1.5)),
    covariances=(((0.6, 0.2), (0.2, 0.9)), ((0.4, -0.1), (-0.1, 0.3))),
)


def chains(**fields):
    """Draw 6 000 chains of the mixture, down the times of the process."""
    wanted = {"sampling.sampler": "ddim", "sampling.ladder": "report", "sampling.sigma_1": 60.0}
    wanted |= {"sampling.sigma_L": 0.02, "sampling.levels": 1000, "sampling.steps_per_level": 1}
    wanted |= {"sampling.chains": 6_000, "training.k": 1} | fields
    events = list(sample(ExperimentSpec(data=MODES).replace_all(wanted), device="cpu"))
    assert isinstance(events[-1], Finished), events[-1]
    return events


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize(
    "noise",
    [{"noise.covariance": "isotropic"}, {"noise.covariance": "ellipse", "noise.elongation": 4.0}],
    ids=["isotropic", "coloured"],
)
def test_weights_means_and_covariances_of_a_mixture_are_right_after_ddpm_and_ddim(eta, noise):
    events = chains(**noise, **{"noise.process": "ddpm", "sampling.eta": eta})
    (samples,) = [event for event in events if isinstance(event, Samples)]
    report = [event for event in events if isinstance(event, ChainReport)][-1]
    x = samples.x_hat.astype(float)
    second = np.linalg.norm(x - MODES.means[1], axis=1) < np.linalg.norm(x - MODES.means[0], axis=1)
    share = second.mean()
    assert share == pytest.approx(0.7, abs=4 * math.sqrt(0.21 / 6_000) + 0.01)
    np.testing.assert_allclose(report.mode_weights, MODES.weights, atol=4 * math.sqrt(0.21 / 6_000) + 0.01)
    for mode, members in enumerate((x[~second], x[second])):
        spread = np.array(MODES.covariances[mode])
        error = np.sqrt(spread.diagonal() / len(members))
        assert (np.abs(members.mean(0) - MODES.means[mode]) < 4 * error + 0.02).all()
        np.testing.assert_allclose(np.cov(members.T), spread, atol=0.07)


@pytest.mark.parametrize("ratio", [0.3, 1.2])
def test_langevin_preconditioned_by_the_covariance_swells_alike_in_every_direction_of_it(ratio):
    # NI-SMLD at one noise: the residuals y_i − ȳ have the covariance σ² C/(1 − r/2), whatever the data (theory §7).
    spec = ExperimentSpec(data=MODES).replace_all(
        {"noise.covariance": "ellipse", "noise.elongation": 5.0, "noise.angle": 20.0, "sampling.method": "fixed"}
        | {"sampling.sigma_L": 0.8, "sampling.steps_per_level": 60, "sampling.step_ratio": ratio, "training.k": 4}
        | {"sampling.chains": 8_000}
    )
    (samples,) = [event for event in sample(spec, device="cpu") if isinstance(event, Samples)]
    residuals = (samples.y - samples.y.mean(1, keepdims=True)).reshape(-1, 2).astype(float)
    found = residuals.T @ residuals / (8_000 * 3)
    space = space_of(spec.noise, (2,))
    seen = space.encode(space.encode(torch.from_numpy(found)).mT).numpy()
    np.testing.assert_allclose(
        seen, 0.64 / (1 - ratio / 2) * np.eye(2), atol=5 * 0.64 / (1 - ratio / 2) / math.sqrt(12_000)
    )


def test_the_quadratic_ladder_has_equal_steps_of_the_root_of_time():
    spec = ExperimentSpec(data=MODES).replace_all(
        {"noise.process": "vp", "sampling.ladder": "quadratic", "sampling.sigma_1": 40.0, "sampling.sigma_L": 0.05}
    )
    levels = ladder(spec)
    assert (levels[0].item(), levels[-1].item()) == (40.0, 0.05)
    roots = process_of(spec.noise).time(levels).sqrt().diff()
    torch.testing.assert_close(roots, roots[:1].expand_as(roots))
    assert target(spec) is not None
