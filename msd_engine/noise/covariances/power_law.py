"""Power-law noise of pictures: white noise filtered by |κ|^(−γ), so that its power falls off as |κ|^(−2γ).

γ = −1 is blue noise, 0 white and 1 the Gaussian free field of theory §7. There the filter has no value at κ = 0: here
it has that of the smallest other |κ|, so that the mean of a picture is as uncertain as its slowest wave.
"""

from __future__ import annotations

import torch

from msd_engine.noise.space import Space
from msd_engine.noise.spectral import frequencies, spectral_space
from msd_engine.specs import NoiseSpec


def space(spec: NoiseSpec, shape: tuple[int, ...]) -> Space:
    """Return the space of pictures with shape (C, H, W) and exponent `spec.gamma`."""
    channels, height, width = shape
    kappa = frequencies(height, width)
    others = kappa[kappa > 0]
    least = others.min() if len(others) else torch.ones((), dtype=torch.float64)
    return spectral_space(torch.where(kappa > 0, kappa, least) ** (-2 * spec.gamma), channels)
