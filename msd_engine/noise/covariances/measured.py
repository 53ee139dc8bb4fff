"""Noise with the average spectrum of a set of pictures: at every noise it hides all frequencies alike.

The power at κ is that of the pictures about their mean, averaged over pictures and channels, but at least `LEAST_SHARE`
of the strongest. It depends on the pictures, which only `measured_space` gets.
"""

from __future__ import annotations

import torch
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.noise.space import Space
from msd_engine.noise.spectral import raised, spectral_space
from msd_engine.specs import NoiseSpec


def space(spec: NoiseSpec, shape: tuple[int, ...]) -> Space:
    """Refuse to make a space without pictures.

    Raises:
        UserError: Always.
    """
    del shape
    raise UserError(
        f"Noise with noise.covariance {spec.covariance!r} needs the pictures, which are not read here: choose "
        "power-law or blur."
    )


def measured_space(found: Tensor, channels: int) -> Space:
    """Return the space of noise with a measured spectrum.

    Args:
        found: The power of the pictures with shape (H, W), as from `power`.
        channels: Number of channels.

    Raises:
        UserError: The pictures are all equal, so that they have no spectrum.
    """
    if not bool(found.max() > 0):
        raise UserError("The pictures of this set are all equal: there is no spectrum to give to the noise.")
    return spectral_space(raised(found), channels)


def power(pictures: Tensor) -> Tensor:
    """Return the mean power |F(x − E x)|²/(H·W) of pictures about their mean.

    Args:
        pictures: The pictures with shape (N, C, H, W).

    Returns:
        The power with shape (H, W), float64, in the order of `torch.fft.fft2`; its mean is the variance per pixel.
    """
    centred = pictures - pictures.mean(0)
    found = torch.fft.fft2(centred, norm="ortho").abs().square().mean((0, 1), dtype=torch.float64)
    # Real pictures have S(κ) = S(−κ), which a transform in float32 keeps to its rounding only.
    even: Tensor = (found + torch.roll(found.flip(0, 1), (1, 1), (0, 1))) / 2
    return even
