"""The figures of chains in the plane beside what theory says of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from msd_engine.data.mixture import GaussianMixture
from msd_engine.events import ChainReport
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import load_preset
from msd_gui.pages.mixture.figures import chain_readings, chance_of_weights


@pytest.mark.parametrize("weights", [(0.8, 0.2), (0.04,) * 25])
def test_the_weights_of_exact_draws_stay_below_what_chance_allows(weights):
    spec = load_preset("two-gaussians").replace("sampling.chains", 100)
    *_, report = (event for event in sample(spec) if isinstance(event, ChainReport))
    true, draws = np.array(weights), np.random.default_rng(0)
    below = 0
    for drawn in draws.multinomial(100, true, size=400) / 100:
        told = ChainReport(**{**vars(report), "mode_weights": drawn, "true_weights": true})
        (row,) = [row for row in chain_readings(told, spec.sampling) if row.name == "Largest weight error"]
        assert row.expected.startswith("< ")
        below += np.abs(drawn - true).max() < float(row.expected[2:])
    # The figure is rounded to two digits, and 400 draws have an error of their own.
    assert below / 400 > 0.9


def overlapping(draws: np.random.Generator, modes: int) -> GaussianMixture:
    root = draws.normal(size=(modes, 2, 2))
    covariances = root @ root.swapaxes(1, 2) + 0.1 * np.eye(2)
    return GaussianMixture(draws.uniform(0.1, 1.1, modes), 1.5 * draws.normal(size=(modes, 2)), covariances)


@pytest.mark.parametrize("seed", range(8))
def test_the_weights_of_exact_draws_stay_below_what_chance_allows_where_modes_overlap(seed: int) -> None:
    draws, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    modes = int(draws.integers(2, 6))
    target = overlapping(draws, modes)
    tau, n, rounds = float(draws.uniform(0.05, 1.0)), 400, 200
    y = target.sample(n * rounds, generator)
    y = y + tau * torch.randn(y.shape, generator=generator, dtype=y.dtype)
    shares = target.responsibilities(y, tau).reshape(rounds, n, modes).mean(1)
    gaps = (shares - target.weights).abs().amax(1).numpy()
    # At least 95 %, less three standard errors of so many rounds.
    assert np.mean(gaps < chance_of_weights(target.weights.numpy(), n)) > 0.95 - 3 * math.sqrt(0.05 * 0.95 / rounds)
