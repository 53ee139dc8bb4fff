"""The figures of chains in the plane beside what theory says of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from msd_engine.data.mixture import GaussianMixture
from msd_engine.events import ChainReport
from msd_engine.events.chain_figures import exact_weight_error
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import load_preset
from msd_gui.pages.mixture.figures import chain_readings


@pytest.mark.parametrize("weights", [(0.8, 0.2), (0.125,) * 8, (0.04,) * 25, (0.9, 0.05, 0.05)])
def test_the_weights_of_exact_draws_are_red_in_one_of_twenty_samplings_at_most(weights):
    spec = load_preset("two-gaussians").replace("sampling.chains", 100)
    *_, report = (event for event in sample(spec) if isinstance(event, ChainReport))
    true, draws, rounds = np.array(weights), np.random.default_rng(0), 2000
    red = 0
    for drawn in draws.multinomial(100, true, size=rounds) / 100:
        fields = {"mode_weights": drawn, "true_weights": true, "exact_weight_error": exact_weight_error(weights, 100)}
        (row,) = [
            row
            for row in chain_readings(ChainReport(**{**vars(report), **fields}), spec.sampling)
            if row.name == "Largest weight error"
        ]
        assert row.expected.startswith("≤ ")
        red += row.severity == "error"
    assert red / rounds < 0.05 + 3 * math.sqrt(0.05 * 0.95 / rounds)


def test_the_report_of_chains_has_the_bound_of_as_many_exact_draws():
    spec = load_preset("ring-8").replace("sampling.chains", 60)
    *before, report = (event for event in sample(spec) if isinstance(event, ChainReport))
    assert report.exact_weight_error == exact_weight_error(tuple(report.true_weights.tolist()), 60)
    assert all(math.isnan(event.exact_weight_error) for event in before)


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
    bound = exact_weight_error(tuple(target.weights.tolist()), n)
    # At least 95 %, less three standard errors of so many rounds.
    assert np.mean(gaps <= bound) > 0.95 - 3 * math.sqrt(0.05 * 0.95 / rounds)
