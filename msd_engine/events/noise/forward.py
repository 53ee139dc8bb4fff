"""Events about the noise: its draws, and a datum on its way to noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event


@dataclass(frozen=True, eq=False)
class NoiseDraws(Event):
    """Draws of the noise of one copy with σ = 1.

    Attributes:
        noise: The draws with shape (N, H, W), (N, C, H, W) or (N, 2), float32.
        settings: The noise as JSON.
        seed: Seed of the draws; draw i does not depend on their number.
        log_det: ln det C over the number of values of a draw.
    """

    noise: NDArray[np.float32]
    settings: str
    seed: int
    log_det: float


@dataclass(frozen=True, eq=False)
class NoiseSide:
    """A datum on its way to noise of one covariance.

    Attributes:
        name: Display name of the noise.
        y: The mean of the copies at the chosen time over `Forward.scale`: a picture (C, H, W) or points (n, d).
        strip: The same at each of `Forward.times`, with shape (T, C, H, W); T = 0 for points.
        power: Power of the noise with σ = 1 on each ring of frequencies, with shape (m,).
        autocovariance: Correlation of two pixels of the noise by their distance in a row, with shape (n,).
        correlation: Correlation of the middle pixel with every other one, with shape (H, W).
        covariance: C of noise in the plane, with shape (2, 2).
        log_det: ln det C over the number of values.
        emerging: Times between which eight of ten waves of the data have as much power as the noise of the mean of the
            copies: the 10 % and the 90 % quantile over all waves; NaN for points.
    """

    name: str
    y: NDArray[np.float32]
    strip: NDArray[np.float32]
    power: NDArray[np.float64]
    autocovariance: NDArray[np.float64]
    correlation: NDArray[np.float64]
    covariance: NDArray[np.float64]
    log_det: float
    emerging: tuple[float, float] = (math.nan, math.nan)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power of the data by spatial frequency.

    Attributes:
        frequency: |κ| of the rings in cycles per pixel, with shape (m,), rising; m = 0 for points.
        power: Average power of the data about their mean on each ring, with shape (m,).
    """

    frequency: NDArray[np.float64]
    power: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Forward(Event):
    """A picture or a cloud of points at one time of a forward process, under white and under the chosen noise.

    Both sides use the same white draw.

    Attributes:
        spec_json: The experiment as JSON.
        x: The picture with shape (C, H, W), or the points with shape (n, d).
        alpha: Factor α of the data.
        sigma: Noise σ of one copy.
        sigma_eff: Noise σ/√k of the mean of the copies.
        scale: Divisor √(α² + σ_eff²) of what is shown, so that it stays visible for every process.
        times: Times of the strips, with shape (T,).
        sides: White noise, and the chosen one.
        spectrum: Power of the data.
        available: Number of held-out pictures; 0 for points.
    """

    keep: ClassVar[str] = "latest"
    spec_json: str
    x: NDArray[np.float32]
    alpha: float
    sigma: float
    sigma_eff: float
    scale: float
    times: NDArray[np.float64]
    sides: tuple[NoiseSide, NoiseSide]
    spectrum: Spectrum
    available: int

    @property
    def noise(self) -> float:
        """The equivalent noise σ̃ = σ/α of one copy of the variance-exploding process."""
        return self.sigma / self.alpha

    def signal_to_noise(self, side: NoiseSide) -> NDArray[np.float64]:
        """Return the power of the data over that of the noise of ȳ on each ring, with shape (m,); ∞ without noise."""
        if not self.sigma_eff:
            return np.full_like(side.power, np.inf)
        return self.alpha**2 * self.spectrum.power / (self.sigma_eff**2 * side.power)
