"""What ladders do to the noise: NCSNv2's figure, and the exact recursion for every sampler against its own steps."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from mixtures import settled_std

from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.posterior import Posterior
from msd_engine.jobs.factory import chains as build_chains
from msd_engine.jobs.factory import parts
from msd_engine.jobs.sampling.ladder import ladder as ladder_job
from msd_engine.metrics.chains.ladders import excess, noise_at_ends, settled, steps_needed, swelling, variances
from msd_engine.metrics.chains.predictions import predicted_std
from msd_engine.noise.ladder import geometric, karras
from msd_engine.samplers.descent import Descent
from msd_engine.samplers.laws import inflated, unknown
from msd_engine.samplers.registry import DYNAMICS
from msd_engine.samplers.walk import walk
from msd_engine.specs import load_preset
from msd_engine.specs.tables.samplers import TRAITS, ChosenSampler

SAMPLERS = tuple(DYNAMICS)
GLIDING = tuple(name for name, row in TRAITS.items() if row.glides)
NOISY = tuple(name for name, row in TRAITS.items() if not row.noiseless)
LAWFUL = tuple(name for name in NOISY if DYNAMICS[name].LAW.variances is not unknown)
SWELL = tuple(name for name, row in TRAITS.items() if "conditioning" in row.own)
CHOICES = [(name, actual) for name in LAWFUL for actual in (False, True) if not actual or name in SWELL]
# Their steps err in the residuals as well.
ABSOLUTE = tuple(name for name, row in TRAITS.items() if row.absolute)
SCHEDULED = tuple(name for name in NOISY if DYNAMICS[name].LAW.as_scheduled)
LADDER = tuple(karras(6.0, 0.5, 5, 7.0).tolist())
DATA = np.array([0.0, 0.3, 2.0])


def rubbed(friction):
    return ChosenSampler(sampler="underdamped", friction=friction)


def schedule(sampler, ladder=LADDER, steps=3, ratio=0.4, friction=0.8, actual=False):
    residuals = DYNAMICS[sampler].LAW.residuals if actual else None
    return Descent(tuple(ladder), steps, ratio, rubbed(friction), sampler in GLIDING, residuals)


class Impulse:
    """No noise, but a 1 for chain j in step j, counted from 1."""

    def __init__(self, chains):
        self._chains, self._step = chains, 0

    def normal(self):
        self._step += 1
        z = torch.zeros(self._chains, 1, 1, dtype=torch.float64)
        z[self._step] = 1.0
        return z


@pytest.mark.parametrize(("sampler", "actual"), [one for one in CHOICES if not TRAITS[one[0]].needs])
@pytest.mark.parametrize("steps", [1, 3, 30])
@pytest.mark.parametrize("variance", DATA)
def test_the_recursion_is_what_the_steps_do(sampler, actual, steps, variance):
    # Chains of a Gaussian are linear in their start and their noise: the variance is the sum of squared responses.
    def denoiser(y, sigma):
        return Posterior(y.mean(1) * variance / (variance + sigma**2), torch.empty(0))

    descent = schedule(sampler, steps=steps, actual=actual)
    y = torch.zeros(len(descent) + 1, 1, 1, dtype=torch.float64)
    y[0] = math.sqrt(variance + LADDER[0] ** 2)
    *_, last = walk(DYNAMICS[sampler], denoiser, y, descent, Impulse(len(y)))
    found = variances(sampler, descent, 1, np.array([variance]))[-1, 0]
    assert found == pytest.approx(last.y.square().sum().item(), rel=1e-12)


@pytest.mark.parametrize("sampler", SWELL)
@pytest.mark.parametrize("data", [np.zeros(2), DATA])
def test_the_denoiser_gets_the_noise_of_the_state(sampler, data):
    # Along λ = 0 the chains are their noise; there no x̂ depends on the noise that the denoiser gets.
    descent = schedule(sampler, actual=True)
    y = torch.zeros(len(descent) + 1, 1, 1, dtype=torch.float64)
    y[0] = LADDER[0]
    actual = []

    def denoiser(y, sigma):
        actual.append(sigma)
        return Posterior(torch.zeros_like(y[:, 0]), torch.empty(0))

    for moment in walk(DYNAMICS[sampler], denoiser, y, descent, Impulse(len(y))):
        there = math.sqrt(moment.y.square().sum().item())
        assert moment.noise == actual[-1] == pytest.approx(max(there, 1e-3 * moment.sigma), rel=1e-12)
    ends = np.sqrt(variances(sampler, descent, 1, data)[:, 0])
    np.testing.assert_allclose(noise_at_ends(sampler, descent), ends, rtol=1e-12)
    assert ends[-1] == pytest.approx(there, rel=1e-12)


@pytest.mark.parametrize("sampler", LAWFUL)
def test_a_sampler_has_the_choice_where_it_swells(sampler):
    assert (DYNAMICS[sampler].LAW.residuals is not None) is (sampler in SWELL)
    if sampler not in SWELL + ABSOLUTE:
        np.testing.assert_allclose(swelling(sampler, schedule(sampler)), 1, rtol=1e-12)


@pytest.mark.parametrize(("sampler", "actual"), [one for one in CHOICES if one[0] not in ABSOLUTE])
def test_copies_count_by_their_effective_noise_alone(sampler, actual):
    k = 5
    narrow = [sigma / math.sqrt(k) for sigma in LADDER]
    many = variances(sampler, schedule(sampler, actual=actual), k, DATA)
    one = variances(sampler, schedule(sampler, narrow, actual=actual), 1, DATA)
    np.testing.assert_allclose(many, one, rtol=1e-12)


@pytest.mark.parametrize("sampler", SWELL)
def test_the_later_part_of_a_ladder_continues_with_its_noise(sampler):
    whole = schedule(sampler, actual=True)
    noise = next(whole.noises(2 * 3))
    part = dataclasses.replace(whole, ladder=LADDER[2:], begins=noise)
    if sampler == "underdamped":
        # A part begins at rest.
        assert next(part.noises()) == pytest.approx(noise)
    else:
        np.testing.assert_allclose(list(part.noises()), list(whole.noises(2 * 3)), rtol=1e-12)


@pytest.mark.parametrize(("actual", "right"), [(False, lambda g, r: g * r / 2), (True, lambda g, r: (g - 1) * r / 2)])
@pytest.mark.parametrize("ratio", [0.02, 0.2, 0.8])
def test_settled_langevin_errs_less_at_the_noise_of_the_state_on_narrow_data(actual, right, ratio):
    # The excess of the variance of x̂ over its value at the noise of the state, λ²/(λ + v).
    data = np.geomspace(1e-3, 10, 13)
    descent = schedule("langevin", [1.0], 10_000, ratio, actual=actual)
    v = inflated(ratio) if actual else 1.0
    g = v / (data + v)
    excess = variances("langevin", descent, 1, data)[-1] / (data + v) - 1
    np.testing.assert_allclose(excess, right(g, ratio) / (1 - ratio * g / 2), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sampler", SWELL)
@pytest.mark.parametrize("k", [1, 8])
def test_with_the_actual_noise_the_spread_of_narrow_estimates_is_nearly_right(sampler, k):
    # λ well below σ_L²/k, as for most directions of images, and several levels of few steps.
    data, ends = np.array([1e-3, 3e-3]) / k, {}
    for actual in (False, True):
        descent = schedule(sampler, geometric(3.0, 0.5, 12).tolist(), 3, 0.3, actual=actual)
        noise = np.square(noise_at_ends(sampler, descent)[-1]) / k
        gain = data / (data + noise)
        spread = gain**2 * variances(sampler, descent, k, data)[-1]
        ends[actual] = np.abs(spread / (gain * data) - 1)
    assert (ends[True] < ends[False] / 2).all(), ends


@pytest.mark.parametrize("sampler", SWELL)
def test_past_the_wall_what_is_reported_stays_bounded(sampler):
    descent = schedule(sampler, steps=3000, ratio=2.5, actual=True)
    noises = np.array(list(descent.noises()))
    assert np.isfinite(noises).all()
    assert noises.max() == 1e6
    assert noises.min() > 0


def test_without_a_recursion_there_is_no_figure_but_a_limit():
    assert set(NOISY) - set(LAWFUL) == {"metropolis"}
    descent = schedule("metropolis")
    assert np.isnan(swelling("metropolis", descent)).all()
    assert settled("metropolis", 1.5) == 1
    assert steps_needed("metropolis", descent) == 0


def test_gibbs_is_exact_at_every_level():
    exact = DATA + np.square(LADDER)[:, None] / 3
    np.testing.assert_allclose(variances("gibbs", schedule("gibbs"), 3, DATA), exact, rtol=1e-12)


@pytest.mark.parametrize("sampler", SCHEDULED)
def test_noise_is_as_scheduled_where_the_law_says_so(sampler):
    found = variances(sampler, schedule(sampler), 1, np.zeros(1))[:, 0] / np.square(LADDER)
    np.testing.assert_allclose(found, swelling(sampler, schedule(sampler)), rtol=1e-12)


@pytest.mark.parametrize("steps", [1, 5, 40])
@pytest.mark.parametrize("r", [0.01, 0.3, 1.3])
def test_swelling_is_the_figure_of_ncsnv2(steps, r):
    gamma, c = 1.3, inflated(r)
    ladder = geometric(gamma**6, 1.0, 7).tolist()
    found = swelling("langevin", schedule("langevin", ladder, steps, r))
    before = np.append(1 / gamma**2, found[:-1])
    np.testing.assert_allclose(found, (1 - r) ** (2 * steps) * (before * gamma**2 - c) + c, rtol=1e-12)


def test_long_levels_end_in_the_stationary_variance():
    target = GaussianMixture(
        [0.4, 0.6], [[-9.0, 0.0], [9.0, 0.0]], [[[0.5, 0.2], [0.2, 1.0]], [[2.0, 0.0], [0.0, 0.1]]]
    )
    for jump in (False, True):
        counts = 1e9 * target.weights.numpy()
        found = predicted_std(target, "langevin", schedule("langevin", steps=4000), 3, 50.0, counts, jump=jump)
        assert found == pytest.approx(settled_std(target, LADDER[-1], 3, 0.4, jump=jump), rel=1e-9)
    assert swelling("langevin", schedule("langevin", steps=4000))[-1] == pytest.approx(1.25)
    assert swelling("underdamped", schedule("underdamped", steps=4000, ratio=1.7))[-1] == pytest.approx(1)


def test_past_the_wall_the_swelling_is_huge():
    for sampler in ("langevin", "underdamped", "predictor-corrector"):
        assert not swelling(sampler, schedule(sampler, steps=1000, ratio=2.5))[-1] < 1e12


@pytest.mark.parametrize("sampler", NOISY)
def test_the_job_reports_the_ladder_that_is_walked(sampler):
    spec = load_preset("ring-8").replace_all({"sampling.sampler": sampler, "sampling.ladder": "karras"})
    actual, _ = ladder_job(spec)
    assert int(actual.steps.sum()) == spec.sampling.total_steps == len(parts.descent(spec))
    assert (actual.sigma[0], actual.sigma[-1]) == (spec.sampling.sigma_1, spec.sampling.sigma_L)
    assert actual.evaluations == spec.sampling.evaluations
    assert len(actual.swelling) == len(actual.sigma) == spec.sampling.levels


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_evaluations_are_as_many_as_the_denoiser_is_asked(sampler):
    spec = load_preset("ncsn-toy").replace_all(
        {"sampling.sampler": sampler, "sampling.chains": 2, "sampling.levels": 4, "sampling.steps_per_level": 3}
    )
    chains = build_chains.sampling(spec)
    wanted = []

    class Counting(type(chains.denoiser)):
        def __call__(self, y, sigma):
            if len(y) == 2:
                wanted.append(sigma)
            return super().__call__(y, sigma)

        def density(self, y, sigma):
            wanted.append(sigma)
            return super().density(y, sigma)

        def clean_score(self, x):
            wanted.append(0.0)
            return super().clean_score(x)

    list(walk(chains.dynamics, Counting(chains.target.modes), chains.y, chains.descent, chains.streams))
    assert len(wanted) == spec.sampling.evaluations


@pytest.mark.parametrize("sampler", [name for name in LAWFUL if DYNAMICS[name].LAW.separate])
@pytest.mark.parametrize("ratio", [0.05, 0.4, 1.5])
def test_so_many_steps_bring_the_noise_to_what_it_tends_to_and_hardly_fewer_do(sampler, ratio):
    descent = schedule(sampler, ratio=ratio)
    needed = steps_needed(sampler, descent, 0.05)
    assert excess(sampler, dataclasses.replace(descent, steps_per_level=needed)) <= 0.05
    fewer = int(needed / 1.1) - 1
    assert fewer < 1 or excess(sampler, dataclasses.replace(descent, steps_per_level=fewer)) > 0.05
    for steps in (10 * needed, 1000 * needed):
        long = swelling(sampler, dataclasses.replace(descent, steps_per_level=steps))
        np.testing.assert_allclose(long, settled(sampler, ratio), atol=0.05)


def test_of_plain_steps_on_a_geometric_ladder_the_excess_is_known():
    # y ← (1 − r) y + √(2r) z σ_i, from the variance that the level before has settled to.
    ratio, steps = 0.3, 4
    descent = schedule("langevin", geometric(8.0, 1.0, 4).tolist(), steps, ratio)
    found = swelling("langevin", descent)
    variance, tends = found[0], 1 / (1 - ratio / 2)
    assert settled("langevin", ratio) == pytest.approx(tends)
    for level in range(1, 4):
        variance = (1 - ratio) ** (2 * steps) * (4 * variance - tends) + tends
        assert found[level] == pytest.approx(variance)
