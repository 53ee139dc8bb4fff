"""Precision, recall, density and coverage: where two sets of features overlap.

With balls around every vector of a set that reach its k-th nearest neighbour within the set: precision is the share of
the samples that lie in a ball of the real ones, recall the share of the real ones in a ball of the samples
(T. Kynkäänniemi et al. 2019, arXiv:1904.06991); density counts in how many of the real balls a sample lies, over k, and
coverage is the share of the real balls that hold a sample (M. F. Naeem et al. 2020, arXiv:2002.09797).
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

from msd_engine.metrics.quality.distances import Features

NEAREST = 5
"""Number k of neighbours that a ball reaches to."""


@dataclass(frozen=True)
class Overlap:
    """How two sets overlap.

    Attributes:
        precision: Share of the samples that look real.
        recall: Share of the real data that the samples reach.
        density: Like precision, but outliers among the real data count less; may exceed 1.
        coverage: Share of the real data that have a sample nearby.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def overlap(features: Features, reference: Features) -> Overlap:
    """Measure how samples overlap with real data.

    Args:
        features: Features of the samples with shape (n, F), n > k + 1.
        reference: Features of real data with shape (m, F), m > k + 1.

    Returns:
        The four shares.
    """
    # Imported here: it brings scikit-learn, which takes a while.
    from prdc import compute_prdc

    with contextlib.redirect_stdout(io.StringIO()):  # it prints the sizes
        found = compute_prdc(reference, features, nearest_k=NEAREST)
    return Overlap(**{name: float(value) for name, value in found.items()})
