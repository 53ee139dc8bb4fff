"""NCSNv2's techniques: the published settings for CIFAR-10, and a proposal that the sampling accepts."""

import math

import pytest
import torch

from msd_engine.events import Failed, Finished, Proposed
from msd_engine.jobs.sampling.propose import proposal
from msd_engine.metrics.chains.proposals import best_step_ratio, largest_distances, overlap, propose, ratio_for
from msd_engine.specs import load_preset

CIFAR = 3 * 32 * 32


def normal(z):
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


def test_the_largest_distance_is_the_largest_of_all_pairs():
    x = torch.randn(2500, 5, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 9.0, 1.0, 1.0, 2.0])
    *_, found = largest_distances(x)
    assert found == pytest.approx(torch.cdist(x, x).max().item(), rel=1e-6)


@pytest.mark.parametrize("dim", [1, 2, 64, CIFAR])
def test_the_ratio_is_where_the_overlap_falls_to_the_share(dim):
    for share in (0.3, 0.5):
        ratio = ratio_for(share, dim)
        assert ratio > 1
        assert overlap(ratio, dim) == pytest.approx(share, abs=1e-6)
        assert overlap(ratio * 1.01, dim) < share


def test_the_shares_are_those_of_draws():
    dim, ratio = 7, 1.4
    radius = torch.randn(200_000, dim, generator=torch.Generator().manual_seed(0)).norm(dim=1)
    shares = [
        ((radius * factor - math.sqrt(dim)).abs() < 3 / math.sqrt(2)).double().mean().item()
        for factor in (ratio, 1 / ratio)
    ]
    assert overlap(ratio, dim) == pytest.approx(min(shares), abs=0.006)


def test_in_many_dimensions_the_overlap_is_the_formula_of_ncsnv2():
    gamma = ratio_for(0.5, CIFAR)
    wide = math.sqrt(2 * CIFAR) * (gamma - 1)
    assert normal(wide + 3 * gamma) - normal(wide - 3 * gamma) == pytest.approx(0.5, abs=0.06)


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
