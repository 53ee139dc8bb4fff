"""The standard of generated images: features of real images, held out and from the training set."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.data.images import ImageSet
from msd_engine.events.verdicts import ALIVE
from msd_engine.metrics.features.extract import features_of_real
from msd_engine.metrics.features.network import FeatureBatch, FeatureNetwork
from msd_engine.metrics.quality.distances import Features, FrechetReference
from msd_engine.metrics.quality.nearest import nearest_in_pixels
from msd_engine.metrics.quality.support import Judge, support_of
from msd_engine.metrics.quality.verdicts import DataStatistics, Verdict, data_statistics, verdicts

T = TypeVar("T")
Steps = Generator[str, None, T]
"""Work that reports its activity and can be closed between two steps."""

# Few colour images: their network is slow. Inception is slower still, but has as many features.
_REFERENCE, _COLOUR_REFERENCE = 10_000, 2048
_SETS = 16
NEIGHBOURS = 256
"""Number of images compared with all training images."""


@dataclass(frozen=True, eq=False)
class Standard:
    """Reference for samples.

    Attributes:
        images: The image set.
        network: Computes the features.
        reference: Features of held-out images, in an order drawn once: any first n of them are as good.
        real: Features of training images, drawn once.
        real_sets: Features of several disjoint sets of as many training images; `real` is the first.
        frechet: The Gaussian of the reference, None for too few images.
        nearest: Median distance of held-out images to their nearest training image, in pixels.
        judge: Detects samples off the data.
        statistics: Statistics of the data.
        real_survival: Share of the training images that would count as survivors.
    """

    images: ImageSet
    network: FeatureNetwork
    reference: FeatureBatch
    real: FeatureBatch
    real_sets: tuple[FeatureBatch, ...]
    frechet: FrechetReference | None
    nearest: float
    judge: Judge
    statistics: DataStatistics
    real_survival: float

    @property
    def class_shares(self) -> NDArray[np.float64]:
        """Share of each class among the held-out images by the classifier, with shape (classes,)."""
        shares: NDArray[np.float64] = self.reference.class_shares.numpy()
        return shares


def standard(images: ImageSet, network: FeatureNetwork, n: int) -> Steps[Standard]:
    """Compute the reference for samples from real images.

    Args:
        images: The complete image set.
        network: Computes the features.
        n: Number of samples to measure later.

    Yields:
        The current activity.

    Returns:
        The standard.

    Raises:
        UserError: The cache folder cannot be written.
    """
    limit = _REFERENCE if network.class_names or network.fid else _COLOUR_REFERENCE
    held_out = images.held_out(limit)
    reference = yield from last_of(
        features_of_real(network, held_out), "Extracting features of held-out images", len(held_out)
    )
    order = torch.randperm(len(images.train), generator=torch.Generator().manual_seed(0))
    # Later samplings are not judged by Inception, which would need an hour for so many on a CPU.
    training = images.train[order[: n if network.fid else max(n, limit)]]
    batch = yield from last_of(
        features_of_real(network, training), "Extracting features of training images", len(training)
    )
    real = batch[:n]
    sets = tuple(batch[start : start + n] for start in range(0, min(len(training), _SETS * n) - n + 1, n)) or (real,)
    frechet = FrechetReference(array(reference)) if len(reference.features) > network.width else None
    nearest = yield from median_nearest(images.to_data(images.held_out(NEIGHBOURS)), images.train)
    judge = Judge(network, support_of(batch[:limit], reference, network.class_names))
    statistics = data_statistics(images.train)
    living = judged_alone(images.to_data(training[:n]), None, real, judge, statistics).count(ALIVE)
    return Standard(images, network, reference, real, sets, frechet, nearest, judge, statistics, living / len(real))


def median_nearest(x: Tensor, train: Tensor) -> Steps[float]:
    """Return the median distance of images to their nearest training image.

    Args:
        x: Images with shape (N, C, H, W), in data units.
        train: Training images with shape (n, C, H, W), uint8.

    Yields:
        The current activity.

    Returns:
        The median root mean square difference, in data units.
    """
    found = torch.zeros(0)
    for distance, _ in nearest_in_pixels(x, train, 1):
        found = distance
        yield "Searching for the nearest training images"
    return float(found.median())


def last_of(steps: Iterator[FeatureBatch], text: str, total: int) -> Steps[FeatureBatch]:
    """Iterate over growing batches, report their size of a total, and return the last, complete one."""
    count = 0
    for batch in steps:
        count = len(batch.features)
        yield f"{text}: {count} of {total}"
    return batch


def array(batch: FeatureBatch) -> Features:
    """Return the features with shape (n, F), float64."""
    return batch.features.double().numpy()


def judged_alone(
    x: Tensor,
    y: Tensor | None,
    batch: FeatureBatch,
    judge: Judge,
    statistics: DataStatistics,
    noise: tuple[float, float] | None = None,
) -> list[Verdict]:
    """Judge images that may be the ends of chains; see `metrics/quality/verdicts.py`."""
    return verdicts(x, x[:, None] if y is None else y, statistics, judge.support.off(batch), noise)
