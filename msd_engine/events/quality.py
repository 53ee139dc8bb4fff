"""What measuring generated images tells."""

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
    """One number that says how good samples are.

    Attributes:
        name: Its name in files, such as ``frechet``.
        title: Its name for people.
        value: The number for the samples; NaN where it cannot be had.
        low: Lower end of the 95 % interval over the choice of samples, and for distances of held-out images; NaN where
            none is known.
        high: Its upper end.
        real: The same number for as many real training images in the place of the samples; NaN where it makes no sense.
        better: Whether ``lower`` or ``higher`` is better, or what is nearest to ``real``.
        help: What it means, with its formula.
        real_spread: Standard deviation of that number between sets of as many real images; NaN where one set was seen.
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
    """How good a set of generated images is.

    Attributes:
        data: Name of the image set that they are compared with.
        features: What they are compared by, such as ``MNIST classifier, 128 features``.
        n: Number of samples.
        real_n: Number of real training images whose figures stand beside.
        reference_n: Number of held-out images that both are compared with.
        figures: The figures, the most telling first.
        refused: Why a figure is missing, in one sentence; empty where none is.
        class_names: Names of the classes; empty where the features know none.
        shares: Share of the samples that the classifier calls each class, with shape (classes,).
        real_shares: The same for the held-out images, with shape (classes,).
        evaluations: Evaluations of the network, or of the exact score where there is none, for one sample; 0 where
            unknown.
        elapsed_s: Seconds of sampling; NaN where the samples came from a file.
        spec_json: The spec of the samples as JSON.
        dead: How many samples are of chains that have died, by what went wrong, the commonest first.
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
        """Number of samples whose chains have lived."""
        return self.n - sum(self.dead.values())


@dataclass(frozen=True, eq=False)
class Neighbours(Event):
    """The training images nearest to one image, in the order of their distance in pixels.

    Attributes:
        image: The image, with shape (C, H, W), uint8.
        neighbours: The training images with shape (m, C, H, W), uint8.
        labels: Names of their classes.
        pixels: Root mean square difference of each from the image, in data units, with shape (m,).
        features: Distance of each in the features, with shape (m,); NaN where there are none.
        feature_name: What the features are; empty where there are none.
        typical: Median distance in pixels of held-out images to their nearest training image.
        usual: Between these two lies that distance of a new image in 19 of 20 cases; infinite where there are too few
            held-out images to tell.
    """

    image: NDArray[np.uint8]
    neighbours: NDArray[np.uint8]
    labels: tuple[str, ...]
    pixels: NDArray[np.float64]
    features: NDArray[np.float64]
    feature_name: str
    typical: float
    usual: tuple[float, float] = (-math.inf, math.inf)
