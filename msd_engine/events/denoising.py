"""Events of manual denoising."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event


@dataclass(frozen=True, eq=False)
class Copies:
    """Copies of a picture, and their denoised result.

    Attributes:
        y: The copies, with shape (k, C, H, W), float32, in data units.
        y_mean: ȳ with shape (C, H, W).
        x_hat: x̂ with shape (C, H, W).
        origin: Previous number of the copy in each row of `y`, from 0; −1 for a new copy.
    """

    y: NDArray[np.float32]
    y_mean: NDArray[np.float32]
    x_hat: NDArray[np.float32]
    origin: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Denoised(Event):
    """A picture, its copies and x̂; all distances are root mean squares over the values of a picture.

    Attributes:
        spec_json: The experiment as JSON.
        x: The picture, with shape (C, H, W), float32, in data units.
        sigma: Noise of one copy.
        copies: The k copies as drawn.
        changed: The changed copies, or None without a change.
        error: Distance of x̂ from x.
        error_mean: Distance of ȳ from x; its expectation is σ/√k.
        moved: Distance between x̂ before and after the change; NaN without one.
        moved_mean: Distance between ȳ before and after the change; NaN without one.
        expected_mean: Theory of `moved_mean`; NaN without a change.
        expected_move: Theory of `moved` for an exact denoiser; NaN where it depends on the data.
        denoiser: Display name of the denoiser.
        exact: Whether x̂ is the exact posterior mean of a known distribution.
        fixed_k: Number of copies that the denoiser requires; 0 for any.
        available: Number of held-out images.
    """

    keep: ClassVar[str] = "latest"
    spec_json: str
    x: NDArray[np.float32]
    sigma: float
    copies: Copies
    changed: Copies | None
    error: float
    error_mean: float
    moved: float
    moved_mean: float
    expected_mean: float
    expected_move: float
    denoiser: str
    exact: bool
    fixed_k: int
    available: int

    @property
    def sigma_eff(self) -> float:
        """Noise of ȳ, σ/√k."""
        return self.sigma / math.sqrt(len(self.copies.y))


@dataclass(frozen=True, eq=False)
class Estimate:
    """x̂ of the first k copies of a picture.

    Attributes:
        k: Number of copies.
        sigma_eff: Noise of their mean, σ/√k.
        exact: Whether it is the exact posterior mean over the training images, else that of a network.
        x_hat: x̂ with shape (C, H, W), float32, in data units.
        error: Root mean square of x̂ − x.
    """

    k: int
    sigma_eff: float
    exact: bool
    x_hat: NDArray[np.float32]
    error: float


@dataclass(frozen=True, eq=False)
class GrowingCopies(Event):
    """x̂ of one picture as the number of its copies grows, at the same noise of one copy.

    Attributes:
        spec_json: The experiment as JSON.
        estimates: Those of networks, in the order of k, then the exact ones, once they are there.
    """

    keep: ClassVar[str] = "latest"
    spec_json: str
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True, eq=False)
class NoisyPicture(Event):
    """A picture and its copies, shown when no denoiser fits.

    Attributes:
        spec_json: The experiment as JSON.
        x: The picture, with shape (C, H, W), float32, in data units.
        sigma: Noise of one copy.
        y: The copies, with shape (k, C, H, W).
        y_mean: ȳ with shape (C, H, W).
        error_mean: Distance of ȳ from x, as a root mean square; its expectation is σ/√k.
        available: Number of held-out images.
    """

    keep: ClassVar[str] = "latest"
    spec_json: str
    x: NDArray[np.float32]
    sigma: float
    y: NDArray[np.float32]
    y_mean: NDArray[np.float32]
    error_mean: float
    available: int


@dataclass(frozen=True, eq=False)
class PictureRead(Event):
    """A picture was read from a file and resized to the shape of the data.

    Attributes:
        pixels: With shape (C, H, W), uint8.
        path: The file.
        done: Changes to its colours, such as ``its colours inverted``; empty for none.
    """

    pixels: NDArray[np.uint8]
    path: str
    done: str
