"""The figures of a set of samples, each with that of as many real images and an explanation."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import Figure
from msd_engine.metrics.features.network import FeatureBatch
from msd_engine.metrics.quality.distances import (
    Estimate,
    Features,
    FrechetReference,
    centred_interval,
    kernel_distance,
    share,
    share_ratio,
)
from msd_engine.metrics.quality.manifolds import overlap
from msd_engine.metrics.quality.standard import Standard, Steps, array

CONFIDENT = 0.9
"""Least probability of a confident classification."""

_OVERLAP = 4096
# A Fréchet distance of a thousand features needs a second.
_ROUNDS, _FEW_ROUNDS, _MANY_FEATURES = 100, 20, 512


def survival_figure(lived: int, n: int, real: float) -> Figure:
    """Return the share of n chains that survived, and the share of real images that would count as survivors."""
    found = share(lived, n)
    return Figure(
        "yield",
        "Survival",
        found.value,
        found.low,
        found.high,
        real,
        "higher",
        "Share of the chains that survived: neither blown up, nor monochrome, nor saturated, nor off the data in the "
        "features of the network.",
    )


def refusal(n: int, reference_n: int, width: int) -> str:
    """Return why so few samples or held-out images give no Fréchet distance of `width` features; empty if they do."""
    if n <= width:
        return (
            f"No Fréchet distance: {n} samples are too few for {width} features, whose covariance would be singular; "
            f"draw more than {width}."
        )
    if reference_n <= width:
        return f"No Fréchet distance: the set has only {reference_n} held-out images for {width} features."
    return ""


def frechet_figure(
    features: Features,
    against: Standard,
    reference: FrechetReference,
    draws: np.random.Generator,
    *,
    resampled: bool = True,
) -> Steps[Figure]:
    """Return the Fréchet distance; if `resampled` with a bootstrap interval, and the mean of sets of real images."""
    rounds = (_ROUNDS if features.shape[1] <= _MANY_FEATURES else _FEW_ROUNDS) if resampled else 0
    distances: list[float] = []
    for distance in reference.resampled(features, rounds, draws):
        distances.append(distance)
        yield f"Resampling: {len(distances)} of {rounds}"
    sets = against.real_sets if resampled else ()
    value = reference.distance(features)
    found = Estimate(value, math.nan, math.nan)
    if resampled:
        found = centred_interval(value, distances, reference.variance(features))
    real = [reference.distance(array(one)) for one in sets if len(one) > features.shape[1]]
    fid = against.network.fid
    spread_note = (
        f"By the network of the FID, against {len(against.reference)} held-out images; published values mostly use "
        "50 000 samples and the training images."
        if fid
        else "Not the FID, which uses other features."
    )
    return Figure(
        "fid" if fid else "frechet",
        "FID" if fid else "Fréchet distance",
        found.value,
        found.low,
        found.high,
        float(np.mean(real)) if real else math.nan,
        help="Distance of the Gaussians of the features: |μ_a − μ_b|² + tr(C_a + C_b − 2(C_a C_b)^½). "
        f"It shrinks with the number of samples, so compare equal numbers only. {spread_note}"
        + (f" Real images: mean ± standard deviation of {len(real)} disjoint sets." if len(real) > 1 else ""),
        real_spread=float(np.std(real, ddof=1)) if len(real) > 1 else math.nan,
    )


def kernel_figure(features: Features, real: Features, reference: Features) -> Figure:
    """Return the kernel distance, with an interval."""
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


def overlap_figures(features: Features, real: Features, reference: Features) -> list[Figure]:
    """Return precision, recall, density and coverage."""
    n = min(len(features), len(real), len(reference), _OVERLAP)
    found, beside = (overlap(some[:n], reference[:n]) for some in (features, real))
    helps = {
        "precision": "Share of the samples among real images: are they realistic?",
        "recall": "Share of the real images among samples: is every kind sampled?",
        "density": "Mean number of neighbourhoods of real images that contain a sample, over k; may exceed 1.",
        "coverage": "Share of the real images with a sample in their neighbourhood.",
    }
    return [
        Figure(name, name.capitalize(), getattr(found, name), real=getattr(beside, name), better="higher", help=text)
        for name, text in helps.items()
    ]


def class_figures(batch: FeatureBatch, against: Standard, shares: NDArray[np.float64]) -> list[Figure]:
    """Return the classifier's confidence, and the most under- and over-represented classes."""
    sure, sure_real = (int((some.probabilities.amax(dim=1) > CONFIDENT).sum()) for some in (batch, against.reference))
    found = share(sure, len(batch.probabilities))
    real_shares = against.class_shares
    n, real_n = len(batch.probabilities), len(against.reference.probabilities)
    counts = [(round(share * n), round(real * real_n)) for share, real in zip(shares, real_shares, strict=True) if real]
    ratios = [share_ratio(hits, n, real, real_n, len(counts)) for hits, real in counts]
    rarest, commonest = (pick(ratios, key=lambda one: one.value) for pick in (min, max))
    return [
        Figure(
            "confident",
            "Called with > .9",
            found.value,
            found.low,
            found.high,
            sure_real / len(against.reference.probabilities),
            "higher",
            "Share of the samples with a class probability above .9 by the classifier.",
        ),
        Figure(
            "rarest",
            "Rarest class",
            rarest.value,
            rarest.low,
            rarest.high,
            1.0,
            better="real",
            help="Share of the most under-represented class among the samples, over its share among real images; the "
            "interval holds for all classes together.",
        ),
        Figure(
            "commonest",
            "Commonest class",
            commonest.value,
            commonest.low,
            commonest.high,
            1.0,
            better="real",
            help="Share of the most over-represented class among the samples, over its share among real images; the "
            "interval holds for all classes together.",
        ),
    ]
