"""Known data distributions: the interface, Gaussian mixtures, and sets of points of equal probability."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.posterior import Denoiser

# Rows of a matrix of distances that are computed together.
_CHUNK = 4096


class Target(Protocol):
    """A known distribution with which chains can be compared."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one datum."""

    @property
    def mean(self) -> Tensor:
        """E[x] with the shape of one datum."""

    @property
    def std(self) -> float:
        """Root of the variance of x averaged over coordinates."""

    @property
    def modes(self) -> GaussianMixture | None:
        """The modes with their weights, means and covariances, if any."""

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n independent data with shape (n, *shape), by a generator of the CPU."""

    def log_prob(self, x: Tensor, tau: float = 0.0) -> Tensor:
        """Return the log density log p_τ(x) with shape (...) of data (..., *shape), smoothed by noise of std τ."""

    def score(self, x: Tensor, tau: Tensor) -> Tensor:
        """Return ∇ log p_τ(x) with shape (B, *shape) of data (B, *shape), each at its noise τ (B,), on their device.

        Only the first call on a device may wait for it.
        """

    def denoiser(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> Denoiser:
        """Return the exact denoiser on a device and in a precision; None keeps those of the target."""


class MixtureTarget:
    """A Gaussian mixture on the CPU as a target."""

    def __init__(self, mixture: GaussianMixture) -> None:
        self.modes: GaussianMixture | None = mixture
        self._mixture = mixture
        self._moved: dict[tuple[torch.device, torch.dtype], GaussianMixture] = {}
        self.shape: tuple[int, ...] = (mixture.dim,)
        self.mean = mixture.mean
        self.std = mixture.std

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n independent data, with shape (n, d)."""
        return self._mixture.sample(n, generator)

    def log_prob(self, x: Tensor, tau: float = 0.0) -> Tensor:
        """Return log p_τ(x) of points with shape (..., d)."""
        return self._mixture.log_prob(x, tau)

    def score(self, x: Tensor, tau: Tensor) -> Tensor:
        """Return ∇ log p_τ(x) with shape (B, d) of points (B, d), each at its own noise τ (B,)."""
        key = (x.device, x.dtype)
        if key not in self._moved:
            self._moved[key] = self._mixture.to(*key)
        return self._moved[key].scores(x, tau)

    def denoiser(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> ExactDenoiser:
        """Return the exact denoiser, by default of the mixture as it is."""
        here = device is None and dtype is None
        return ExactDenoiser(self._mixture if here else self._mixture.to(device, dtype))


class PointsTarget(MixtureTarget):
    """Points of equal probability: modes without width, which are not told apart.

    Args:
        points: The points with shape (n, d), float64, on the CPU.
    """

    def __init__(self, points: Tensor) -> None:
        super().__init__(GaussianMixture.of_points(points))
        self.modes = None

    def log_prob(self, x: Tensor, tau: float = 0.0) -> Tensor:
        """Return log p_τ(x) of points with shape (..., d), for τ > 0; many times faster than a mixture's."""
        centred = (self._mixture.means - self.mean).to(x)
        flat = (x - self.mean.to(x)).reshape(-1, centred.shape[1])
        exponents = (torch.cdist(part, centred).square_().mul_(-0.5 / tau**2) for part in torch.split(flat, _CHUNK))
        constant = math.log(len(centred)) + centred.shape[1] / 2 * math.log(2 * math.pi * tau**2)
        return torch.cat([torch.logsumexp(part, 1) for part in exponents]).reshape(x.shape[:-1]) - constant
