"""Blurred noise of pictures: white noise convolved with a Gaussian of standard deviation ℓ pixels.

Its power is exp(−(2πℓ|κ|)²), but at least `LEAST_SHARE` of the strongest, so that it can be whitened.
"""

from __future__ import annotations

import math

import torch

from msd_engine.noise.space import Space
from msd_engine.noise.spectral import frequencies, raised, spectral_space
from msd_engine.specs import NoiseSpec


def space(spec: NoiseSpec, shape: tuple[int, ...]) -> Space:
    """Return the space of pictures with shape (C, H, W) and width `spec.blur`."""
    channels, height, width = shape
    kappa = frequencies(height, width)
    return spectral_space(raised(torch.exp(-((2 * math.pi * spec.blur * kappa) ** 2))), channels)
