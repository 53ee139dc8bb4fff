"""Updates written in both conventions are the same step, and every sampler has one."""

from __future__ import annotations

import math
import re

import pytest

from msd_engine.specs.tables.samplers import TRAITS, ChosenSampler
from msd_engine.specs.tables.updates import CONVENTIONS, update_of


def test_langevin_is_written_as_the_papers_do() -> None:
    sampler = ChosenSampler(step_ratio=0.2)
    ours = update_of(sampler, 3.0)
    assert ours.symbols == "y_i ← y_i + ε (x̂ − y_i)/σ² + √(2ε) z_i"
    assert ours.numbers == "y_i ← y_i + 1.8 (x̂ − y_i)/3² + √(2·1.8) z_i"
    theirs = update_of(sampler, 3.0, "alpha")
    assert theirs.symbols == "y_i ← y_i + (α/2) (x̂ − y_i)/σ² + √α z_i"
    assert theirs.numbers == "y_i ← y_i + (3.6/2) (x̂ − y_i)/3² + √3.6 z_i"


@pytest.mark.parametrize(("name", "sigma"), [("langevin", 2.0), ("metropolis", 0.5), ("plain", 0.0)])
def test_both_conventions_have_the_same_numbers(name: str, sigma: float) -> None:
    sampler = ChosenSampler(sampler=name)
    epsilon = sampler.step_size if name == "plain" else sampler.step_ratio * sigma**2
    one, other = (update_of(sampler, sigma, convention).numbers for convention in CONVENTIONS)
    drift, inside = re.search(r"\+ ([\d.]+) .*√\(2·([\d.]+)\)", one).groups()  # type: ignore[union-attr]
    assert float(drift) == float(inside) == pytest.approx(epsilon, rel=5e-3)
    half, root = re.search(r"\+ \(([\d.]+)/2\) .*√([\d.]+)", other).groups()  # type: ignore[union-attr]
    assert float(half) == float(root) == pytest.approx(2 * epsilon, rel=5e-3)


@pytest.mark.parametrize("sampler", TRAITS)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_sampler_has_an_update_without_gaps(sampler: str, convention: str) -> None:
    update = update_of(ChosenSampler(sampler=sampler), math.pi, convention)  # type: ignore[arg-type]
    assert update.symbols
    for text in (update.symbols, update.numbers):
        assert "{" not in text
    assert ("ε" in update.symbols, "α" in update.symbols) in (
        (False, False),
        (convention == "epsilon", convention == "alpha"),
    )
