"""The reverse SDE of the variance-preserving process: its Euler steps on x, its law, and its end."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from msd_engine.backend.streams import ChainStreams
from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.events import ChainReport, Finished, Samples
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.chains.figures import residual_inflation
from msd_engine.metrics.chains.ladders import variances
from msd_engine.noise.chosen import process_of
from msd_engine.noise.space import Coloured
from msd_engine.samplers.descent import Descent, Stage
from msd_engine.samplers.reverse import sde
from msd_engine.samplers.walk import walk
from msd_engine.specs import ExperimentSpec, MixtureSpec, NoiseSpec
from msd_engine.specs.tables.samplers import ChosenSampler

OWN = ChosenSampler(sampler="sde")
SPACE = Coloured(torch.tensor([[3.0, 1.6], [1.6, 1.0]]))


class Given:
    """Noise that was drawn before."""

    def __init__(self, z):
        self._z = z

    def normal(self):
        return self._z


@pytest.mark.parametrize("name", ["ddpm", "cosine", "vp"])
def test_a_step_is_the_euler_step_on_x_with_coloured_noise(name):
    process = process_of(NoiseSpec(process=name))
    generator = torch.Generator().manual_seed(0)
    draw = lambda: torch.randn(5, 2, generator=generator, dtype=torch.float64)  # noqa: E731
    (alpha, sigma), (after, _) = process(0.6), process(0.55)
    x, z = draw(), draw()
    data = GaussianMixture([1.0], [[0.7, -0.3]], [[[0.6, 0.2], [0.2, 0.9]]])
    # ∇ log N(x; α m, α² V + σ² C), and C^½ times the same white numbers.
    matrix = SPACE.covariance(2)
    spread = alpha**2 * data.covariances[0] + sigma**2 * matrix
    score = -torch.linalg.solve(spread, (x - alpha * data.means[0]).T).T
    b = 2 * math.log(after / alpha)
    expected = x + b * (x / 2 + score @ matrix) + math.sqrt(b) * SPACE.decode(z)
    white = GaussianMixture(data.weights, SPACE.encode(data.means), SPACE.encode(SPACE.encode(data.covariances).mT))
    stage = Stage(0, process.noise(0.6), process.noise(0.55), own=OWN)
    y = SPACE.encode(x, alpha).unsqueeze(1)
    moved, _ = sde.step(sde.init(y), ExactDenoiser(white), stage, Given(z.unsqueeze(1)))
    torch.testing.assert_close(SPACE.decode(moved.y[:, 0], after), expected, rtol=0, atol=1e-9)


def test_the_law_is_that_of_many_chains():
    count, k, noises = 40_000, 2, (6.0, 3.0, 1.5, 0.7)
    data = GaussianMixture([1.0], [[0.0, 0.0]], [[[0.5, 0.0], [0.0, 2.0]]])
    streams = ChainStreams(0, count, (k, 2))
    y = data.sample(count, torch.Generator().manual_seed(0)).float().unsqueeze(1) + 6.0 * streams.normal()
    schedule = Descent(noises, 2, 0.0, OWN, glides=True)
    *_, last = walk(sde, ExactDenoiser(data), y, schedule, streams)
    within = 5 * math.sqrt(2 / count)
    expected = variances("sde", schedule, k, np.array([0.5, 2.0]))[-1]
    np.testing.assert_allclose(last.y.mean(1).double().var(0).numpy(), expected, rtol=within)
    residual = variances("sde", schedule, 1, np.zeros(1))[-1, 0] / 0.7**2
    assert residual_inflation(last.y, 0.7) == pytest.approx(residual, rel=within)
    assert abs(residual - 1) > 5 * within


MODES = MixtureSpec(
    name="custom",
    weights=(0.3, 0.7),
    means=((-3.0, 0.0), (2.0, 1.5)),
    covariances=(((0.6, 0.2), (0.2, 0.9)), ((0.4, -0.1), (-0.1, 0.3))),
)


@pytest.mark.parametrize("sampler", ["sde", "ode"])
def test_weights_means_and_covariances_of_a_mixture_are_right_under_coloured_noise(sampler):
    fields = {"noise.process": "vp", "noise.covariance": "ellipse", "noise.elongation": 4.0, "training.k": 1}
    fields |= {"sampling.sampler": sampler, "sampling.ladder": "report", "sampling.sigma_1": 60.0}
    fields |= {"sampling.sigma_L": 0.02, "sampling.levels": 1000 if sampler == "sde" else 251}
    fields |= {"sampling.steps_per_level": 1, "sampling.chains": 6_000}
    events = list(sample(ExperimentSpec(data=MODES).replace_all(fields), device="cpu"))
    assert isinstance(events[-1], Finished), events[-1]
    (samples,) = [event for event in events if isinstance(event, Samples)]
    report = [event for event in events if isinstance(event, ChainReport)][-1]
    x = samples.x_hat.astype(float)
    second = np.linalg.norm(x - MODES.means[1], axis=1) < np.linalg.norm(x - MODES.means[0], axis=1)
    np.testing.assert_allclose(report.mode_weights, MODES.weights, atol=4 * math.sqrt(0.21 / 6_000) + 0.01)
    for mode, members in enumerate((x[~second], x[second])):
        spread = np.array(MODES.covariances[mode])
        error = np.sqrt(spread.diagonal() / len(members))
        assert (np.abs(members.mean(0) - MODES.means[mode]) < 4 * error + 0.03).all()
        np.testing.assert_allclose(np.cov(members.T), spread, atol=0.07)
