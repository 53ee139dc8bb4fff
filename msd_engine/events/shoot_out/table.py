"""The table of a shoot-out: quality of each sampler by evaluations, with that of exact draws beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

from msd_engine.events.base import Event

Measure = Literal["distance", "weight_error"]

MEASURES: Final[dict[Measure, str]] = {
    "distance": "sliced Wasserstein distance to fresh data",
    "weight_error": "largest error of a mode weight",
}
"""What is measured, both the smaller the better."""

EXACT: Final = "Exact draws"
"""Title of the row of truth against truth."""


@dataclass(frozen=True)
class Quality:
    """A mean over seeds with its 95 % interval, by Student's t.

    Attributes:
        mean: The mean; NaN if unknown.
        low: Lower end; -∞ for one seed.
        high: Upper end; ∞ for one seed.
    """

    mean: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def words(self) -> str:
        """The mean with half of its interval, such as ``0.123 ± 0.010``; a dash if unknown."""
        if math.isnan(self.mean):
            return "–"
        return f"{self.mean:.3g}" + (f" ± {self.high - self.mean:.2g}" if math.isfinite(self.high) else "")


@dataclass(frozen=True, eq=False)
class ShootOutRow:
    """One contender with one budget, or exact draws, after the seeds so far.

    Attributes:
        contender: Its number; -1 for exact draws.
        title: Display title.
        budget: Most evaluations of the denoiser for one chain; 0 for exact draws.
        evaluations: Evaluations that its steps use; 0 for exact draws.
        levels: Levels of its ladder.
        steps_per_level: Steps at each of them.
        quality: Each measure over the seeds.
        by_seed: Each measure, then its value by seed.
        lost: Share of the chains that left the plane, over all seeds.
    """

    contender: int
    title: str
    budget: int
    evaluations: int
    levels: int
    steps_per_level: int
    quality: Mapping[Measure, Quality]
    by_seed: Mapping[Measure, Mapping[int, float]]
    lost: float = 0.0


@dataclass(frozen=True, eq=False)
class ShootOutTable(Event):
    """The table so far.

    Attributes:
        rows: The rows that have at least one seed, by budget, then by contender.
        exact: The row of exact draws; None before the first seed.
        seeds: Number of finished seeds.
        text: One sentence: which sampler is best at the largest budget, and whether that is beyond the intervals; empty
            before the first seed has ended.
    """

    keep: ClassVar[str] = "latest"
    rows: tuple[ShootOutRow, ...] = ()
    exact: ShootOutRow | None = field(default=None)
    seeds: int = 0
    text: str = ""

    @property
    def has_modes(self) -> bool:
        """Whether the data have modes, whose weights are compared."""
        return any(not math.isnan(row.quality["weight_error"].mean) for row in self.rows)
