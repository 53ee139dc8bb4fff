"""NCSNv2's techniques: the published settings for CIFAR-10, and a proposal that the sampling accepts."""

import math
from statistics import NormalDist

import pytest
import torch

from msd_engine.events import Failed, Finished, Proposed
from msd_engine.jobs.sampling.propose import proposal
from msd_engine.metrics.chains.proposals import best_step_ratio, largest_distances, propose
from msd_engine.specs import load_preset
from msd_engine.specs.overlap import largest_ratio, lower_in_upper, upper_in_lower

CIFAR = 3 * 32 * 32
NORMAL = NormalDist()


def test_the_largest_distance_is_the_largest_of_all_pairs():
    x = torch.randn(2500, 5, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 9.0, 1.0, 1.0, 2.0])
    *_, found = largest_distances(x)
    assert found == pytest.approx(torch.cdist(x, x).max().item(), rel=1e-6)


@pytest.mark.parametrize("dim", [1, 2, 64, CIFAR])
@pytest.mark.parametrize("share", [0.3, 0.5])
def test_the_ratio_is_where_the_overlap_falls_to_the_share(dim, share):
    ratio = largest_ratio(upper_in_lower, share, dim)
    assert ratio > 1
    assert upper_in_lower(ratio, dim) == pytest.approx(share, abs=1e-6)
    assert upper_in_lower(ratio * 1.01, dim) < share


@pytest.mark.parametrize("dim", [1, 2, 7, 64])
def test_the_shares_are_those_of_draws(dim):
    ratio = 1.3
    radius = torch.randn(200_000, dim, generator=torch.Generator().manual_seed(0)).norm(dim=1)
    for share_at, scaled in ((lower_in_upper, radius / ratio), (upper_in_lower, radius * ratio)):
        inside = ((scaled - math.sqrt(dim)).abs() < 3 / math.sqrt(2)).double().mean().item()
        assert share_at(ratio, dim) == pytest.approx(inside, abs=0.006)


def test_the_two_shares_of_the_theory():
    assert lower_in_upper(1.3, 64) == pytest.approx(0.67, abs=0.005)
    assert upper_in_lower(1.3, 64) == pytest.approx(0.40, abs=0.005)
    assert lower_in_upper(50.0, 4) > 0.99
    assert largest_ratio(lower_in_upper, 0.5, 4) == 100.0


def test_in_many_dimensions_c_is_the_formula_of_ncsnv2():
    for gamma in (1.01, 1.0375, 1.06):
        wide = math.sqrt(2 * CIFAR) * (gamma - 1)
        assert lower_in_upper(gamma, CIFAR) == pytest.approx(
            NORMAL.cdf(wide + 3 * gamma) - NORMAL.cdf(wide - 3 * gamma), abs=0.005
        )


def test_the_published_settings_for_cifar_10():
    # σ from 50 to .01 in 232 levels, T = 5, ε = 6.2e-6.
    made = propose(50.0, 0.01, CIFAR, 1, 5)
    assert made.levels == pytest.approx(232, rel=0.04)
    r, swelling = best_step_ratio((50 / 0.01) ** (1 / 231), 5)
    assert r * 0.01**2 == pytest.approx(6.2e-6, rel=0.03)
    assert swelling == pytest.approx(1, abs=0.06)


def test_copies_scale_the_first_noise_and_nothing_but_it():
    one, many = propose(9.0, 0.1, 64, 1, 5), propose(9.0, 0.1 * math.sqrt(8), 64, 8, 5)
    assert many.sigma_1 == pytest.approx(math.sqrt(8) * one.sigma_1)
    assert (many.levels, many.step_ratio) == (one.levels, one.step_ratio)


@pytest.mark.parametrize("preset", ["ncsn-toy", "digits-30s"])
def test_the_job_proposes_what_the_spec_accepts(preset):
    spec = load_preset(preset)
    *_, told, last = proposal(spec)
    assert isinstance(told, Proposed)
    assert isinstance(last, Finished)
    better = spec.replace_all(dict(told.values))
    assert better.sampling.sigma_L == spec.sampling.sigma_L
    assert better.sampling.step_ratio < 2
    assert "s_T²/σ²" in told.text


def test_missing_images_are_told(tmp_path):
    *_, last = proposal(load_preset("mnist-2min"), data_dir=tmp_path)
    assert isinstance(last, Failed)
