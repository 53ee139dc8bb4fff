"""The two halves of the held-out images: one chooses, the other reports."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from msd_engine.events import Figure
from msd_engine.metrics.features.network import FeatureBatch
from msd_engine.metrics.quality.distances import Estimate, Features, FrechetReference, centred_interval, kernel_distance
from msd_engine.metrics.quality.figures import class_figures, frechet_figure, kernel_figure, refusal, survival_figure
from msd_engine.metrics.quality.standard import Standard, Steps, array
from msd_engine.specs.search.tune import Measure

_REFERENCE = 2048
_ROUNDS = 50
_FOR_EACH_FEATURE = 4


class Halves(NamedTuple):
    """What chains are judged by.

    Attributes:
        tuning: Features of the half that chooses, with shape (n, F).
        width: Width h of the Gaussian kernel: 2h² is their mean squared distance from their mean.
        frechet: Their Gaussian; None for too few images.
        reporting: The standard of the other half.
    """

    tuning: Features
    width: float
    frechet: FrechetReference | None
    reporting: Standard


def halves(against: Standard, seed: int) -> Halves:
    """Split the held-out images of a standard by a permutation.

    Args:
        against: The standard of all held-out images.
        seed: Seed of the permutation.
    """
    order = np.random.default_rng(seed).permutation(len(against.reference))
    some, others = np.array_split(order, 2)
    tuning, reporting = (against.reference[torch.from_numpy(part)] for part in (some, others))
    features = array(tuning)
    width = math.sqrt(float(np.square(features - features.mean(axis=0)).sum(axis=1).mean()) / 2)
    return Halves(
        features, width, _gaussian(tuning), replace(against, reference=reporting, frechet=_gaussian(reporting))
    )


def distance(features: Features, judges: Halves, measure: Measure) -> Estimate:
    """Return the distance of chains from the half that chooses.

    Args:
        features: Features of the chains with shape (n, F).
        judges: The halves.
        measure: As `measure_of` says, for equal numbers of chains alone.
    """
    if measure == "kernel" or judges.frechet is None:
        return kernel_distance(features, judges.tuning[:_REFERENCE], judges.width)
    resampled = list(judges.frechet.resampled(features, _ROUNDS, np.random.default_rng(0)))
    return centred_interval(judges.frechet.distance(features), resampled, judges.frechet.variance(features))


def measure_of(chains: int, judges: Halves, *, last: bool) -> Measure:
    """Return the distance that judges a rung: the kernel distance, and at a large last rung Fréchet's.

    Fréchet's distance of a few samples for each feature ranks chains worse than the kernel distance: it is mostly the
    chance of their covariance.

    Args:
        chains: Number of chains.
        judges: The halves.
        last: Whether it is the last rung.
    """
    enough = min(chains, len(judges.tuning)) >= _FOR_EACH_FEATURE * judges.tuning.shape[1]
    return "frechet" if last and enough else "kernel"


def reported(batch: FeatureBatch, lived: int, judges: Halves) -> Steps[tuple[Figure, ...]]:
    """Measure chains by the half that did not choose.

    Args:
        batch: Features of the chains.
        lived: Number of surviving chains. (The bounds of survival are from all held-out images; they choose nothing.)
        judges: The halves.

    Yields:
        The current activity.

    Returns:
        Fréchet and kernel distance, share of confident samples, rarest and commonest class, and yield.
    """
    against = judges.reporting
    features, reference = array(batch), array(against.reference)
    figures: list[Figure] = []
    if against.frechet is not None and not refusal(len(features), len(reference), against.network.width):
        figures.append((yield from frechet_figure(features, against, against.frechet, np.random.default_rng(0))))
    yield "Comparing distributions"
    figures.append(kernel_figure(features, array(against.real), reference[:_REFERENCE]))
    shares = batch.class_shares.numpy()
    if len(shares):
        figures += class_figures(batch, against, shares)
    return (*figures, survival_figure(lived, len(features), against.real_survival))


def _gaussian(batch: FeatureBatch) -> FrechetReference | None:
    features = array(batch)
    return FrechetReference(features) if len(features) > features.shape[1] else None
