"""Figures of one state by numpy are those that the engine reports, at the end and on the way."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from mixtures import random_mixture

from msd_engine.data.shapes import mixture
from msd_engine.denoisers.target import MixtureTarget
from msd_engine.events import ChainReport, ChainSegment, Modes
from msd_engine.events.chain_figures import exact_weight_error, figures_of_state, responsibilities
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.tools import frames
from msd_engine.metrics.chains.figures import residual_inflation, within_std
from msd_engine.noise.space import Coloured
from msd_engine.specs import MixtureSpec, load_preset


class Always:
    def due(self):
        return True


@pytest.mark.parametrize("seed", range(5))
def test_responsibilities_are_those_of_the_mixture(seed):
    target, draws = random_mixture(seed), np.random.default_rng(seed)
    modes = Modes(target.weights.numpy(), target.means.numpy(), target.covariances.numpy(), np.eye(2))
    x, tau = 5 * draws.normal(size=(200, 2)), float(draws.uniform(0.01, 5))
    expected = target.responsibilities(torch.from_numpy(x), tau).numpy()
    np.testing.assert_allclose(responsibilities(modes, x, tau), expected, atol=1e-9)


@pytest.mark.parametrize("preset", ["ncsn-toy", "ring-8", "grid-25"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"sampling.jump": False, "training.k": 3},
        {"sampling.step_ratio": 2.2, "sampling.steps_per_level": 24},
    ],
    ids=["plain", "no jump", "past the wall"],
)
def test_the_figures_of_a_state_are_those_of_the_report_of_its_step(preset, fields, monkeypatch):
    monkeypatch.setattr(frames, "_REPORT_EVERY_S", 0.0)
    few = {"sampling.chains": 60, "sampling.levels": 6, "sampling.steps_per_level": 8}
    spec = load_preset(preset).replace_all(few | fields)
    events = list(sample(spec, cadence=Always()))
    (modes,) = [event for event in events if isinstance(event, Modes)]
    states = {
        int(step): (segment.y[index], segment.x_hat[index], float(segment.sigma[index]), float(segment.noise[index]))
        for segment in events
        if isinstance(segment, ChainSegment)
        for index, step in enumerate(segment.steps)
    }
    reports = [event for event in events if isinstance(event, ChainReport)]
    for report in reports:
        y, x_hat, sigma, noise = states[report.step]
        found = figures_of_state(y, x_hat if spec.sampling.jump else None, sigma, modes, noise)
        np.testing.assert_allclose(found.mode_weights, report.mode_weights, atol=1e-4)
        assert found.lived == round(report.alive * found.chains)
        for one, other in (
            (found.within_std, report.within_std),
            (found.residual_inflation, report.residual_inflation),
        ):
            assert one == pytest.approx(other, rel=1e-3, nan_ok=True)
    assert reports[-1].step == spec.sampling.total_steps


def test_noise_of_any_covariance_gives_the_figures_of_white_coordinates(monkeypatch):
    space, generator = Coloured(torch.tensor([[2.0, 0.9], [0.9, 1.0]])), torch.Generator().manual_seed(0)
    monkeypatch.setattr(frames, "space_of", lambda *_: space)
    white, k, sigma = random_mixture(3), 4, 0.7
    (modes,) = frames.PlaneFrames(load_preset("ncsn-toy"), MixtureTarget(white), None).begin()
    x = white.sample(300, generator)
    u = x[:, None] + sigma * torch.randn(300, k, 2, generator=generator, dtype=x.dtype)
    rho = white.responsibilities(u.mean(1), sigma / math.sqrt(k))
    found = figures_of_state(space.decode(u).numpy(), space.decode(x).numpy(), sigma, modes)
    np.testing.assert_allclose(found.mode_weights, rho.mean(0), atol=1e-9)
    assert found.within_std == pytest.approx(within_std(x, rho))
    assert found.residual_inflation == pytest.approx(residual_inflation(u, sigma))


def test_what_is_reported_of_the_modes_is_the_target():
    target = mixture(MixtureSpec(name="ncsn-toy"))
    (modes,) = [event for event in sample(load_preset("ncsn-toy")) if isinstance(event, Modes)]
    np.testing.assert_array_equal(modes.weights, target.weights)
    np.testing.assert_array_equal(modes.means, target.means)
    np.testing.assert_array_equal(modes.covariances, target.covariances)
    np.testing.assert_array_equal(modes.noise, np.eye(2))


def test_without_living_chains_there_are_no_figures():
    modes = Modes(np.ones(1), np.zeros((1, 2)), np.eye(2)[None], np.eye(2))
    found = figures_of_state(np.full((3, 2, 2), np.nan, np.float32), None, 1.0, modes)
    assert (found.lived, found.chains) == (0, 3)
    assert math.isnan(found.within_std)
    assert math.isnan(found.residual_inflation)
    assert np.isnan(found.mode_weights).all()


@pytest.mark.parametrize(
    ("weights", "draws"),
    [((0.5, 0.5), 12), ((0.8, 0.2), 9), ((0.6, 0.3, 0.1), 10), ((0.25,) * 4, 7), ((1.0, 0.0), 5), ((0.9, 0.1), 1)],
)
@pytest.mark.parametrize("chance", [0.5, 0.95])
def test_the_error_of_exact_draws_is_that_of_all_their_counts(weights, draws, chance):
    places = range(draws + 1)
    errors = sorted(
        (max(abs(count / draws - weight) for count, weight in zip(counts, weights, strict=True)), share)
        for counts in itertools.product(places, repeat=len(weights))
        if sum(counts) == draws and (share := multinomial(counts, weights)) > 0
    )
    below = np.cumsum([share for _, share in errors])
    expected = errors[int(np.searchsorted(below, chance - 1e-9))][0]
    assert expected - 1e-6 <= exact_weight_error(weights, draws, chance) <= expected + 0.06 / draws


def multinomial(counts, weights):
    """Return the chance of counts of independent draws, by the formula."""
    ways = math.factorial(sum(counts)) / math.prod(math.factorial(count) for count in counts)
    return ways * math.prod(weight**count for weight, count in zip(weights, counts, strict=True))


def test_no_draws_have_no_error():
    assert math.isnan(exact_weight_error((0.5, 0.5), 0))
