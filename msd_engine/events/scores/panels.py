"""The panels of a comparison of scores: the exact one, a learned one, and their difference."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.plots import Field
from msd_engine.events.scores.fields import ScoreTruth

# Share of the exact scores shorter than the longest arrow; those beyond are drawn as long.
_LONGEST = 90.0


def score_panels(
    truth: ScoreTruth,
    learned: NDArray[np.float32] | None,
    title: str,
    style: Literal["arrows", "map"] = "arrows",
) -> tuple[Field, Field, Field]:
    """Return the exact score, the learned one and their difference, on one scale.

    Args:
        truth: The exact side.
        learned: The learned score at the points of the truth, with shape (n·n, 2); None if unknown.
        title: What has learned it.
        style: How they are drawn.
    """
    unit = float(np.percentile(np.hypot(*truth.score.T), _LONGEST))
    name = f"Exact score, σ_eff = {truth.sigma_eff:.3g}"
    exact = Field(
        name, "exact score", truth.bounds, truth.points, truth.score, unit, style, "exact", truth.contours
    )  # fmt: skip
    difference = None if learned is None else learned - truth.score
    return (
        exact,
        replace(exact, name=f"{title}, learned", words="learned score", vectors=learned, colour="learned"),
        replace(exact, name=f"{title}, difference", words="learned − exact", vectors=difference, colour="text"),
    )
