"""Random numbers between two seeds: an arc of streams whose ends are the streams of the seeds themselves.

Chain j of n draws z = cos θ_j z_a + sin θ_j z_b with θ_j = (π/2) j/(n − 1), where z_a and z_b are the numbers that
chain 0 draws from either seed. Since cos² + sin² = 1 every chain sees independent standard normal numbers, and
neighbours see nearly the same ones. Uniform numbers are blended as the normal quantiles that they belong to.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.backend.streams import ChainStreams


class BlendedStreams:
    """Standard normal and uniform numbers for a row of chains that leads from one seed to another."""

    def __init__(
        self, seeds: tuple[int, int], chains: int, shape: tuple[int, ...], *, device: torch.device | str = "cpu"
    ) -> None:
        """Prepare the streams of both ends.

        Args:
            seeds: Seeds a and b of the two ends.
            chains: Number of chains n, at least 2.
            shape: Shape of what one chain draws in one step, such as (k, *event).
            device: Where the numbers are wanted.
        """
        self._ends = tuple(ChainStreams(seed, 1, shape, device=device) for seed in seeds)
        angles = [0.5 * math.pi * j / (chains - 1) for j in range(chains)]
        # cos(π/2) is not quite 0 in floating point: the ends are set, so that they agree to the bit.
        cosines = [1.0, *(math.cos(angle) for angle in angles[1:-1]), 0.0]
        sines = [0.0, *(math.sin(angle) for angle in angles[1:-1]), 1.0]
        wide = (chains, *(1 for _ in shape))
        self._cosines = torch.tensor(cosines, dtype=torch.float32, device=device).reshape(wide)
        self._sines = torch.tensor(sines, dtype=torch.float32, device=device).reshape(wide)

    def positions(self) -> NDArray[np.int64]:
        """Return where the streams are, as `ChainStreams.positions`; a blended stream has no number of its own: −1."""
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
