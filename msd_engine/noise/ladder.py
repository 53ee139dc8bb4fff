"""Ladders of noise levels σ_1 > σ_2 > … > σ_L (theory §2)."""

from __future__ import annotations

import torch
from torch import Tensor


def geometric(sigma_1: float, sigma_L: float, levels: int) -> Tensor:
    """Return the geometric ladder σ_i = σ_1 (σ_L/σ_1)^((i−1)/(L−1)).

    Args:
        sigma_1: First noise of one copy, positive.
        sigma_L: Last noise of one copy, positive.
        levels: Number of levels L, at least 1; a ladder of one level stands at σ_L.

    Returns:
        The levels with shape (L,), float64; the ends are exactly σ_1 and σ_L.
    """
    if levels == 1:
        return torch.tensor([sigma_L], dtype=torch.float64)
    exponent = torch.linspace(0.0, 1.0, levels, dtype=torch.float64)
    ladder = sigma_1 * (sigma_L / sigma_1) ** exponent
    ladder[-1] = sigma_L
    return ladder
