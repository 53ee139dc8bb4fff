"""How good generated images are: all figures of a set of samples, with those of real images beside them.

Samples and as many real training images are both compared with held-out images, so that what a finite number of images
alone makes of a distance can be seen. A sentence takes the place of a Fréchet distance that would come from a singular
covariance.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.data.images import ImageSet
from msd_engine.events import Figure
from msd_engine.metrics.distances import Features, FrechetReference, centred_interval, kernel_distance, share
from msd_engine.metrics.features import FeatureNetwork, Seen
from msd_engine.metrics.manifolds import NEAREST, overlap
from msd_engine.metrics.nearest import nearest_in_pixels
from msd_engine.metrics.seen import look, look_at_real
from msd_engine.metrics.support import Judge, support_of
from msd_engine.metrics.verdicts import DataLooks, Verdict, data_looks, verdicts

T = TypeVar("T")
Steps = Generator[str, None, T]
"""Work that says what it does, and can be closed, between two steps."""

CONFIDENT = 0.9
"""Probability from which a classifier counts as sure."""

LEAST = NEAREST + 2
"""Fewest samples that can be judged."""

# Few colour images: their network takes long. Inception takes longer still, but has as many features.
_REFERENCE, _COLOUR_REFERENCE = 10_000, 2048
_KERNEL_REFERENCE = 2048
_OVERLAP = 4096
_NEIGHBOURS = 256
# A Fréchet distance of a thousand features takes a second.
_ROUNDS, _FEW_ROUNDS, _MANY_FEATURES = 100, 20, 512


@dataclass(frozen=True, eq=False)
class Standard:
    """What samples are measured against.

    Attributes:
        images: The image set.
        network: Gives the features.
        reference: What the network sees in held-out images.
        real: What it sees in training images, drawn once.
        frechet: The Gaussian of the reference, None where it has too few images.
        nearest: Median distance of held-out images to their nearest training image, in pixels.
        judge: Tells samples that lie off the data.
        looks: What the data look like.
        real_yield: Share of the training images that would count as living.
    """

    images: ImageSet
    network: FeatureNetwork
    reference: Seen
    real: Seen
    frechet: FrechetReference | None
    nearest: float
    judge: Judge
    looks: DataLooks
    real_yield: float

    @property
    def class_shares(self) -> NDArray[np.float64]:
        """Share of the held-out images that the classifier calls each class, with shape (classes,)."""
        shares: NDArray[np.float64] = self.reference.class_shares.numpy()
        return shares


@dataclass(frozen=True, eq=False)
class Judgement:
    """What was found of a set of samples.

    Attributes:
        figures: The figures.
        shares: Share of the samples that the classifier calls each class, with shape (classes,).
        refused: Why a figure is missing; empty where none is.
        verdicts: The verdict on each sample.
    """

    figures: tuple[Figure, ...]
    shares: NDArray[np.float64]
    refused: str
    verdicts: list[Verdict]


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
    held_out = images.test[:limit]
    reference = yield from _last(look_at_real(network, held_out), "Looking at held-out images", len(held_out))
    order = torch.randperm(len(images.train), generator=torch.Generator().manual_seed(0))
    # Samplings to come are not judged by Inception, which would take an hour for so many on a CPU.
    training = images.train[order[: n if network.fid else max(n, limit)]]
    seen = yield from _last(look_at_real(network, training), "Looking at training images", len(training))
    real = seen[:n]
    frechet = FrechetReference(_array(reference)) if len(reference.features) > network.width else None
    nearest = yield from median_nearest(images.to_data(images.test[:_NEIGHBOURS]), images.train)
    judge = Judge(network, support_of(seen[:limit], reference, network.class_names))
    looks = data_looks(images.train)
    living = _verdicts(images.to_data(training[:n]), None, real, judge, looks).count("alive")
    return Standard(images, network, reference, real, frechet, nearest, judge, looks, living / len(real))


def judge(x: Tensor, against: Standard, draws: np.random.Generator, y: Tensor | None = None) -> Steps[Judgement]:
    """Measure samples.

    Args:
        x: The samples with shape (n, C, H, W), in data units, at least `LEAST`.
        against: The standard.
        draws: Draws the resampled sets of the intervals.
        y: The last copies of their chains with shape (n, k, C, H, W), where they are known: they may have blown up.

    Yields:
        What is being done.

    Returns:
        All figures.
    """
    seen = yield from _last(look(against.network, x), "Looking at the samples", len(x))
    features, real, reference = _array(seen), _array(against.real), _array(against.reference)
    figures: list[Figure] = []
    refused = _refusal(len(features), len(reference), against.network.width)
    if against.frechet is not None and not refused:
        figures.append((yield from _frechet(features, real, against, against.frechet, draws)))
    yield "Comparing distributions"
    figures.append(_kernel(features, real, reference[:_KERNEL_REFERENCE]))
    yield "Comparing neighbourhoods"
    figures += _overlaps(features, real, reference)
    judged = _verdicts(x, y, seen, against.judge, against.looks)
    figures.append(_yield(judged.count("alive"), len(judged), against.real_yield))
    shares: NDArray[np.float64] = seen.class_shares.numpy()
    if len(shares):
        figures += _classes(seen, against, shares)
    nearest = yield from median_nearest(x[:_NEIGHBOURS], against.images.train)
    figures.append(
        Figure(
            "nearest",
            "To training image",
            nearest,
            real=against.nearest,
            better="real",
            help="Median over samples of the root mean square difference, in data units, from the nearest training "
            "image; held-out images beside. Much less than theirs means that the network repeats what it has seen.",
        )
    )
    return Judgement(tuple(figures), shares, refused, judged)


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


def _last(steps: Iterator[Seen], text: str, total: int) -> Steps[Seen]:
    count = 0
    for seen in steps:
        count = len(seen.features)
        yield f"{text}: {count} of {total}"
    return seen


def _array(seen: Seen) -> Features:
    return seen.features.double().numpy()


def _verdicts(x: Tensor, y: Tensor | None, seen: Seen, judge: Judge, looks: DataLooks) -> list[Verdict]:
    return verdicts(x, x[:, None] if y is None else y, looks, judge.support.off(seen))


def _yield(lived: int, n: int, real: float) -> Figure:
    found = share(lived, n)
    return Figure(
        "yield",
        "Yield",
        found.value,
        found.low,
        found.high,
        real,
        "higher",
        "Share of the chains that have lived: neither blown up, nor monochrome, nor saturated, nor off the data in the "
        "eyes of the feature network.",
    )


def _refusal(n: int, reference_n: int, width: int) -> str:
    if n <= width:
        return (
            f"No Fréchet distance: {n} samples are too few for {width} features, whose covariance would be singular; "
            f"draw more than {width}."
        )
    if reference_n <= width:
        return f"No Fréchet distance: the set has only {reference_n} held-out images for {width} features."
    return ""


def _frechet(
    features: Features, real: Features, against: Standard, reference: FrechetReference, draws: np.random.Generator
) -> Steps[Figure]:
    rounds = _ROUNDS if features.shape[1] <= _MANY_FEATURES else _FEW_ROUNDS
    resampled: list[float] = []
    for distance in reference.resampled(features, rounds, draws):
        resampled.append(distance)
        yield f"Resampling: {len(resampled)} of {rounds}"
    found = centred_interval(reference.distance(features), resampled)
    fid = against.network.fid
    told = (
        f"By the network of the FID, against {len(against.reference)} held-out images; published ones are mostly of "
        "50 000 samples against the training images."
        if fid
        else "Not the FID, whose features are others."
    )
    return Figure(
        "fid" if fid else "frechet",
        "FID" if fid else "Fréchet distance",
        found.value,
        found.low,
        found.high,
        reference.distance(real) if len(real) > features.shape[1] else math.nan,
        help="Distance of the Gaussians of the features: |μ_a − μ_b|² + tr(C_a + C_b − 2(C_a C_b)^½). "
        f"It shrinks with the number of samples, so compare equal numbers only. {told}",
    )


def _kernel(features: Features, real: Features, reference: Features) -> Figure:
    found = kernel_distance(features, reference)
    beside = kernel_distance(real, reference).value
    return Figure(
        "kernel",
        "Kernel distance",
        found.value,
        found.low,
        found.high,
        beside,
        help="Squared maximum mean discrepancy with k(u, v) = (u·v/F + 1)³; unbiased, so that it does not depend on "
        "the number of samples, and is about 0 for real images.",
    )


def _overlaps(features: Features, real: Features, reference: Features) -> list[Figure]:
    n = min(len(features), len(real), len(reference), _OVERLAP)
    found, beside = (overlap(some[:n], reference[:n]) for some in (features, real))
    helps = {
        "precision": "Share of the samples that lie among real images: do they look real?",
        "recall": "Share of the real images that lie among samples: is every kind drawn?",
        "density": "In how many neighbourhoods of real images a sample lies, over k; may exceed 1.",
        "coverage": "Share of the real images with a sample in their neighbourhood.",
    }
    return [
        Figure(name, name.capitalize(), getattr(found, name), real=getattr(beside, name), better="higher", help=text)
        for name, text in helps.items()
    ]


def _classes(seen: Seen, against: Standard, shares: NDArray[np.float64]) -> list[Figure]:
    sure, sure_real = (int((some.probabilities.amax(dim=1) > CONFIDENT).sum()) for some in (seen, against.reference))
    found = share(sure, len(seen.probabilities))
    real_shares = against.class_shares
    there = real_shares > 0
    ratios = shares[there] / real_shares[there]
    return [
        Figure(
            "confident",
            "Called with > .9",
            found.value,
            found.low,
            found.high,
            sure_real / len(against.reference.probabilities),
            "higher",
            "Share of the samples that the classifier gives a class more than .9 probability.",
        ),
        Figure(
            "rarest",
            "Rarest class",
            float(ratios.min()),
            real=1.0,
            better="real",
            help="Share of the class that is most lacking among the samples, over its share among real images.",
        ),
        Figure(
            "commonest",
            "Commonest class",
            float(ratios.max()),
            real=1.0,
            better="real",
            help="Share of the class that is most in excess among the samples, over its share among real images.",
        ),
    ]
