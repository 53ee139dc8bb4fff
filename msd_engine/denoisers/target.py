"""Known data distributions: the interface, and its only implementation so far, a Gaussian mixture."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.posterior import Denoiser


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

    def denoiser(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> Denoiser:
        """Return the exact denoiser on a device and in a precision; None keeps those of the target."""


class MixtureTarget:
    """A Gaussian mixture on the CPU as a target."""

    def __init__(self, mixture: GaussianMixture) -> None:
        self.modes: GaussianMixture | None = mixture
        self._mixture = mixture
        self.shape: tuple[int, ...] = (mixture.dim,)
        self.mean = mixture.mean
        self.std = mixture.std

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n independent data, with shape (n, d)."""
        return self._mixture.sample(n, generator)

    def log_prob(self, x: Tensor, tau: float = 0.0) -> Tensor:
        """Return log p_τ(x) of points with shape (..., d)."""
        return self._mixture.log_prob(x, tau)

    def denoiser(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> ExactDenoiser:
        """Return the exact denoiser, by default of the mixture as it is."""
        here = device is None and dtype is None
        return ExactDenoiser(self._mixture if here else self._mixture.to(device, dtype))
