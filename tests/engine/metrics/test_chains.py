"""Figures of chains, each against what it is known to be."""

import math

import pytest
import torch
from mixtures import random_mixture, settled_std

from msd_engine.data.mixture import GaussianMixture
from msd_engine.data.shapes import mixture
from msd_engine.metrics.chains.figures import (
    alive,
    effective_size,
    residual_inflation,
    split_r_hat,
    within_std,
)
from msd_engine.samplers.laws import inflated
from msd_engine.specs import MixtureSpec


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


OVERLAPPING = GaussianMixture(
    [0.7, 0.3], [[0.0, 0.0], [4.0, 0.0]], [[[9.0, 0.0], [0.0, 0.3]], [[0.2, 0.0], [0.0, 0.2]]]
)


@pytest.mark.parametrize("name", ["two-gaussians", "ncsn-toy", "ring-8", "grid-25", "overlapping"])
@pytest.mark.parametrize("tau", [0.01, 1.0])
def test_draws_of_the_mixture_have_its_weights_and_its_width_whether_modes_overlap_or_not(name, tau):
    target = OVERLAPPING if name == "overlapping" else mixture(MixtureSpec(name=name))
    y = target.sample(40_000, torch.Generator().manual_seed(0)) + tau * normal(40_000, 2)
    rho = target.responsibilities(y, tau)
    torch.testing.assert_close(rho.mean(0), target.weights, rtol=0, atol=0.01)
    assert within_std(y, rho) == pytest.approx(settled_std(target, tau, 1, 0.0, jump=False), rel=0.015)


def test_the_width_of_modes_that_overlap():
    # 1.820 by Σ w λ; the nearest mean would give 1.296.
    x = OVERLAPPING.sample(200_000, torch.Generator().manual_seed(0))
    assert within_std(x, OVERLAPPING.responsibilities(x, 1e-6)) == pytest.approx(1.820, abs=0.01)


def test_within_std_of_few_points():
    alone = torch.tensor([[5.0, 5.0], [-5.0, -5.0]], dtype=torch.float64)
    apart = torch.eye(2, dtype=torch.float64)
    assert math.isnan(within_std(alone, apart))
    assert math.isnan(within_std(alone[:0], apart[:0]))
    pair = torch.tensor([[4.0, 5.0], [6.0, 5.0], [90.0, 0.0]], dtype=torch.float64)
    # Squared deviations 1 + 1 over (2 − 1) · 2 degrees of freedom; the one of a mode of its own counts nothing.
    assert within_std(pair, apart[[0, 0, 1]]) == pytest.approx(1.0)


def test_residual_inflation_is_one_for_independent_copies_and_has_no_meaning_for_one():
    y = random_mixture(0).sample(5000, torch.Generator().manual_seed(0)).unsqueeze(1) + 3.0 * normal(5000, 5, 2)
    assert residual_inflation(y, 3.0) == pytest.approx(1.0, rel=5 * math.sqrt(2 / 40_000))
    assert residual_inflation(y * 2, 3.0) == pytest.approx(4 * residual_inflation(y, 3.0))
    assert math.isnan(residual_inflation(y[:, :1], 3.0))


def test_inflation_is_infinite_from_the_wall():
    assert inflated(0.2) == pytest.approx(1.111, abs=5e-4)
    assert inflated(1.0) == 2.0
    assert inflated(1.9) == pytest.approx(20.0)
    assert inflated(2.0) == inflated(3.0) == math.inf


def test_alive_counts_no_lost_chain():
    y = torch.zeros(5, 3, 2)
    y[1, 2, 0], y[2, 0, 1], y[3, 1, 1] = math.nan, math.inf, -2e6
    assert alive(y).tolist() == [True, False, False, False, True]


def test_independent_draws_mix_and_stuck_chains_do_not():
    draws = normal(200, 20, 2)
    torch.testing.assert_close(split_r_hat(draws), torch.ones(2, dtype=torch.float64), rtol=0, atol=0.02)
    torch.testing.assert_close(effective_size(draws), torch.full((2,), 4000.0, dtype=torch.float64), rtol=0.15, atol=0)
    stuck = draws + 10 * normal(20, 2)
    assert split_r_hat(stuck).min().item() > 3
    assert effective_size(stuck).max().item() < 100


def test_the_effective_size_of_an_autoregression():
    # AR(1) with factor a has n (1 − a)/(1 + a) independent draws.
    a, z = 0.8, normal(4000, 10, 1)
    x = torch.empty_like(z)
    x[0] = z[0] / math.sqrt(1 - a**2)
    for i in range(1, len(z)):
        x[i] = a * x[i - 1] + z[i]
    assert effective_size(x).item() == pytest.approx(40_000 * (1 - a) / (1 + a), rel=0.15)


def test_too_few_or_lost_draws_have_no_figures():
    for draws in (normal(3, 5, 2), torch.full((50, 5, 2), math.inf), normal(50, 0, 2)):
        assert torch.isnan(split_r_hat(draws)).all()
        assert torch.isnan(effective_size(draws)).all()
