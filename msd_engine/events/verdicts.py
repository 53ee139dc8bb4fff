"""Event of judging the final states of chains of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event

ALIVE: Final = "alive"
"""Verdict on a surviving chain; every other verdict names the failure."""


def in_words(dead: Mapping[str, int]) -> str:
    """Return the failures of chains as text, such as ``3 monochrome, 1 blew up``; empty for none."""
    return ", ".join(f"{count} {reason}" for reason, count in dead.items())


@dataclass(frozen=True, eq=False)
class Verdicts(Event):
    """Verdicts on the chains of one sampling of images, and figures beside those of the data.

    If the images of the data are missing, all figures about them are NaN and the only failure is ``blew up``.

    Attributes:
        verdict: For each chain ``alive``, ``blew up``, ``noise left over``, ``monochrome``, ``saturated`` or ``off
            the data``.
        spatial_variance: Variance over the pixels of each sample, with shape (N,).
        least_variance: Threshold of ``monochrome``, from the data.
        saturated_share: Share of saturated pixels of each sample, with shape (N,).
        most_saturation: Threshold of ``saturated``, from the data.
        mean_distance: Mean pairwise distance of the samples, in data units ([-1, 1] pixels).
        data_mean_distance: The same of the data.
        data_largest_distance: Largest pairwise distance of the data.
        data_std: Standard deviation of a pixel of the data about the mean image.
        k: Number of copies.
        step_ratio: r = ε/σ².
        levels: Number of levels.
        dim: Dimension of one image.
        spec_json: The spec as JSON.
        features: Features behind the verdict ``off the data``; empty without that verdict.
        left_out: Reason for leaving that verdict out, in one sentence; otherwise empty.
        class_names: Names of the classes of the features; empty for none.
        shares: Share of the surviving chains in each class, by the features, with shape (classes,).
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
        """Number of surviving chains."""
        return self.verdict.count(ALIVE)

    @property
    def dead(self) -> dict[int, str]:
        """The failures of all other chains, by number."""
        return {index: verdict for index, verdict in enumerate(self.verdict) if verdict != ALIVE}
