"""Forward processes: α, σ and the equivalent noise against the closed forms and recursions of their papers."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch

from msd_engine.noise.chosen import process_of
from msd_engine.specs import NoiseSpec
from msd_engine.specs.tables.noise import Process

NAMES = get_args(Process)
PRESERVING = ("ddpm", "cosine", "vp")


def process(name):
    return process_of(NoiseSpec(process=name))


@pytest.mark.parametrize("name", NAMES)
def test_every_process_begins_at_the_data_and_its_noise_rises(name):
    t = torch.linspace(0.0, 1.0, 2001, dtype=torch.float64)
    alpha, sigma = process(name)(t)
    alpha = torch.as_tensor(alpha, dtype=torch.float64).expand_as(t)
    assert alpha[0] == 1
    assert sigma[0] == 0
    noise = process(name).noise(t)
    torch.testing.assert_close(noise, sigma / alpha)
    assert (noise.diff() > 0).all()
    assert torch.isfinite(noise).all()


@pytest.mark.parametrize("name", NAMES)
def test_numbers_and_tensors_give_the_same(name):
    made = process(name)
    for t in (0.0, 0.123, 0.5, 1.0):
        alpha, sigma = made(t)
        assert isinstance(sigma, float)
        many = made(torch.tensor([t], dtype=torch.float64))
        assert torch.as_tensor(many[0]).item() == pytest.approx(alpha, rel=1e-14)
        assert many[1].item() == pytest.approx(sigma, rel=1e-14)
    assert made.noise(torch.rand(5)).dtype is torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_time_is_the_inverse_of_noise(name):
    t = torch.linspace(0.01, 0.99, 50, dtype=torch.float64)
    torch.testing.assert_close(process(name).time(process(name).noise(t)), t, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", PRESERVING)
def test_the_variance_is_preserved(name):
    alpha, sigma = process(name)(torch.linspace(0.0, 1.0, 101, dtype=torch.float64))
    torch.testing.assert_close(alpha**2 + sigma**2, torch.ones(101, dtype=torch.float64))


def test_ddpm_is_the_chain_of_its_paper():
    # x_n = √(1 − β_n) x_{n−1} + √β_n z, with the β of section 4.
    alpha, variance = 1.0, 0.0
    for step in range(1000):
        beta = 1e-4 + (0.02 - 1e-4) * step / 999
        alpha, variance = alpha * math.sqrt(1 - beta), (1 - beta) * variance + beta
    end = process("ddpm")(1.0)
    assert end[0] == pytest.approx(alpha, rel=1e-10)
    assert end[1] == pytest.approx(math.sqrt(variance), rel=1e-12)
    # Table of the paper: next to nothing of the data is left.
    assert end[0] < 0.01
    first = process("ddpm")(0.001)
    assert first[1] == pytest.approx(0.01, rel=1e-9)


def test_cosine_follows_its_formula_until_the_clipped_step():
    def signal(t):
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    for n in (1, 250, 500, 900, 990):
        alpha, _ = process("cosine")(n / 1000)
        assert alpha**2 == pytest.approx(signal(n / 1000) / signal(0), rel=1e-9)
    assert 0 < process("cosine")(1.0)[0] < 1e-3


def test_the_sdes_follow_their_moments():
    # Mean and variance of dx = −½β x dt + √β dw by small Euler steps; for the sub-VP SDE with g² = β (1 − e^(−2∫β)).
    steps, mean, variance, smaller = 20_000, 1.0, 0.0, 0.0
    for step in range(steps // 2):
        t = (step + 0.5) / steps
        beta = 0.1 + 19.9 * t
        mean += -0.5 * beta * mean / steps
        variance += (-beta * variance + beta) / steps
        rate = 0.1 * t + 9.95 * t**2
        smaller += (-beta * smaller + beta * -math.expm1(-2 * rate)) / steps
    assert process("vp")(0.5) == pytest.approx((mean, math.sqrt(variance)), rel=1e-3)
    assert process("sub-vp")(0.5) == pytest.approx((mean, math.sqrt(smaller)), rel=2e-3)
