"""What sampling tells about the ends of its chains of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event

ALIVE: Final = "alive"
"""The verdict on a chain that has lived; every other one names what went wrong."""


def in_words(dead: Mapping[str, int]) -> str:
    """Return what went wrong with chains, such as ``3 monochrome, 1 blew up``; empty where nothing did."""
    return ", ".join(f"{count} {reason}" for reason, count in dead.items())


@dataclass(frozen=True, eq=False)
class Verdicts(Event):
    """How the chains of one sampling of images ended, beside the data.

    Where the images of the data are not there, all figures about them are NaN and only chains that blew up are told.

    Attributes:
        verdict: For each chain ``alive``, ``blew up``, ``monochrome``, ``saturated`` or ``off the data``.
        spatial_variance: Variance over the pixels of each sample, with shape (N,).
        least_variance: Below this a sample counts as monochrome; from the data.
        saturated_share: Share of saturated pixels of each sample, with shape (N,).
        most_saturation: Above this a sample counts as saturated; from the data.
        mean_distance: Mean pairwise distance of the samples, in data units ([-1, 1] pixels).
        data_mean_distance: The same of the data.
        data_largest_distance: Largest pairwise distance of the data.
        data_std: Standard deviation of a pixel of the data about the mean image.
        k: Number of copies.
        step_ratio: r = ε/σ².
        levels: Number of levels.
        dim: Numbers in one image.
        spec_json: The spec as JSON.
        features: The features by which samples were called off the data; empty where that verdict was left out.
        left_out: Why it was left out, in one sentence; empty where it was not.
        class_names: Names of the classes that the features tell apart; empty where there are none.
        shares: Share of the chains that have lived in each class, as the features call them, with shape (classes,).
        real_shares: The same of held-out images.
    """

    verdict: tuple[str, ...]
    spatial_variance: NDArray[np.float64]
    least_variance: float
    saturated_share: NDArray[np.float64]
    most_saturation: float
    mean_distance: float
    data_mean_distance: float
    data_largest_distance: float
    data_std: float
    k: int
    step_ratio: float
    levels: int
    dim: int
    spec_json: str
    features: str = ""
    left_out: str = ""
    class_names: tuple[str, ...] = ()
    shares: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    real_shares: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def lived(self) -> int:
        """Number of chains that have lived."""
        return self.verdict.count(ALIVE)

    @property
    def dead(self) -> dict[int, str]:
        """The other chains by number, with what went wrong."""
        return {index: verdict for index, verdict in enumerate(self.verdict) if verdict != ALIVE}
