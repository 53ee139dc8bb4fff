"""Events of a comparison of white and coloured noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event

Noise = Literal["white", "coloured"]
NOISE_TITLES: dict[Noise, str] = {"white": "White noise", "coloured": "Coloured noise"}


@dataclass(frozen=True, eq=False)
class NoiseCurve(Event):
    """One measurement of a training on held-out images.

    Attributes:
        noise: Its noise.
        seed: Its seed.
        step: Training steps done.
        elapsed_s: Seconds of training.
        loss: Squared error of x̂ over that of ȳ in coordinates with white noise, averaged over bands of σ: the share of
            the noise that stays, about ‖n̂ − n‖²/d, in the same units for every covariance.
    """

    noise: Noise
    seed: int
    step: int
    elapsed_s: float
    loss: float


@dataclass(frozen=True, eq=False)
class NoiseSamples(Event):
    """Samples of one noise, seed and number of steps, with their figures.

    Attributes:
        noise: Their noise.
        seed: Their seed.
        steps: Evaluations of a chain.
        x_hat: The first of the samples with shape (n, C, H, W), uint8.
        features: Features behind the figures.
        figures: The figures by name, such as ``frechet``.
    """

    noise: Noise
    seed: int
    steps: int
    x_hat: NDArray[np.uint8]
    features: str
    figures: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class NoiseMoment(Event):
    """Chains on their way, live.

    Attributes:
        noise: Their noise.
        seed: Their seed.
        steps: Evaluations of a chain.
        step: Steps done.
        x_hat: Present estimates of the first chains with shape (n, C, H, W).
        y: Present states over √(1 + σ²), with the same shape.
    """

    keep: ClassVar[str] = "latest"
    noise: Noise
    seed: int
    steps: int
    step: int
    x_hat: NDArray[np.float32]
    y: NDArray[np.float32]


@dataclass(frozen=True)
class Spread:
    """Mean over seeds with the 95 % interval by Student's t; infinite for one seed, NaN for none."""

    mean: float = math.nan
    low: float = math.nan
    high: float = math.nan
    seeds: int = 0

    @property
    def words(self) -> str:
        """The mean with its interval."""
        if not self.seeds:
            return "–"
        if math.isinf(self.high):
            return f"{self.mean:.3g}"
        return f"{self.mean:.3g} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class NoiseRow:
    """One figure at one number of steps.

    Attributes:
        steps: Evaluations of a chain.
        name: Name of the figure, such as ``frechet``.
        title: Its title.
        white: The figure of white noise.
        coloured: The figure of coloured noise.
        gap: Coloured minus white, of equal seeds.
        published: FID on CIFAR-10 of the paper, of white and coloured noise; NaN for other figures and steps.
    """

    steps: int
    name: str
    title: str
    white: Spread
    coloured: Spread
    gap: Spread
    published: tuple[float, float] = (math.nan, math.nan)


@dataclass(frozen=True, eq=False)
class NoiseTable(Event):
    """The table of a comparison so far.

    Attributes:
        rows: A row for each figure and number of steps, by figure.
        finding: One sentence on the paper's finding; empty before both noises have samples.
        features: Features behind the figures.
        chains: Samples of each noise, seed and number of steps.
        done: Sets of samples measured.
        total: Sets of samples in all.
        note: Steps that were trained, and chains that were left out for want of time.
    """

    rows: tuple[NoiseRow, ...]
    finding: str
    features: str
    chains: int
    done: int
    total: int
    note: str = ""
