"""What generated images are measured against: real images, held out and of the training set, as a network sees them."""

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
"""Work that says what it does, and can be closed, between two steps."""

# Few colour images: their network takes long. Inception takes longer still, but has as many features.
_REFERENCE, _COLOUR_REFERENCE = 10_000, 2048
_SETS = 16
NEIGHBOURS = 256
"""So many images are compared with all training images."""


@dataclass(frozen=True, eq=False)
class Standard:
    """What samples are measured against.

    Attributes:
        images: The image set.
        network: Gives the features.
        reference: What the network sees in held-out images, in an order drawn once: any first n of them are as good.
        real: What it sees in training images, drawn once.
        real_sets: The same for several sets of as many training images, no image in two of them; `real` is the first.
        frechet: The Gaussian of the reference, None where it has too few images.
        nearest: Median distance of held-out images to their nearest training image, in pixels.
        judge: Tells samples that lie off the data.
        statistics: What the data look like.
        real_survival: Share of the training images that would count as living.
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
        """Share of the held-out images that the classifier calls each class, with shape (classes,)."""
        shares: NDArray[np.float64] = self.reference.class_shares.numpy()
        return shares


def standard(images: ImageSet, network: FeatureNetwork, n: int) -> Steps[Standard]:
    """Look at the real images that samples are measured against.

    Args:
        images: The image set, whole.
        network: Gives the features.
        n: Number of samples that will be measured.

    Yields:
        What is being done.

    Returns:
        The standard.

    Raises:
        UserError: The cache folder cannot be written.
    """
    limit = _REFERENCE if network.class_names or network.fid else _COLOUR_REFERENCE
    held_out = images.held_out(limit)
    reference = yield from last_of(features_of_real(network, held_out), "Looking at held-out images", len(held_out))
    order = torch.randperm(len(images.train), generator=torch.Generator().manual_seed(0))
    # Samplings to come are not judged by Inception, which would take an hour for so many on a CPU.
    training = images.train[order[: n if network.fid else max(n, limit)]]
    batch = yield from last_of(features_of_real(network, training), "Looking at training images", len(training))
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
        What is being done.

    Returns:
        The median root mean square difference, in data units.
    """
    found = torch.zeros(0)
    for distance, _ in nearest_in_pixels(x, train, 1):
        found = distance
        yield "Looking for the nearest training images"
    return float(found.median())


def last_of(steps: Iterator[FeatureBatch], text: str, total: int) -> Steps[FeatureBatch]:
    """Go through looks at images, tell how many of a total there are, and return the last, which is the whole."""
    count = 0
    for batch in steps:
        count = len(batch.features)
        yield f"{text}: {count} of {total}"
    return batch


def array(batch: FeatureBatch) -> Features:
    """Return the features that were seen, with shape (n, F), float64."""
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
