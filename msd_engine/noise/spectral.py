"""Stationary noise of pictures: its covariance is diagonal in the Fourier domain (theory §7).

Pictures are taken as periodic, channels as independent with equal spectra. With F the Fourier transform of a picture
and S(κ) its power, C = F* S F and C^½ = F* √S F: whitening and colouring are filters, for every size of the picture.
Scaled to mean power 1, every pixel has variance exactly 1. C is positive where S is; ln det C = Σ ln S over all
frequencies and channels.

Frequencies κ are in cycles per pixel, |κ| ≤ ½ along an axis.
"""

from __future__ import annotations

import torch
from torch import Tensor

from msd_engine.noise.space import Isotropic, Space

LEAST_SHARE = 1e-4
"""Least power of a frequency relative to the strongest, of blurred and of measured noise.

Below it whitening would amplify rounding errors of float32 beyond 10⁻⁵.
"""


class Spectral:
    """Noise of a given power spectrum, as a space.

    Args:
        power: S(κ) with shape (H, W), in the order of `torch.fft.fft2`, positive, with S(κ) = S(−κ); it is scaled to
            mean 1.
        channels: Number of channels.

    Raises:
        ValueError: The power is not positive or not symmetric.
    """

    def __init__(self, power: Tensor, channels: int) -> None:
        power = power.double()
        opposite = torch.roll(power.flip(0, 1), (1, 1), (0, 1))
        if power.ndim != 2 or not bool((power > 0).all()) or not torch.allclose(power, opposite, rtol=1e-9, atol=0.0):
            raise ValueError(f"A power spectrum with shape {tuple(power.shape)} must be positive and symmetric.")
        self.power = power / power.mean()
        self._channels = channels
        half = self.power[:, : power.shape[1] // 2 + 1]
        self._filters = {"encode": half.rsqrt(), "decode": half.sqrt()}
        # On their devices, so that a training step can be recorded.
        self._moved: dict[tuple[str, torch.device, torch.dtype], Tensor] = {}
        self.log_volume = -0.5 * channels * float(self.power.log().sum())

    def encode(self, y: Tensor, alpha: float = 1.0) -> Tensor:
        """Return C^(−½) y/α of pictures with shape (..., H, W)."""
        return self._filtered(y, "encode", 1 / alpha)

    def decode(self, u: Tensor, alpha: float = 1.0) -> Tensor:
        """Return α C^½ u of pictures with shape (..., H, W)."""
        return self._filtered(u, "decode", alpha)

    def covariance(self, dim: int) -> Tensor:
        """Return C with shape (d, d), a circulant block for each channel.

        Raises:
            ValueError: `dim` differs from d = C·H·W.
        """
        height, width = self.power.shape
        if dim != self._channels * height * width:
            raise ValueError(
                f"This covariance has {self._channels}·{height}·{width} dimensions, but the data have {dim}."
            )
        rows, columns = torch.arange(height), torch.arange(width)
        down, across = (rows[:, None] - rows) % height, (columns[:, None] - columns) % width
        block = correlation(self.power)[down[:, None, :, None], across[None, :, None, :]]
        return torch.kron(torch.eye(self._channels, dtype=block.dtype), block.reshape(height * width, -1))

    def _filtered(self, values: Tensor, name: str, scale: float) -> Tensor:
        """Filter real pictures with shape (..., H, W) and scale them."""
        size = self.power.shape
        if values.shape[-2:] != size:
            raise ValueError(f"This noise is for pictures of {size[0]}×{size[1]} pixels, not {tuple(values.shape)}.")
        key = (name, values.device, values.dtype)
        if key not in self._moved:
            self._moved[key] = self._filters[name].to(values)
        found: Tensor = torch.fft.irfft2(torch.fft.rfft2(values) * self._moved[key], s=size)
        return found if scale == 1 else found * scale


def spectral_space(power: Tensor, channels: int) -> Space:
    """Return the space of a power spectrum; of an even one that of isotropic noise, which changes no bit.

    Args:
        power: S(κ) with shape (H, W), as for `Spectral`.
        channels: Number of channels.
    """
    space = Spectral(power, channels)
    return Isotropic() if bool((space.power == 1).all()) else space


def power_of(space: Space, height: int, width: int) -> Tensor:
    """Return the power spectrum of the noise of pictures with shape (H, W), float64, mean 1."""
    return space.power if isinstance(space, Spectral) else torch.ones(height, width, dtype=torch.float64)


def correlation(power: Tensor) -> Tensor:
    """Return the correlation of a pixel with the one at each offset, with shape (H, W); offset 0 is first.

    Args:
        power: S(κ) with shape (H, W) and mean 1.
    """
    found: Tensor = torch.fft.ifft2(power).real
    return found


def frequencies(height: int, width: int) -> Tensor:
    """Return |κ| in cycles per pixel with shape (H, W), float64, in the order of `torch.fft.fft2`."""
    down, across = (torch.fft.fftfreq(size, dtype=torch.float64) for size in (height, width))
    return torch.hypot(down[:, None], across)


def raised(power: Tensor) -> Tensor:
    """Return a power spectrum whose weakest frequencies have `LEAST_SHARE` of the strongest."""
    return power.clamp_min(LEAST_SHARE * power.max().item())


def rings(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Group frequencies by |κ| into rings one cycle per picture wide, without κ = 0 and the corners beyond ½.

    Args:
        height: Rows of a picture.
        width: Columns of a picture.

    Returns:
        |κ| of each ring with shape (m,), and the weights (m, H, W) that average over it; float64.
    """
    cycles = min(height, width)
    number = (frequencies(height, width) * cycles).round()
    ring = torch.arange(1, cycles // 2 + 1, dtype=torch.float64)
    members = (number == ring[:, None, None]).double()
    return ring / cycles, members / members.sum((1, 2), keepdim=True)
