"""A forward process: data become α x + σ C^½ n at time t in [0, 1] (theory §7).

Chains, ladders, denoisers and theory depend on it only through the noise σ/α of a copy divided by α. In these
coordinates a variance-preserving process is a variance-exploding one with another relation of noise and time, used by
training and ladders in time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

import torch
from torch import Tensor

Time = TypeVar("Time", float, Tensor)
"""A number, or a tensor of any shape."""

# Bisections, more than float64 resolves.
_BISECTIONS = 60


class Process(ABC):
    """α and σ by time; the noise σ/α increases with time."""

    @abstractmethod
    def __call__(self, t: Time) -> tuple[Time | float, Time]:
        """Return the scale α of the data and the standard deviation σ of their noise at time t in [0, 1]."""

    def noise(self, t: Time) -> Time:
        """Return the noise σ/α of one copy at time t in [0, 1], of the shape of `t`."""
        alpha, sigma = self(t)
        return sigma / alpha

    def time(self, noise: Time) -> Time:
        """Return the time in [0, 1] of a noise σ/α ≥ 0, of the shape of `noise`; 1 for noise beyond the process."""
        target = torch.as_tensor(noise, dtype=None if isinstance(noise, Tensor) else torch.float64)
        low, high = torch.zeros_like(target), torch.ones_like(target)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            below = self.noise(middle) < target
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return high if isinstance(noise, Tensor) else float(high)
