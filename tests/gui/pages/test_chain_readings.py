"""The figures of chains in the plane beside what theory says of them."""

from __future__ import annotations

import numpy as np
import pytest

from msd_engine.events import ChainReport
from msd_engine.jobs.sampling.sample import sample
from msd_engine.specs import load_preset
from msd_gui.pages.mixture.figures import chain_readings


@pytest.mark.parametrize("weights", [(0.8, 0.2), (0.04,) * 25])
def test_the_weights_of_exact_draws_stay_below_what_chance_allows(weights):
    *_, report = (event for event in sample(load_preset("two-gaussians")) if isinstance(event, ChainReport))
    true, draws = np.array(weights), np.random.default_rng(0)
    below = 0
    for drawn in draws.multinomial(100, true, size=400) / 100:
        told = ChainReport(**{**vars(report), "mode_weights": drawn, "true_weights": true})
        (row,) = [row for row in chain_readings(told, 100) if row.name == "Largest weight error"]
        assert row.expected.startswith("< ")
        below += np.abs(drawn - true).max() < float(row.expected[2:])
    # The figure is rounded to two digits, and 400 draws have an error of their own.
    assert below / 400 > 0.9
