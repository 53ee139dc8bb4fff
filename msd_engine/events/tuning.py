"""Events of the search for the best chain of a network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event
from msd_engine.events.quality import Figure


@dataclass(frozen=True)
class TuneRow:
    """One candidate of the search as last judged.

    Attributes:
        number: Number of the candidate; -1 for the preset's chain.
        origin: ``preset`` for the chain of the settings, ``known`` for a well-known one, or ``drawn`` at random.
        words: Its settings in a few words.
        values: Its settings by dotted path.
        evaluations: Evaluations of the network for one chain.
        rung: Number of its last rung, from 0.
        chains: Number of judged chains; 0 before the first judgement.
        measure: The distance: ``kernel`` or ``frechet``.
        value: The distance from the tuning half of the held-out images; NaN before the first judgement.
        low: Lower end of its 95 % interval, NaN if unknown.
        high: Upper end.
        by_rung: The distance at each rung so far, the last included.
        survives: Whether it is still in the search.
    """

    number: int
    origin: Literal["preset", "known", "drawn"]
    words: str
    values: Mapping[str, float | int | str | bool]
    evaluations: int
    rung: int = 0
    chains: int = 0
    measure: Literal["kernel", "frechet"] = "kernel"
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    by_rung: tuple[float, ...] = ()
    survives: bool = True


@dataclass(frozen=True, eq=False)
class TuneTable(Event):
    """The search so far.

    Attributes:
        rows: All candidates: by rung, the last first, then by distance.
        rung: Number of the current rung, from 0.
        rungs: Number of chains of each rung.
    """

    keep: ClassVar[str] = "latest"
    rows: tuple[TuneRow, ...]
    rung: int
    rungs: tuple[int, ...]

    @property
    def best(self) -> TuneRow | None:
        """The best candidate so far; None before the first judgement."""
        return next((row for row in self.rows if row.chains), None)


@dataclass(frozen=True, eq=False)
class TuneGrid(Event):
    """Samples of the best candidate so far.

    Attributes:
        number: Number of the candidate.
        x_hat: Its first samples, with shape (n, C, H, W), float32 in [-1, 1].
    """

    keep: ClassVar[str] = "latest"
    number: int
    x_hat: NDArray[np.float32]


@dataclass(frozen=True)
class Effect:
    """How much one setting mattered.

    Attributes:
        path: Dotted path of the setting.
        title: Display title.
        share: Share of the variance of the log distance that the setting alone explains, adjusted for chance: 0 in the
            mean for a setting without effect. NaN if too few candidates have it.
        low: Lower end of its 95 % bootstrap interval.
        high: Upper end.
        count: Number of candidates that have the setting.
    """

    path: str
    title: str
    share: float
    low: float
    high: float
    count: int

    @property
    def clear(self) -> bool:
        """Whether the interval excludes a setting without effect."""
        return self.low > 0


@dataclass(frozen=True)
class Finalist:
    """A chain that is reported.

    Attributes:
        row: The candidate; number -1 for the preset's chain.
        n: Number of chains.
        figures: Figures against the other half of the held-out images.
    """

    row: TuneRow
    n: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True, eq=False)
class TuneReport(Event):
    """The result of a search.

    Attributes:
        finalists: The reported chains, the best first, the preset's last.
        effects: How much each setting mattered at the first rung.
        best_json: The experiment with the best chain as JSON.
        features: The features behind all distances.
        tuned_n: Number of held-out images that the search chose by.
        reported_n: Number of other held-out images, behind the figures of `finalists`.
        real_n: Number of real training images behind the figures `real`.
    """

    finalists: tuple[Finalist, ...]
    effects: tuple[Effect, ...]
    best_json: str
    features: str
    tuned_n: int
    reported_n: int
    real_n: int


@dataclass(frozen=True, eq=False)
class TuneCost(Event):
    """Predicted cost of a search.

    Attributes:
        evaluations: Evaluations of the network over all chains, at most.
        seconds: Their time on this machine, at most.
    """

    keep: ClassVar[str] = "latest"
    evaluations: int
    seconds: float
