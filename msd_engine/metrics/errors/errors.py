"""The error ‖x̂ − x‖² of a denoiser on fixed held-out draws, in total and by bands of σ_eff.

For a mixture the same draws give the error of the exact posterior mean. Its expectation is the least possible (MMSE);
on these draws both errors share the same random deviation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser
from msd_engine.noise.copies import matched_copies
from msd_engine.objectives.mse import squared_error

_CHUNK = 256


@dataclass(frozen=True, eq=False)
class BandErrors:
    """Mean squared errors.

    Attributes:
        loss: Mean over all draws.
        sigma_eff: Geometric centre of each band, with shape (bands,), float64.
        band_loss: Mean in each band, with shape (bands,), float64.
        standard_error: Standard error of `loss` over the choice of the draws.
    """

    loss: float
    sigma_eff: Tensor
    band_loss: Tensor
    standard_error: float


def standard_error(errors: Tensor) -> float:
    """Return the standard error of the mean of independent errors with shape (n,); NaN for one."""
    return float(errors.std() / math.sqrt(len(errors)))


class HeldOut:
    """Fixed data with fixed noise, whose mean over the copies is the same for every k up to scale.

    Args:
        x: Clean data with shape (n, *event).
        sigma: Noise of one copy for each, with shape (n,).
        k: Number of copies.
        generator: Source of the noise.
        bands: Number of bands of σ_eff with equal numbers of data.
    """

    def __init__(self, x: Tensor, sigma: Tensor, k: int, generator: torch.Generator, *, bands: int = 8) -> None:
        # In the order of σ, a band is a range of neighbours.
        self.sigma = sigma.sort().values
        self.x = x
        self.y = matched_copies(x, self.sigma, k, generator)
        self._parts = [part for part in torch.arange(len(x)).tensor_split(bands) if len(part)]
        log_sigma_eff = self.sigma.cpu().double().log() - math.log(k) / 2
        self._centres = torch.stack([log_sigma_eff[part].mean() for part in self._parts]).exp()

    @torch.no_grad()
    def estimate(self, denoiser: Denoiser) -> Tensor:
        """Return x̂ for every draw with shape (n, *event), in the order of σ."""
        parts = zip(torch.split(self.y, _CHUNK), torch.split(self.sigma, _CHUNK), strict=True)
        return torch.cat([denoiser(y, sigma).mean for y, sigma in parts])

    def errors(self, denoiser: Denoiser) -> Tensor:
        """Return the squared errors ‖x̂ − x‖² with shape (n,), float64, on the CPU; in the order of σ."""
        return squared_error(self.estimate(denoiser), self.x).cpu().double()

    def measure(self, denoiser: Denoiser) -> BandErrors:
        """Return the mean errors of a denoiser, in total and by band."""
        errors = self.errors(denoiser)
        by_band = torch.stack([errors[part].mean() for part in self._parts])
        return BandErrors(float(errors.mean()), self._centres, by_band, standard_error(errors))
