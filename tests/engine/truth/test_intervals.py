"""Every interval called 95 % holds what it is said to hold in 19 of 20 draws, of samples and of held-out images."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from msd_engine.metrics.errors.student import interval, quantile
from msd_engine.metrics.quality.distances import (
    Estimate,
    FrechetReference,
    centred_interval,
    kernel_distance,
    share,
)

Array = NDArray[np.float64]


def held(estimate: Callable[[np.random.Generator], Estimate], truth: float, rounds: int) -> float:
    """How often the interval of a draw holds the truth."""
    draws = np.random.default_rng(0)
    found = [estimate(draws) for _ in range(rounds)]
    return float(np.mean([one.low <= truth <= one.high for one in found]))


def error(rounds: int) -> float:
    return 3 * math.sqrt(0.05 * 0.95 / rounds)


def law(width: int, apart: float) -> Callable[[np.random.Generator, int], Array]:
    """Skewed features, as those of a network, whose mean and shape differ from those of `law(width, 0)`."""
    mix = np.random.default_rng(width).normal(size=(width, width)) / math.sqrt(width)

    def draw(draws: np.random.Generator, n: int) -> Array:
        raw = np.maximum(draws.normal(size=(n, width)) + apart, -0.3)
        found: Array = raw @ mix * (1 + 0.3 * apart)
        return found

    return draw


@pytest.mark.parametrize("rounds", [20, 100])
def test_so_many_resampled_sets_give_an_interval_of_95_percent(rounds: int) -> None:
    def draw(draws: np.random.Generator) -> Estimate:
        return centred_interval(float(draws.normal()), list(draws.normal(size=rounds)))

    # The quantiles .025 and .975 of 20 values would hold it in 88 %.
    assert held(draw, 0.0, 4000) == pytest.approx(0.95, abs=error(4000) + 0.003)


@pytest.mark.parametrize("values", [2, 3, 5])
def test_the_interval_of_few_values_and_of_several_together(values: int) -> None:
    draws = np.random.default_rng(values)
    one = [interval(draws.normal(size=values).tolist()) for _ in range(4000)]
    assert np.mean([found.low <= 0 <= found.high for found in one]) == pytest.approx(0.95, abs=error(4000))
    of_four = [interval(draws.normal(size=values).tolist(), 4) for _ in range(4000)]
    assert np.mean([found.low <= 0 <= found.high for found in of_four]) == pytest.approx(1 - 0.05 / 4, abs=error(4000))
    assert interval([1.0]).high == math.inf
    assert (quantile(1), quantile(2), quantile(19)) == pytest.approx((12.706, 4.303, 2.093), abs=1e-3)


@pytest.mark.parametrize("apart", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("reference_n", [60, 400])
def test_the_interval_of_the_kernel_distance(apart: float, reference_n: int) -> None:
    width, rounds = 8, 200
    samples, real = law(width, apart), law(width, 0.0)
    draws = np.random.default_rng(1)
    # The estimate is unbiased: its mean over many draws is the truth.
    truth = float(np.mean([kernel_distance(samples(draws, 200), real(draws, 200)).value for _ in range(300)]))

    def draw(draws: np.random.Generator) -> Estimate:
        return kernel_distance(samples(draws, 100), real(draws, reference_n))

    assert held(draw, truth, rounds) > 0.95 - error(rounds) - 0.015


@pytest.mark.parametrize("reference_n", [60, 400])
def test_the_interval_of_the_frechet_distance(reference_n: int) -> None:
    width, n, rounds = 6, 100, 200
    samples, real = law(width, 0.5), law(width, 0.0)

    def once(draws: np.random.Generator) -> float:
        return FrechetReference(real(draws, reference_n)).distance(samples(draws, n))

    def draw(draws: np.random.Generator) -> Estimate:
        x, reference = samples(draws, n), FrechetReference(real(draws, reference_n))
        resampled = list(reference.resampled(x, 20, draws))
        return centred_interval(reference.distance(x), resampled, reference.variance(x))

    draws = np.random.default_rng(1)
    # What so many samples against so many held-out images give on average, which is all that a distance of sets says.
    truth = float(np.mean([once(draws) for _ in range(1500)]))
    assert held(draw, truth, rounds) > 0.95 - error(rounds) - 0.02


def test_the_variance_of_the_reference_is_that_of_many_references() -> None:
    width, n, reference_n = 6, 300, 500
    samples, real, draws = law(width, 0.5), law(width, 0.0), np.random.default_rng(2)
    x = samples(draws, n)
    references = [FrechetReference(real(draws, reference_n)) for _ in range(400)]
    found = np.mean([reference.variance(x) for reference in references])
    assert found == pytest.approx(np.var([reference.distance(x) for reference in references]), rel=0.25)


@pytest.mark.parametrize("p", [0.02, 0.5, 0.97])
def test_the_interval_of_a_share(p: float) -> None:
    draws = np.random.default_rng(3)
    found = [share(int(hits), 200) for hits in draws.binomial(200, p, 2000)]
    assert np.mean([one.low <= p <= one.high for one in found]) > 0.93
