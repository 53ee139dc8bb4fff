"""Figures of a ladder that follow from the settings alone (theory §3, fact 4; §6)."""

from __future__ import annotations

import math

from msd_engine.specs import SamplingSpec

# From here on the residuals of plain Langevin steps have twice their variance.
_SWOLLEN_RATIO = 1.0
# BAOAB swells by nothing, but so near to the wall it hardly forgets the noise of the level before.
_SLOW_RATIO = 1.8


def near_wall(wanted: SamplingSpec) -> bool:
    """Return whether r = ε/σ² is so near to the wall, or past it, that samples suffer."""
    least = _SLOW_RATIO if wanted.sampler == "underdamped" else _SWOLLEN_RATIO
    return wanted.has_wall and wanted.step_ratio >= least


def ladder_ratio(wanted: SamplingSpec) -> float:
    """Return the ratio of neighbouring levels in the geometric mean; 1 for a ladder of one level."""
    if wanted.method != "annealed" or wanted.levels < 2:
        return 1.0
    return math.exp(math.log(wanted.sigma_1 / wanted.sigma_L) / (wanted.levels - 1))
