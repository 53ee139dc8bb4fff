"""Events with scores in the plane, exact and learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event

REGIONS = ("inside", "between", "outside")
"""Regions of the plane: the densest part with nine tenths of the data, the rest of its convex hull, and beyond."""


@dataclass(frozen=True, eq=False)
class ScoreTruth(Event):
    """The truth of a comparison, once at its start.

    Attributes:
        sigma: Noise of one copy.
        sigma_eff: Noise of ȳ, whose density and score follow.
        bounds: Part of the plane, (x_min, x_max, y_min, y_max).
        points: Centres of the cells of a grid with shape (n·n, 2), row by row, the row of y_min first.
        log_density: log p there, with shape (n, n).
        score: The exact score there, with shape (n·n, 2).
        region: Index in `REGIONS` of each cell, int8, with shape (n·n,).
        contours: Lines of equal density, each with shape (m, 2).
        data: Draws of the data, with shape (p, 2).
    """

    sigma: float
    sigma_eff: float
    bounds: tuple[float, float, float, float]
    points: NDArray[np.float32]
    log_density: NDArray[np.float32]
    score: NDArray[np.float32]
    region: NDArray[np.int8]
    contours: tuple[NDArray[np.float32], ...]
    data: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ScoreFields(Event):
    """The learned scores at a step.

    Attributes:
        seed: Seed of the training.
        step: Training steps of each contender.
        contenders: Their names.
        scores: The learned scores on the grid of the truth, with shape (contenders, n·n, 2), float32.
    """

    keep: ClassVar[str] = "latest"
    seed: int
    step: int
    contenders: tuple[str, ...]
    scores: NDArray[np.float32]
