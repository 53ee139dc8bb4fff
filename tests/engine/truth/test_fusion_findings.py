"""What a comparison says of fusions of the copies: falsely in at most 5 % where they are alike, and found where not."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from msd_engine.metrics.errors.comparison import table
from msd_engine.metrics.errors.findings import findings
from msd_engine.specs import load_preset
from msd_engine.specs.sweep import SweepResult, SweepSpec

ROUNDS = 60
FUSIONS = ("concat", "mean", "set")


def said(
    seeds: int, spread: float, cost: float = 1.0, ks: tuple[int, ...] = (1, 8), rounds: int = ROUNDS
) -> Counter[str]:
    """Count what is said of drawn comparisons in which mean and set err `cost` times as much as concat."""
    draws, found = np.random.default_rng(seeds), Counter[str]()
    spec = SweepSpec(
        base=load_preset("ncsn-toy"), ks=ks, seeds=tuple(range(seeds)), modes=("same-sigma-eff",), fusions=FUSIONS
    )
    for _ in range(rounds):
        results = []
        for child in spec.children():
            effect = 1.0 if child.fusion == "concat" else cost
            error = 5.0 * effect * math.exp(spread * draws.normal())
            fusion = "" if child.fusion == "concat" else child.fusion
            results.append(
                SweepResult(
                    name=child.name, k=child.k, seed=child.seed, modes=child.modes, status="finished", error=error,
                    band_sigma_eff=(1.0,), band_error=(error,), fusion=fusion,
                )
            )  # fmt: skip
        sentences = [one for one in findings(table(spec, results)) if " errs " in one]
        assert len(sentences) == 2
        found["costs"] += any("costs something" in one for one in sentences)
        found["helps"] += any("helps" in one for one in sentences)
        found["nothing"] += all("costs nothing to within 5 %" in one for one in sentences)
        found["within"] += any("costs nothing to within 5 %" in one for one in sentences)
        found["open"] += all("is unclear" in one for one in sentences)
    return found


def falsely(rounds: int = ROUNDS) -> float:
    """5 % of so many rounds, with three standard errors."""
    return rounds * 0.05 + 3 * math.sqrt(rounds * 0.05 * 0.95)


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
@pytest.mark.parametrize("spread", [0.01, 0.15])
@pytest.mark.parametrize("ks", [(1, 8), (2, 8, 16)])
def test_fusions_that_are_alike_are_not_told_apart(seeds: int, spread: float, ks: tuple[int, ...]) -> None:
    found = said(seeds, spread, ks=ks)
    assert found["costs"] + found["helps"] <= falsely()
    if seeds == 1:
        assert found["open"] == ROUNDS


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", [0.01, 0.05])
def test_a_cost_above_5_percent_is_not_called_nothing(seeds: int, spread: float) -> None:
    # Each of two sentences may say so falsely.
    assert said(seeds, spread, cost=1.06)["within"] <= 2 * falsely()


def test_what_matters_is_found_and_what_cannot_be_told_is_said() -> None:
    assert said(3, 0.005, cost=1.2)["costs"] >= 0.8 * ROUNDS
    assert said(3, 0.005, cost=0.8)["helps"] >= 0.8 * ROUNDS
    assert said(5, 0.01)["nothing"] >= 0.8 * ROUNDS
    assert said(2, 0.15, cost=1.2)["open"] >= 0.6 * ROUNDS
