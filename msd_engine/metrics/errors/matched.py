"""The error ‖x̂ − x‖² of denoisers with different numbers of copies, on draws matched as closely as possible.

Every k has the same data in the same order, quantiles of the law of σ instead of draws, and copies with the same
normalised mean noise n̄ (`noise.copies.matched_copies`). So at the same σ_eff the exact errors agree to rounding, and
all remaining differences are those of the denoisers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser
from msd_engine.metrics.errors.errors import BandErrors, standard_error
from msd_engine.noise.copies import matched_copies
from msd_engine.objectives.mse import squared_error

# Small enough for a large network on a CPU to finish a chunk in a fraction of a second.
_CHUNK = 64


@dataclass(frozen=True, eq=False)
class MatchedDraws:
    """Held-out data with noise that depends on the number of copies only through σ.

    Attributes:
        x: Clean data with shape (n, *event), in random order.
        sigma: Noise of one copy with shape (n,), ascending.
        k: Number of copies.
        seed: Seed of the noise.
        bands: Number of bands of σ_eff.
    """

    x: Tensor
    sigma: Tensor
    k: int
    seed: int = 0
    bands: int = 8

    @torch.no_grad()
    def errors(self, denoiser: Denoiser) -> list[Tensor]:
        """Return all errors at once; see `chunks`."""
        return list(self.chunks(denoiser))

    def chunks(self, denoiser: Denoiser) -> Iterator[Tensor]:
        """Measure a denoiser piece by piece.

        Args:
            denoiser: Gives the posterior of k copies.

        Yields:
            ‖x̂ − x‖² of some data in the order of σ, with shape (chunk,), float64, on the CPU.
        """
        for number, (x, sigma) in enumerate(
            zip(torch.split(self.x, _CHUNK), torch.split(self.sigma, _CHUNK), strict=True)
        ):
            yield self._errors(denoiser, number, x, sigma)

    @torch.no_grad()
    def _errors(self, denoiser: Denoiser, number: int, x: Tensor, sigma: Tensor) -> Tensor:
        words = np.random.SeedSequence(self.seed, spawn_key=(number,)).generate_state(1)
        y = matched_copies(x, sigma, self.k, torch.Generator().manual_seed(int(words[0])))
        return squared_error(denoiser(y, sigma).mean, x).cpu().double()

    def summary(self, errors: list[Tensor]) -> BandErrors:
        """Return the mean errors, in total and by band, of the complete output of `chunks`."""
        whole = torch.cat(errors)
        parts = [part for part in torch.arange(len(whole)).tensor_split(self.bands) if len(part)]
        log_sigma_eff = (self.sigma.cpu().double() / self.k**0.5).log()
        centres = torch.stack([log_sigma_eff[part].mean() for part in parts]).exp()
        by_band = torch.stack([whole[part].mean() for part in parts])
        return BandErrors(float(whole.mean()), centres, by_band, standard_error(whole))
