"""Precision, recall, density and coverage: the overlap of two sets of features.

Each vector has a ball that reaches its k-th nearest neighbour within its set. Precision is the share of the samples in
a ball of the real ones, recall the share of the real ones in a ball of the samples (T. Kynkäänniemi et al. 2019,
arXiv:1904.06991); density counts the real balls that contain a sample, over k, and coverage is the share of the real
balls that contain a sample (M. F. Naeem et al. 2020, arXiv:2002.09797).
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

from msd_engine.metrics.quality.distances import Features

NEAREST = 5
"""Number k of neighbours in a ball."""


@dataclass(frozen=True)
class Overlap:
    """Overlap of two sets.

    Attributes:
        precision: Share of realistic samples.
        recall: Share of the real data reached by the samples.
        density: Like precision, but outliers among the real data count less; may exceed 1.
        coverage: Share of the real data with a sample nearby.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def overlap(features: Features, reference: Features) -> Overlap:
    """Measure the overlap of samples with real data.

    Args:
        features: Features of the samples with shape (n, F), n > k + 1.
        reference: Features of real data with shape (m, F), m > k + 1.
    """
    # Imported here: it imports scikit-learn, which is slow.
    from prdc import compute_prdc

    with contextlib.redirect_stdout(io.StringIO()):  # it prints the sizes
        found = compute_prdc(reference, features, nearest_k=NEAREST)
    return Overlap(**{name: float(value) for name, value in found.items()})
