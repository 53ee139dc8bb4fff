"""The copies test: how far x̂ moves where the copies of a fixed y are shuffled, or one is dropped or replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event

CHANGES = ("shuffled", "dropped", "replaced")
"""Changes of the copies: their order; the last one left out; the last one replaced by a copy of another datum."""


@dataclass(frozen=True, eq=False)
class CopiesTested(Event):
    """Changes of x̂ so far: root mean squares over draws and coordinates, over σ_eff, with 95 % intervals over seeds.

    Attributes:
        contenders: Names of the contenders.
        steps: Training steps of the measurements, int64, with shape (n,).
        exact: Change of the exact x̂, by change, with shape (3,).
        mean: Mean over seeds by contender, change (as in `CHANGES`) and step, with shape (contenders, 3, n); NaN if
            unknown.
        low: Lower ends of the intervals, NaN for one seed, with the same shape.
        high: Upper ends.
    """

    keep: ClassVar[str] = "latest"
    contenders: tuple[str, ...]
    steps: NDArray[np.int64]
    exact: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
