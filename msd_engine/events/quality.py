"""Events of measuring generated images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event

Better = Literal["lower", "higher", "real"]


@dataclass(frozen=True)
class Figure:
    """One figure of the quality of samples.

    Attributes:
        name: Its name in files, such as ``frechet``.
        title: Display title.
        value: The figure; NaN if it cannot be computed.
        low: Lower end of the 95 % interval over the choice of samples, and of held-out images for distances; NaN if
            unknown.
        high: Its upper end.
        real: The same figure for as many real training images instead of the samples; NaN if undefined.
        better: Whether ``lower``, ``higher`` or nearest to ``real`` is better.
        help: Its meaning, with the formula.
        real_spread: Standard deviation of `real` between sets of as many real images; NaN for a single set.
    """

    name: str
    title: str
    value: float
    low: float = math.nan
    high: float = math.nan
    real: float = math.nan
    better: Better = "lower"
    help: str = ""
    real_spread: float = math.nan


@dataclass(frozen=True, eq=False)
class Quality(Event):
    """Quality of a set of generated images.

    Attributes:
        data: Name of the reference image set.
        features: Features behind the figures, such as ``MNIST classifier, 128 features``.
        n: Number of samples.
        real_n: Number of real training images behind the figures `real`.
        reference_n: Number of held-out images that both are compared with.
        figures: The figures, the most informative first.
        refused: Reason for missing figures, in one sentence; empty for none.
        class_names: Names of the classes; empty for features without classes.
        shares: Share of the samples in each class, by the classifier, with shape (classes,).
        real_shares: The same for the held-out images, with shape (classes,).
        evaluations: Evaluations of the network, or of the exact score without a network, for one sample; 0 if unknown.
        elapsed_s: Seconds of sampling; NaN for samples from a file.
        spec_json: The spec of the samples as JSON.
        dead: Number of samples from failed chains, by failure, the most frequent first.
    """

    data: str
    features: str
    n: int
    real_n: int
    reference_n: int
    figures: tuple[Figure, ...]
    refused: str
    class_names: tuple[str, ...]
    shares: NDArray[np.float64]
    real_shares: NDArray[np.float64]
    evaluations: int
    elapsed_s: float
    spec_json: str
    dead: Mapping[str, int] = field(default_factory=dict)

    @property
    def lived(self) -> int:
        """Number of samples from surviving chains."""
        return self.n - sum(self.dead.values())


@dataclass(frozen=True, eq=False)
class Neighbours(Event):
    """The training images nearest to one image, by distance in pixels.

    Attributes:
        image: The image, with shape (C, H, W), uint8.
        neighbours: The training images with shape (m, C, H, W), uint8.
        labels: Names of their classes.
        pixels: Root mean square difference of each from the image, in data units, with shape (m,).
        features: Distance of each in the features, with shape (m,); NaN without features.
        feature_name: Name of the features; empty without features.
        typical: Median distance in pixels of held-out images to their nearest training image.
        usual: Range of that distance for 19 of 20 new images; infinite for too few held-out images.
    """

    image: NDArray[np.uint8]
    neighbours: NDArray[np.uint8]
    labels: tuple[str, ...]
    pixels: NDArray[np.float64]
    features: NDArray[np.float64]
    feature_name: str
    typical: float
    usual: tuple[float, float] = (-math.inf, math.inf)
