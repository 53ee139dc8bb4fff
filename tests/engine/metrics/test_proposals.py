"""NCSNv2's techniques: the published settings for CIFAR-10, and a proposal that the sampling accepts."""

import math

import numpy as np
import pytest
import torch

from msd_engine.events import Failed, Finished, Proposed
from msd_engine.jobs.sampling.propose import proposal
from msd_engine.metrics.chains.ladders import swelling
from msd_engine.metrics.chains.proposals import best_step_ratio, largest_distances, propose
from msd_engine.noise.ladder import geometric
from msd_engine.samplers.descent import Descent
from msd_engine.specs import load_preset
from msd_engine.specs.overlap import down, largest_ratio, up

CIFAR = 3 * 32 * 32


def test_the_largest_distance_is_the_largest_of_all_pairs():
    x = torch.randn(2500, 5, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 9.0, 1.0, 1.0, 2.0])
    *_, found = largest_distances(x)
    assert found == pytest.approx(torch.cdist(x, x).max().item(), rel=1e-6)


@pytest.mark.parametrize("dim", [1, 2, 64, CIFAR])
@pytest.mark.parametrize("share", [0.3, 0.5])
def test_the_ratio_is_where_the_overlap_falls_to_the_share(dim, share):
    ratio = largest_ratio(up, share, dim)
    assert ratio > 1
    assert up(ratio, dim) == pytest.approx(share, abs=1e-6)
    assert up(ratio * 1.01, dim) < share


@pytest.mark.parametrize("dim", [1, 2, 7, 64, 784])
def test_the_shares_are_those_of_draws(dim):
    ratio = 1.3 if dim < 100 else 1.05
    radius = torch.randn(100_000, dim, generator=torch.Generator().manual_seed(0)).norm(dim=1)

    def inside(scaled):
        return ((scaled - math.sqrt(dim)).abs() < 3 / math.sqrt(2)).double().mean().item()

    assert up(ratio, dim) == pytest.approx(inside(radius * ratio), abs=0.006)
    # The paper's normal law is near from some dozens of dimensions on.
    if dim >= 64:
        assert down(ratio, dim) == pytest.approx(inside(radius / ratio), abs=0.03)


def test_the_two_ways_of_one_ladder():
    assert down(1.3, 64) == pytest.approx(0.6935, abs=1e-4)
    assert up(1.3, 64) == pytest.approx(0.405, abs=0.005)
    for dim, paper in ((2, 100.0), (4, 100.0), (8, 4.00), (64, 1.361), (784, 1.0820), (3072, 1.0398)):
        assert largest_ratio(down, 0.5, dim) == pytest.approx(paper, rel=1e-3)
    for dim, reverse, c in ((8, 1.827, 0.985), (64, 1.272, 0.770), (784, 1.0762, 0.583), (3072, 1.0384, 0.542)):
        ratio = largest_ratio(up, 0.5, dim)
        assert ratio == pytest.approx(reverse, rel=2e-3)
        assert down(ratio, dim) == pytest.approx(c, abs=0.006)


@pytest.mark.parametrize("dim", [1, 2, 3, 5, 8, 64, 784, 3072])
def test_at_least_half_both_ways(dim):
    ratio = largest_ratio(up, 0.5, dim)
    assert down(ratio, dim) >= 0.5


# γ and T; r by the paper and what a long ladder then leaves; the best r for a long ladder, and what it leaves.
LADDERS = [
    (1.0762, 1, 0.137, 2.00, 0.369, 1.37),
    (1.0762, 2, 0.127, 1.366, 0.257, 1.233),
    (1.0376, 5, 0.062, 1.129, 0.115, 1.096),
    (1.2554, 10, 0.141, 1.108, 0.153, 1.107),
]


@pytest.mark.parametrize(("gamma", "steps", "paper", "paper_leaves", "best", "leaves"), LADDERS)
def test_the_step_is_the_best_for_a_long_ladder(gamma, steps, paper, paper_leaves, best, leaves):
    assert best_step_ratio(gamma, steps, "ncsnv2") == pytest.approx((paper, paper_leaves), rel=0.01)
    assert best_step_ratio(gamma, steps) == pytest.approx((best, leaves), rel=0.01)


def test_the_step_is_better_than_any_other_on_the_ladder_that_is_walked():
    draws = np.random.default_rng(0)
    for _ in range(20):
        gamma, steps = float(draws.uniform(1.01, 1.8)), int(draws.integers(1, 20))

        def leaves(r, gamma=gamma, steps=steps):
            ladder = tuple(geometric(gamma**399, 1.0, 400).tolist())
            return swelling("langevin", Descent(ladder, steps, r))[-1]

        r, reported = best_step_ratio(gamma, steps)
        assert leaves(r) == pytest.approx(reported, rel=1e-3)
        for other in (0.5 * r, 0.9 * r, 1.1 * r, 1.5 * r, best_step_ratio(gamma, steps, "ncsnv2")[0]):
            assert leaves(r) <= leaves(other) * (1 + 1e-6)


def test_the_published_settings_for_cifar_10():
    # σ from 50 to .01 in 232 levels, T = 5, ε = 6.2e-6.
    made = propose(50.0, 0.01, CIFAR, 1, 5)
    assert made.levels == pytest.approx(232, rel=0.04)
    r, _ = best_step_ratio((50 / 0.01) ** (1 / 231), 5, "ncsnv2")
    assert r * 0.01**2 == pytest.approx(6.2e-6, rel=0.03)


def test_copies_scale_the_first_noise_and_nothing_but_it():
    one, many = propose(9.0, 0.1, 64, 1, 5), propose(9.0, 0.1 * math.sqrt(8), 64, 8, 5)
    assert many.sigma_1 == pytest.approx(math.sqrt(8) * one.sigma_1)
    assert (many.levels, many.step_ratio) == (one.levels, one.step_ratio)


@pytest.mark.parametrize("preset", ["ncsn-toy", "digits-30s"])
def test_the_job_proposes_what_the_spec_accepts(preset):
    spec = load_preset(preset)
    *_, reported, last = proposal(spec)
    assert isinstance(reported, Proposed)
    assert isinstance(last, Finished)
    better = spec.replace_all(dict(reported.values))
    assert better.sampling.sigma_L == spec.sampling.sigma_L
    assert better.sampling.step_ratio < 2
    assert "s_T²/σ²" in reported.text


def test_missing_images_are_reported(tmp_path):
    *_, last = proposal(load_preset("mnist-2min"), data_dir=tmp_path)
    assert isinstance(last, Failed)
