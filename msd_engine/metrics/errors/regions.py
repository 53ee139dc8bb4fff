"""Errors of a learned score, by the region of the plane in which they lie."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_INSIDE = 0.9
"""Share of the data in the region inside."""

Array = NDArray[np.floating]


def threshold(log_p: Array) -> float:
    """Return the log density above which nine tenths of the data lie, from log p of draws with shape (n,)."""
    return float(np.quantile(log_p, 1 - _INSIDE))


def regions(at: Array, log_p: Array, draws: Array, log_p_draws: Array) -> NDArray[np.int8]:
    """Return the region of points of the plane, as an index in `msd_engine.events.scores.fields.REGIONS`.

    Inside is the densest part, with nine tenths of the data; between is the rest of the convex hull of its draws, and
    outside the rest of the plane.

    Args:
        at: The points with shape (n, 2).
        log_p: Their log density with shape (n,).
        draws: Draws of the data with shape (m, 2).
        log_p_draws: Their log density with shape (m,).

    Returns:
        The indices with shape (n,).
    """
    # Imported here: it is slow.
    from scipy.spatial import Delaunay

    least = threshold(log_p_draws)
    hull = Delaunay(draws[log_p_draws >= least])
    outside = hull.find_simplex(at) < 0
    return np.where(log_p >= least, 0, np.where(outside, 2, 1)).astype(np.int8)


def relative_error(score: Array, exact: Array) -> float:
    """Return √(mean ‖s − s*‖²/mean ‖s*‖²) of scores with shape (n, 2): 1 for s = 0; NaN without a point."""
    if not len(exact):
        return math.nan
    return math.sqrt(np.square(score - exact, dtype=np.float64).sum() / np.square(exact, dtype=np.float64).sum())


def region_errors(score: Array, exact: Array, region: NDArray[np.int8], count: int) -> NDArray[np.float64]:
    """Return the relative error in each of `count` regions with shape (count,), of scores (n, 2) with regions (n,)."""
    return np.array([relative_error(score[region == one], exact[region == one]) for one in range(count)])
