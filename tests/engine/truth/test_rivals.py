"""What is said of the best of several rivals, and of two noises: falsely in at most 5 %, and found where it matters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from msd_engine.metrics.errors.rivals import told_apart
from msd_engine.metrics.quality.noises import COMPARABLE, noise_table
from msd_engine.specs import load_preset
from msd_engine.specs.reproduction import NoiseCell, NoisesSpec

ROUNDS = 2000


def share_told_apart(rivals: int, seeds: int, lead: float) -> float:
    """Return how often any rival is told from the best, where the first leads by so many standard deviations."""
    draws = np.random.default_rng(rivals + 100 * seeds).normal(size=(ROUNDS, rivals, seeds))
    # What a seed does to all rivals cancels.
    values = draws + 10 * np.random.default_rng(1).normal(size=(ROUNDS, 1, seeds))
    values[:, 1:] += lead
    said = 0
    for one in values:
        best = one.mean(1).argmin()
        others = (one[place] - one[best] for place in range(rivals) if place != best)
        said += any(told_apart(list(differences), rivals) for differences in others)
    return said / ROUNDS


@pytest.mark.parametrize("rivals", [2, 3, 6, 10])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_rivals_that_are_alike_are_not_told_apart(rivals: int, seeds: int) -> None:
    assert share_told_apart(rivals, seeds, 0.0) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / ROUNDS)


def test_a_lead_that_matters_is_found() -> None:
    assert share_told_apart(2, 3, 6.0) >= 0.8
    assert share_told_apart(6, 5, 6.0) >= 0.8


def said_of_noises(many: float, few: float, spread: float, rounds: int = 300) -> dict[str, float]:
    """Return how often each verdict is given, for relative gaps at many and at few steps and their spread by seed."""
    plan = NoisesSpec(base=load_preset("noise-digits"), chains=10, seeds=(0, 1, 2), steps=(1000, 10))
    draws, counted = np.random.default_rng(0), {"does not hold": 0, "is not decided": 0, "holds": 0}
    for _ in range(rounds):
        cells = []
        for seed in plan.seeds:
            for steps, gap in ((1000, many), (10, few)):
                for noise, value in (("white", 1.0), ("coloured", 1.0 + gap + spread * draws.normal())):
                    cells.append(NoiseCell(noise=noise, seed=seed, steps=steps, features="test",
                                           figures={"frechet": value}, titles={"frechet": "Distance"}))  # fmt: skip
        sentence = noise_table(plan, cells).finding
        (words,) = [words for words in counted if f" {words} here." in sentence]
        counted[words] += 1
    return {words: count / rounds for words, count in counted.items()}


@pytest.mark.parametrize("spread", [0.01, 0.05, 0.3])
def test_the_finding_on_noises_is_said_falsely_in_at_most_5_percent(spread: float) -> None:
    most = 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)
    # No gap that grows; comparable noises with a gap that grows; noises just beyond comparable.
    assert said_of_noises(0.1, 0.1, spread)["holds"] <= most
    assert said_of_noises(0.1, 0.4, spread)["does not hold"] <= most
    assert said_of_noises(COMPARABLE * 1.01, 0.6, spread)["holds"] <= most


def test_the_finding_on_noises_is_found_where_it_matters() -> None:
    assert said_of_noises(0.1, 0.5, 0.02)["holds"] >= 0.8
    assert said_of_noises(0.6, 0.6, 0.02)["does not hold"] >= 0.8
