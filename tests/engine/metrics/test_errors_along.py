"""Errors of a learned score along chains: exact by construction, the same for any cut of the history."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mixtures import random_mixture

from msd_engine.cli.commands.sample import SampleAccount
from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.target import MixtureTarget
from msd_engine.events import ChainReport
from msd_engine.events.sampling import LOST
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.metrics.errors.along import ErrorsAlong
from msd_engine.samplers.twin import Segment
from msd_engine.specs import load_preset

K, STEPS = 3, 12
TRAINED = (0.1, 5.0)
FIELDS = ("sigma", "noises", "path", "means")


def segment(target, level, sigma, steps, err, *, chains=50, seed=0):
    """States at random places, whose learned score is (1 + err) times the exact one."""
    generator = torch.Generator().manual_seed(seed)
    y = 6 * torch.randn(len(steps), chains, K, 2, generator=generator, dtype=torch.float64)
    exact = target.denoiser()(y.reshape(-1, K, 2).float().double(), sigma).mean.reshape(len(steps), chains, 2)
    y_mean = y.mean(2)
    x_hat = y_mean + (1 + err) * (exact - y_mean)
    parts = np.full(len(steps), sigma), y.float().numpy(), x_hat.float().numpy()
    return Segment(np.array(steps), level, sigma, *parts)


def along(target, levels=2, k=K):
    return ErrorsAlong(target, levels, STEPS, k, TRAINED)


@pytest.mark.parametrize("seed", range(3))
def test_the_error_of_a_score_that_is_wrong_by_a_factor_is_that_factor(seed):
    target = MixtureTarget(random_mixture(seed))
    errors = along(target)
    errors.note(segment(target, 0, 4.0, range(STEPS), 0.25), 1)
    errors.note(segment(target, 1, 0.5, range(STEPS, 2 * STEPS + 1), -1.0), 1)
    found = errors.measured()
    np.testing.assert_allclose(found.error, [0.25, 1.0], rtol=1e-3)
    np.testing.assert_allclose(found.sigma_eff, np.array([4.0, 0.5]) / math.sqrt(K))
    np.testing.assert_allclose(found.share.sum(1), 1.0)
    known = found.by_region[np.isfinite(found.by_region)]
    assert len(known) >= 4
    np.testing.assert_allclose(found.by_region[1][found.share[1] > 0], 1.0, rtol=1e-3)
    assert (found.worst, found.trained, found.level.tolist()) == (1, TRAINED, [0, 1])


@pytest.mark.parametrize("stride", [1, 2, 5])
def test_the_cut_of_the_history_does_not_matter(stride):
    target = MixtureTarget(random_mixture(1))
    whole = segment(target, 0, 1.0, range(0, STEPS, stride), 0.5)
    at_once, in_parts = along(target), along(target)
    at_once.note(whole, stride)
    for step in whole.steps:
        in_parts.note(whole.cut(whole.steps == step), stride)
    for name in ("error", "share", "by_region"):
        one, other = (getattr(errors.measured(), name) for errors in (at_once, in_parts))
        np.testing.assert_array_equal(one, other)


def test_states_are_counted_where_they_are():
    round_ = [[1.0, 0.0], [0.0, 1.0]]
    target = MixtureTarget(GaussianMixture([0.5, 0.5], [[-8.0, 0.0], [8.0, 0.0]], [round_, round_]))
    places = torch.tensor([[8.0, 0.2], [-8.0, 0.0], [8.0, 0.0], [0.0, 0.0], [3.0, 0.0], [0.0, 30.0]])
    y = places[None, :, None].expand(1, -1, K, -1).numpy()
    errors = along(target)
    errors.note(Segment(np.array([0]), 0, 0.5, np.array([0.5]), y, y.mean(2)), 1)
    np.testing.assert_allclose(errors.measured().share, [[3 / 6, 2 / 6, 1 / 6]])


def test_lost_chains_do_not_count_and_without_others_there_is_no_error():
    target = MixtureTarget(random_mixture(2))
    whole = segment(target, 0, 1.0, range(4), 0.5)
    whole.path[:, ::2] = LOST
    whole.means[:, 1] = math.nan
    errors = along(target)
    errors.note(whole, 1)
    np.testing.assert_allclose(errors.measured().error, 0.5, rtol=1e-3)
    whole.path[:] = LOST
    gone = along(target)
    gone.note(whole, 1)
    found = gone.measured()
    assert np.isnan(found.error).all()
    assert found.worst is None


def test_few_levels_of_a_long_ladder_are_measured():
    target = MixtureTarget(random_mixture(0))
    errors = along(target, levels=500)
    few = segment(target, 0, 1.0, [0], 0.1, chains=3)
    for level in range(500):
        errors.note(Segment(few.steps + STEPS * level, level, *(getattr(few, name) for name in FIELDS)), 1)
    found = errors.measured()
    assert (found.level[0], found.level[-1], len(found.level)) == (0, 499, 32)


def last_report(spec, run=None):
    *_, report = (event for event in sample(spec, run_dir=run, device="cpu") if isinstance(event, ChainReport))
    return report


def test_chains_report_the_errors_of_their_network_but_not_those_of_the_exact_score(tmp_path):
    few = {"training.k": 2, "training.steps": 4, "network.width": 8, "sampling.levels": 3, "sampling.chains": 40}
    few |= {"sampling.steps_per_level": 3}
    spec = load_preset("ncsn-toy").replace_all(few)
    assert last_report(spec).score_errors is None
    list(train(spec, tmp_path / "run", device="cpu"))
    learned = spec.replace("sampling.source", "trained")
    report = last_report(learned, tmp_path / "run")
    found = report.score_errors
    sigma_1, sigma_L = spec.sampling.sigma_1, spec.sampling.sigma_L
    np.testing.assert_allclose(found.sigma_eff[[0, -1]], np.array([sigma_1, sigma_L]) / math.sqrt(2))
    assert np.isfinite(found.error).all()
    account = SampleAccount()
    account.take(report)
    told = account.figures()
    assert told["score_error"] == found.error.max()
    assert told["score_error_at_sigma_eff"] == found.sigma_eff[found.error.argmax()]
    assert [row["error"] for row in told["score_errors"]] == found.error.tolist()
    # Nineteen in twenty: 1.96 standard deviations of ln σ_eff on both sides.
    mean, std = spec.noise.log_mean, spec.noise.log_std
    np.testing.assert_allclose(np.log(found.trained), [mean - 1.96 * std, mean + 1.96 * std], rtol=1e-3)
    branch = {"step": 2, "sampling": learned.sampling}
    assert last_report(learned.replace("branch", branch), tmp_path / "run").score_errors is None
