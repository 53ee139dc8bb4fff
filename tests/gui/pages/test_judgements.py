"""Every mark, card and verdict on samples: falsely in at most 5 % of real images, and found where it matters."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from msd_engine.metrics.quality.distances import share_ratio
from msd_engine.metrics.quality.figures import class_figures, kernel_figure, overlap_figures, survival_figure
from msd_gui.pages.base.readings import survival_severity
from msd_gui.pages.quality.panel import reading

REAL = np.array([0.16, 0.14, 0.12, 0.11, 0.1, 0.1, 0.09, 0.08, 0.06, 0.04])


def at_most(rounds: int) -> float:
    """5 %, with three standard errors of so many rounds."""
    return 0.05 + 3 * np.sqrt(0.05 * 0.95 / rounds)


@pytest.mark.parametrize("count", [9, 36, 64, 100, 1024])
def test_yields(count: int) -> None:
    draws = np.random.default_rng(count)

    def called(dead: float) -> float:
        return float(
            np.mean([bool(survival_severity(count - int(n), count)) for n in draws.binomial(count, dead, 2000)])
        )

    # Real images are called dead in 1 to 2 of 100.
    assert called(0.02) <= at_most(2000)
    assert called(0.01) <= at_most(2000)
    if count >= 64:
        assert called(0.1) >= 0.8
    assert called(0.5) >= 0.8


def test_a_yield_of_many_chains_is_judged_at_once() -> None:
    assert survival_severity(97_000, 100_000) == "error"
    assert survival_severity(98_000, 100_000) == ""
    assert survival_severity(0, 1) == "error"
    assert survival_severity(0, 0) == ""


def marked_classes(draws: np.random.Generator, law: np.ndarray, n: int, real_n: int) -> bool:
    def observed(counts: np.ndarray) -> SimpleNamespace:
        probabilities = torch.full((int(counts.sum()), len(counts)), 0.001)
        probabilities[:, 0] = 0.99
        return SimpleNamespace(probabilities=probabilities)

    counts, real = draws.multinomial(n, law), draws.multinomial(real_n, REAL)
    against = SimpleNamespace(reference=observed(real), class_shares=real / real_n)
    figures = class_figures(observed(counts), against, counts / n)  # type: ignore[arg-type]
    return any(reading(figure).severity for figure in figures if figure.name in ("rarest", "commonest"))


@pytest.mark.parametrize(("n", "real_n"), [(256, 297), (256, 10_000), (1024, 10_000)])
def test_class_shares(n: int, real_n: int) -> None:
    draws = np.random.default_rng(n + real_n)
    assert np.mean([marked_classes(draws, REAL, n, real_n) for _ in range(400)]) <= at_most(400)
    lacking = REAL * np.where(np.arange(10) == 1, 0.3, 1.0)
    if n == 1024:
        found = np.mean([marked_classes(draws, lacking / lacking.sum(), n, real_n) for _ in range(200)])
        assert found >= 0.8


@pytest.mark.parametrize("n", [256, 1024])
def test_the_interval_of_a_ratio_of_shares(n: int) -> None:
    draws = np.random.default_rng(n)
    pairs = zip(draws.binomial(n, 0.05, 2000), draws.binomial(297, 0.1, 2000), strict=True)
    found = [share_ratio(int(hits), n, max(1, int(real)), 297) for hits, real in pairs]
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) > 0.935


def features(draws: np.random.Generator, n: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return np.maximum(scale * draws.normal(size=(n, 12)) + shift, -0.5)


def test_distances_and_overlap() -> None:
    draws, rounds, n = np.random.default_rng(0), 25, 256

    def marked(**change: float) -> dict[str, float]:
        found: dict[str, list[bool]] = {}
        for _ in range(rounds):
            samples, real, reference = features(draws, n, **change), features(draws, n), features(draws, n)
            for figure in (kernel_figure(samples, real, reference), *overlap_figures(samples, real, reference)):
                found.setdefault(figure.name, []).append(bool(reading(figure).severity))
        return {name: float(np.mean(some)) for name, some in found.items()}

    null = marked()
    assert max(null.values()) <= at_most(rounds), null
    far = marked(shift=0.7)
    assert far["kernel"] >= 0.8
    assert max(marked(scale=0.4).values()) >= 0.8


def test_the_mark_of_a_yield() -> None:
    draws = np.random.default_rng(0)
    null = [
        bool(reading(survival_figure(int(lived), 512, 0.985)).severity) for lived in draws.binomial(512, 0.985, 1000)
    ]
    poor = [bool(reading(survival_figure(int(lived), 512, 0.985)).severity) for lived in draws.binomial(512, 0.9, 1000)]
    assert np.mean(null) <= at_most(1000)
    assert np.mean(poor) >= 0.8


@pytest.fixture
def usual() -> Callable[[np.random.Generator], tuple[float, float]]:
    from msd_engine.jobs.quality.nearest import _HELD_OUT, _RARE
    from msd_engine.metrics.quality.support import conformal_bound

    def bounds(draws: np.random.Generator) -> tuple[float, float]:
        held_out = torch.from_numpy(draws.lognormal(0.0, 0.6, _HELD_OUT))
        return -conformal_bound(-held_out, _RARE), conformal_bound(held_out, _RARE)

    return bounds


def test_memories(usual: Callable[[np.random.Generator], tuple[float, float]]) -> None:
    draws, called = np.random.default_rng(0), 0
    for _ in range(2000):
        low, high = usual(draws)
        new = draws.lognormal(0.0, 0.6)
        called += not low <= new <= high
        # A copy of a training image, with the rounding of 8 bits.
        assert draws.uniform(0, 0.01) < low
    assert called / 2000 <= at_most(2000)
