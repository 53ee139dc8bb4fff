"""What one denoising by hand tells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event


@dataclass(frozen=True, eq=False)
class Copies:
    """Some copies of a picture and what the denoiser makes of them.

    Attributes:
        y: The copies, with shape (k, C, H, W), float32, in data units.
        y_mean: ȳ with shape (C, H, W).
        x_hat: x̂ with shape (C, H, W).
        origin: Number of the copy, from 0, that each row of `y` was before; −1 for one that is new.
    """

    y: NDArray[np.float32]
    y_mean: NDArray[np.float32]
    x_hat: NDArray[np.float32]
    origin: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Denoised(Event):
    """One picture, its copies and x̂; all distances are root mean squares over the values of a picture.

    Attributes:
        spec_json: The experiment that was asked for, as JSON.
        x: The picture, with shape (C, H, W), float32, in data units.
        sigma: Noise of one copy.
        copies: The k copies as they were drawn.
        changed: The copies after the change that was asked for, or None where none was.
        error: Distance of x̂ from x.
        error_mean: Distance of ȳ from x; its expectation is σ/√k.
        moved: Distance between x̂ before and after the change; NaN without one.
        moved_mean: Distance between ȳ before and after the change; NaN without one.
        expected_mean: What theory expects of `moved_mean`; NaN without a change.
        expected_move: What theory says of `moved` for an exact denoiser; NaN where it depends on the data.
        denoiser: What denoised, in words.
        exact: Whether it is the exact posterior mean of a known distribution.
        fixed_k: Number of copies that the denoiser takes whatever is asked for; 0 where it takes any number.
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
class HeldOutPicture(Event):
    """One of the held-out images, to be looked at where nothing denoises it.

    Attributes:
        spec_json: The experiment that chose it, as JSON.
        x: With shape (C, H, W), float32, in data units.
        available: Number of held-out images.
    """

    spec_json: str
    x: NDArray[np.float32]
    available: int


@dataclass(frozen=True, eq=False)
class PictureRead(Event):
    """A picture was read from a file and brought to the size of the data.

    Attributes:
        pixels: With shape (C, H, W), uint8.
        path: The file.
        done: What was done to its colours, in words, such as ``dark and light exchanged``; empty for nothing.
    """

    pixels: NDArray[np.uint8]
    path: str
    done: str
