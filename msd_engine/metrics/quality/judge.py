"""Quality of generated images: all figures of a set of samples, with those of real images.

Samples and as many real training images are both compared with held-out images, which shows the effect of a finite
number of images on a distance. A sentence replaces a Fréchet distance with a singular covariance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.events import Figure
from msd_engine.events.verdicts import ALIVE
from msd_engine.metrics.features.extract import extract_features
from msd_engine.metrics.quality.figures import (
    class_figures,
    frechet_figure,
    kernel_figure,
    overlap_figures,
    refusal,
    survival_figure,
)
from msd_engine.metrics.quality.manifolds import NEAREST
from msd_engine.metrics.quality.standard import (
    NEIGHBOURS,
    Standard,
    Steps,
    array,
    judged_alone,
    last_of,
    median_nearest,
)
from msd_engine.metrics.quality.verdicts import Verdict

LEAST = NEAREST + 2
"""Least number of samples for a judgement."""

_KERNEL_REFERENCE = 2048


@dataclass(frozen=True, eq=False)
class Judgement:
    """Measurements of a set of samples.

    Attributes:
        figures: The figures.
        shares: Share of each class among the samples by the classifier, with shape (classes,).
        refused: Why a figure is missing; empty if none is.
        verdicts: The verdict on each sample.
    """

    figures: tuple[Figure, ...]
    shares: NDArray[np.float64]
    refused: str
    verdicts: list[Verdict]


def judge(
    x: Tensor,
    against: Standard,
    draws: np.random.Generator,
    y: Tensor | None = None,
    noise: tuple[float, float] | None = None,
    *,
    brief: bool = False,
) -> Steps[Judgement]:
    """Measure samples.

    Args:
        x: The samples with shape (n, C, H, W), in data units, at least `LEAST`.
        against: The standard.
        draws: Draws the resampled sets of the intervals.
        y: The last copies of their chains with shape (n, k, C, H, W), where they are known: they may have blown up.
        noise: Noise of one copy at the start and at the end of their chains; None where it is unknown.
        brief: Leave out what takes longest: interval and real images of the Fréchet distance, nearest training images.

    Yields:
        The current activity.

    Returns:
        All figures.
    """
    batch = yield from last_of(extract_features(against.network, x), "Extracting features of the samples", len(x))
    features, real, reference = array(batch), array(against.real), array(against.reference)
    figures: list[Figure] = []
    refused = refusal(len(features), len(reference), against.network.width)
    if against.frechet is not None and not refused:
        figures.append((yield from frechet_figure(features, against, against.frechet, draws, resampled=not brief)))
    yield "Comparing distributions"
    figures.append(kernel_figure(features, real, reference[:_KERNEL_REFERENCE]))
    yield "Comparing neighbourhoods"
    figures += overlap_figures(features, real, reference)
    judged = judged_alone(x, y, batch, against.judge, against.statistics, noise)
    figures.append(survival_figure(judged.count(ALIVE), len(judged), against.real_survival))
    shares: NDArray[np.float64] = batch.class_shares.numpy()
    if len(shares):
        figures += class_figures(batch, against, shares)
    if brief:
        return Judgement(tuple(figures), shares, refused, judged)
    nearest = yield from median_nearest(x[:NEIGHBOURS], against.images.train)
    figures.append(
        Figure(
            "nearest",
            "To training image",
            nearest,
            real=against.nearest,
            better="real",
            help="Median over samples of the root mean square difference, in data units, from the nearest training "
            "image; held-out images beside. A value far below theirs means that the network repeats its training data.",
        )
    )
    return Judgement(tuple(figures), shares, refused, judged)
