"""Guidance of a denoiser by a worse version of itself (Karras et al. 2024, arXiv:2406.02507).

Both get the same copies, and their difference is extrapolated,

    x̂ = x̂₀ + w (x̂₁ − x̂₀),

with x̂₀ from the weights after a tenth of the training, x̂₁ from the last ones and w ≥ 1. An undertrained network
averages over separate modes, earlier weights more so: the extrapolation removes what further training would. It applies
only between two noises (Kynkäänniemi et al. 2024, arXiv:2404.07724): outside the range of training noise the difference
of two networks means little.
"""

from __future__ import annotations

import torch
from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser, Posterior, per_chain, tweedie


class GuidedDenoiser:
    """A denoiser extrapolated from an earlier version of itself.

    Args:
        late: The better denoiser.
        early: The worse one, for the same data and copies.
        weight: w; 1 gives `late` itself.
        between: Range of the noise of one copy with guidance; outside it is `late`, at half the cost.
    """

    def __init__(self, late: Denoiser, early: Denoiser, weight: float, between: tuple[float, float]) -> None:
        self.late = late
        self.early = early
        self.weight = weight
        self.between = between

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the guided posterior."""
        found = self.late(y, sigma)
        low, high = self.between
        if isinstance(sigma, Tensor):
            weight: float | Tensor = torch.where((sigma > low) & (sigma < high), self.weight, 1.0)
            weight = per_chain(weight, found.mean)
        elif low < sigma < high:
            weight = self.weight
        else:
            return found
        mean = torch.lerp(self.early(y, sigma).mean, found.mean, weight)
        return Posterior(mean, lambda: tweedie(mean, y, sigma))
