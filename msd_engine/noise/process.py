"""A forward process: data become α x + σ C^½ n at the time t in [0, 1] (theory §7).

Chains, ladders, denoisers and theory know one number of it: the noise σ/α of a copy that is divided by α. A process
that keeps the variance is in these coordinates one that lets it explode; it differs in which noise belongs to which
time, which training by time and ladders by time ask for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

import torch
from torch import Tensor

Time = TypeVar("Time", float, Tensor)
"""A number, or a tensor of any shape."""

# Each halves the span of times in which the noise must lie: beyond what float64 tells apart.
_HALVINGS = 60


class Process(ABC):
    """α and σ by time; the noise σ/α grows with it."""

    @abstractmethod
    def __call__(self, t: Time) -> tuple[Time | float, Time]:
        """Return α and σ at a time.

        Args:
            t: Time, from 0 to 1.

        Returns:
            What the data are scaled by, and the standard deviation of the noise on them, of the shape of `t`.
        """

    def noise(self, t: Time) -> Time:
        """Return the noise of one copy, σ/α, at a time from 0 to 1, of the shape of `t`."""
        alpha, sigma = self(t)
        return sigma / alpha

    def time(self, noise: Time) -> Time:
        """Return the time in [0, 1] at which a copy has a given noise σ/α, found by halving.

        Args:
            noise: Noise of one copy, 0 or more.

        Returns:
            t of the shape of `noise`; 1 where the process never comes to so much.
        """
        wanted = torch.as_tensor(noise, dtype=None if isinstance(noise, Tensor) else torch.float64)
        low, high = torch.zeros_like(wanted), torch.ones_like(wanted)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = self.noise(middle) < wanted
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return high if isinstance(noise, Tensor) else float(high)
