"""Which settings mattered: shares of the variance, and when nothing can be said."""

from __future__ import annotations

import math

import numpy as np
import pytest

from msd_engine.metrics.errors.effects import LEAST, shares


def rows(count: int, seed: int) -> tuple[list[dict[str, float | str]], np.ndarray]:
    """Return settings, and a figure that depends on the ratio and the word, half and half, and not on the rest."""
    draws = np.random.default_rng(seed)
    ratio, idle = np.exp(draws.uniform(-3, 0, (2, count)))
    word, other = draws.integers(2, size=(2, count))
    y = np.log(ratio) / np.sqrt(3 / 4) + 2 * word + 0.1 * draws.normal(size=count)
    settings = [
        {"ratio": float(a), "word": str(b), "idle": float(c), "other": bool(d), "same": 1.0}
        for a, b, c, d in zip(ratio, word, idle, other, strict=True)
    ]
    return settings, y


def test_the_shares_are_those_of_the_variance() -> None:
    found = shares(*rows(4000, 0))
    assert found["ratio"].value == pytest.approx(0.5, abs=0.03)
    assert found["word"].value == pytest.approx(0.5, abs=0.03)
    assert found["idle"].value == pytest.approx(0.0, abs=0.01)
    assert "same" not in found
    assert list(found) == ["ratio", "word", "idle", "other"]


def test_a_setting_that_matters_is_told_and_one_that_does_not_seldom_is() -> None:
    found_in = dict.fromkeys(("ratio", "word", "idle", "other"), 0)
    repeats = 40
    for seed in range(repeats):
        for name, share in shares(*rows(40, seed), seed=seed).items():
            found_in[name] += share.low > 0
    assert found_in["ratio"] > 0.8 * repeats
    assert found_in["word"] > 0.8 * repeats
    assert found_in["idle"] <= 0.1 * repeats
    assert found_in["other"] <= 0.1 * repeats


def test_an_optimum_inside_the_range_counts() -> None:
    z = np.linspace(-2, 2, 41)
    found = shares([{"ratio": float(np.exp(value))} for value in z], np.square(z - 0.3))
    assert found["ratio"].value == pytest.approx(1.0)


def test_few_candidates_with_a_setting_tell_nothing() -> None:
    settings, y = rows(LEAST + 4, 0)
    for row in settings[LEAST - 1 :]:
        del row["ratio"]
    found = shares(settings, y)
    assert math.isnan(found["ratio"].value)
    assert found["ratio"].candidates == LEAST - 1
    assert not found["ratio"].low > 0
    assert found["idle"].candidates == LEAST + 4


def test_equal_figures_tell_nothing() -> None:
    settings, _ = rows(20, 0)
    assert all(math.isnan(share.value) for share in shares(settings, [1.0] * 20).values())
