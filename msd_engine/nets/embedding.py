"""Gaussian random features of the noise coordinate: [sin(2πωc); cos(2πωc)] with fixed ω ~ N(0, scale²).

Source: the report, after Tancik et al. 2020 (arXiv:2006.10739) and Song et al. 2021 (arXiv:2011.13456).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class FourierFeatures(nn.Module):
    """Fixed random features of a scalar coordinate.

    Args:
        length: Number of features; an odd one is rounded down to an even one.
        scale: Standard deviation of the frequencies ω.
    """

    omega: Tensor

    def __init__(self, length: int, scale: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("omega", torch.randn(length // 2) * scale)

    @property
    def length(self) -> int:
        """Number of features."""
        return 2 * self.omega.numel()

    def forward(self, c: Tensor) -> Tensor:
        """Return features (B, length) of noise coordinates c (B,)."""
        angle = (2 * math.pi) * c[:, None] * self.omega
        return torch.cat((angle.sin(), angle.cos()), dim=1)
