"""Processes that preserve the variance: α² + σ² = 1, by the logarithm of the remaining signal ᾱ = α²."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from msd_engine.noise.process import Process, Time


class Preserving(Process):
    """α = √ᾱ and σ = √(1 − ᾱ)."""

    @abstractmethod
    def log_signal(self, t: Tensor) -> Tensor:
        """Return ln ᾱ at times t in [0, 1], of their shape and dtype; 0 at t = 0, and falling."""

    def sigma(self, log_signal: Tensor) -> Tensor:
        """Return σ for ln ᾱ."""
        return torch.expm1(log_signal).neg().sqrt()

    def __call__(self, t: Time) -> tuple[Time, Time]:
        """Return α and σ at time t in [0, 1], of the shape of `t`."""
        if not isinstance(t, Tensor):
            alpha, sigma = self(torch.tensor(t, dtype=torch.float64))
            return alpha.item(), sigma.item()
        signal = self.log_signal(t)
        return torch.exp(signal / 2), self.sigma(signal)


class Discrete(Preserving):
    """A process of N steps with variances β_1..β_N: ᾱ_n = Π_{i≤n} (1 − β_i) at t = n/N, ln ᾱ linear in between.

    Args:
        betas: β with shape (N,), float64, each in (0, 1).
    """

    def __init__(self, betas: Tensor) -> None:
        logs = torch.log1p(-betas.double()).cumsum(0)
        self._logs = torch.cat((logs.new_zeros(1), logs))

    def log_signal(self, t: Tensor) -> Tensor:
        """Return ln ᾱ at times t."""
        logs = self._logs.to(t)
        place = t * (len(logs) - 1)
        below = place.floor().clamp(0, len(logs) - 2)
        low = below.long()
        return torch.lerp(logs[low], logs[low + 1], place - below)
