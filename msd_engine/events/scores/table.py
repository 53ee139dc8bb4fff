"""The table of a comparison of objectives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event
from msd_engine.events.scores.fields import REGIONS

PLACES = ("data", *REGIONS)
"""Where errors are measured: at draws of the noisy data, so weighted by density, and evenly over each region."""

PLACE_WORDS = {
    "data": "where the data are",
    "inside": "inside the modes",
    "between": "between the modes",
    "outside": "outside",
}
"""Their names in a sentence."""


@dataclass(frozen=True)
class Spread:
    """A mean over seeds with its 95 % interval by Student's t.

    Attributes:
        mean: The mean; NaN if unknown.
        low: Lower end.
        high: Upper end; ∞ for one seed.
    """

    mean: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def plus_minus(self) -> str:
        """The mean and half of the interval, such as ``0.123 ± 0.020``; a dash if unknown."""
        return self._followed_by(f" ± {self.high - self.mean:.3f}")

    @property
    def times_over(self) -> str:
        """A geometric mean and the factor from it to either end, such as ``0.123 ×÷ 1.20``; a dash if unknown."""
        return self._followed_by(f" ×÷ {self.high / self.mean:.2f}")

    def _followed_by(self, interval: str) -> str:
        if math.isnan(self.mean):
            return "–"
        return f"{self.mean:.3f}" + (interval if math.isfinite(self.high) else "")


@dataclass(frozen=True, eq=False)
class ScoreRow:
    """One contender after its last measured seed.

    Attributes:
        contender: Its name.
        title: Display title.
        uses_exact: Whether training uses the exact score.
        steps: Training steps of each seed.
        errors: Relative error by place: ``data`` weighted by density, and each region; geometric means, with
            the intervals of their logarithms.
        by_seed: The same of each seed, by place, then by seed.
        step_ms: Milliseconds of a training step, over all seeds.
        failed: Seeds whose training failed.
        moved: Change of x̂ over σ_eff by change of the copies (`scores.copies.CHANGES`), with 95 % intervals over seeds;
            empty for one copy.
    """

    contender: str
    title: str
    uses_exact: bool
    steps: int
    errors: Mapping[str, Spread]
    by_seed: Mapping[str, Mapping[int, float]]
    step_ms: float
    failed: int
    moved: Mapping[str, Spread] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ScoreCurves(Event):
    """Relative errors so far, with 95 % intervals over the seeds measured at each step.

    The error at a place is √(mean ‖s − s*‖²/mean ‖s*‖²) of learned scores s and exact scores s*: 1 for s = 0.

    Attributes:
        contenders: Names of the contenders.
        steps: Training steps of the measurements, int64, with shape (n,).
        mean: Geometric mean of the error over seeds by contender, place (as in `PLACES`) and step, with shape
            (contenders, 4, n); NaN if unknown.
        low: Lower ends of the intervals, NaN for one seed, with the same shape.
        high: Upper ends.
    """

    keep: ClassVar[str] = "latest"
    contenders: tuple[str, ...]
    steps: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ScoreTable(Event):
    """The table so far.

    Attributes:
        rows: One row for each contender.
        seeds: Number of finished seeds.
        text: One sentence: which is nearest to the truth, where, and at what cost; empty before the first seed has
            ended.
        moved: Change of the exact x̂ over σ_eff by change of the copies; empty for one copy.
    """

    keep: ClassVar[str] = "latest"
    rows: tuple[ScoreRow, ...]
    seeds: int
    text: str
    moved: Mapping[str, float] = field(default_factory=dict)
