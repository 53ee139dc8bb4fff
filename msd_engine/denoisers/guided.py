"""Guidance of a denoiser by a worse version of itself (Karras et al. 2024, arXiv:2406.02507).

Both see the same copies; where they differ, the way from the worse to the better one is followed further,

    x̂ = x̂₀ + w (x̂₁ − x̂₀),

with x̂₀ of the weights after a tenth of the training, x̂₁ of the last ones and w ≥ 1. A network that has not learned
long enough smears its estimate over what does not belong together; it did so more when it was younger, so that the
extrapolation takes out what training would still take out. It is used between two noises alone (Kynkäänniemi et al.
2024, arXiv:2404.07724): outside of what training draws the difference of two networks means little.
"""

from __future__ import annotations

import torch
from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser, Posterior, per_chain, tweedie


class GuidedDenoiser:
    """A denoiser that follows the way from its earlier self further.

    Args:
        late: The better denoiser.
        early: The worse one, of the same data and copies.
        weight: w; 1 gives `late` itself.
        between: Noises of one copy between which it is guided; elsewhere it is `late`, at half the cost.
    """

    def __init__(self, late: Denoiser, early: Denoiser, weight: float, between: tuple[float, float]) -> None:
        self.late = late
        self.early = early
        self.weight = weight
        self.between = between

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the guided posterior.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy, a number or a tensor with shape (B,).

        Returns:
            The posterior, in the dtype and on the device of `y`.
        """
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
