"""Random numbers between two seeds: an arc of streams from the stream of one seed to that of the other.

Chain j of n draws z = cos θ_j z_a + sin θ_j z_b with θ_j = (π/2) j/(n − 1), where z_a and z_b are the numbers of chain
0 of either seed. Since cos² + sin² = 1 every chain gets independent standard normal numbers, and neighbouring chains
nearly the same ones. Uniform numbers are blended as normal quantiles.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.backend.streams import ChainStreams


class BlendedStreams:
    """Standard normal and uniform numbers for chains between two seeds.

    Args:
        seeds: Seeds a and b of the first and the last chain.
        chains: Number of chains n, at least 2.
        shape: Shape of one draw of one chain, such as (k, *event).
        device: Device of the numbers.
    """

    def __init__(
        self, seeds: tuple[int, int], chains: int, shape: tuple[int, ...], *, device: torch.device | str = "cpu"
    ) -> None:
        self._ends = tuple(ChainStreams(seed, 1, shape, device=device) for seed in seeds)
        angles = [0.5 * math.pi * j / (chains - 1) for j in range(chains)]
        # Set the ends exactly: in floating point cos(π/2) is not 0.
        cosines = [1.0, *(math.cos(angle) for angle in angles[1:-1]), 0.0]
        sines = [0.0, *(math.sin(angle) for angle in angles[1:-1]), 1.0]
        wide = (chains, *(1 for _ in shape))
        self._cosines = torch.tensor(cosines, dtype=torch.float32, device=device).reshape(wide)
        self._sines = torch.tensor(sines, dtype=torch.float32, device=device).reshape(wide)

    def positions(self) -> NDArray[np.int64]:
        """Return positions as `ChainStreams.positions`, with −1 as the number of a blended stream."""
        wide = np.repeat(self._ends[0].positions(), len(self._cosines), axis=0)
        wide[:, 0] = -1
        return wide

    def normal(self) -> Tensor:
        """Return the next standard normal numbers with shape (n, *shape), float32, on the device."""
        a, b = (end.normal() for end in self._ends)
        return self._cosines * a + self._sines * b

    def uniform(self) -> Tensor:
        """Return the next numbers uniform in [0, 1) with shape (n, *shape), float32, on the device."""
        a, b = (end.uniform() for end in self._ends)
        least = torch.finfo(torch.float32).tiny
        quantiles = [torch.special.ndtri(u.clamp(min=least).cpu().double()) for u in (a, b)]
        cosines, sines = self._cosines.cpu().double(), self._sines.cpu().double()
        blended = torch.special.ndtr(cosines * quantiles[0] + sines * quantiles[1])
        u: Tensor = blended.float().clamp(max=1 - 2**-24).to(a.device)
        u[0], u[-1] = a[0], b[0]
        return u
