"""Properties of a ladder that depend only on the settings (theory §3, fact 4; §6)."""

from __future__ import annotations

import math

from msd_engine.specs import SamplingSpec

# Plain Langevin steps double the variance of the residuals at this ratio.
_SWOLLEN_RATIO = 1.0
# BAOAB does not swell, but this near to the wall it hardly removes the noise of the previous level.
_SLOW_RATIO = 1.8


def near_wall(wanted: SamplingSpec) -> bool:
    """Check whether r = ε/σ² is past the wall, or near enough to harm samples."""
    least = _SLOW_RATIO if wanted.sampler == "underdamped" else _SWOLLEN_RATIO
    return wanted.has_wall and wanted.step_ratio >= least


def ladder_ratio(wanted: SamplingSpec) -> float:
    """Compute the geometric mean of the ratio of neighbouring levels; 1 for a ladder of one level."""
    if not wanted.annealed or wanted.levels < 2:
        return 1.0
    return math.exp(math.log(wanted.sigma_1 / wanted.sigma_L) / (wanted.levels - 1))
