"""The k independent noisy copies of one datum, y_i = x + σ n_i with n_i ~ N(0, I) (theory §1)."""

from __future__ import annotations

import torch
from torch import Tensor


def copies(x: Tensor, sigma: float | Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Draw k noisy copies of every datum, on an axis of their own.

    Args:
        x: Clean data with shape (B, *event).
        sigma: Noise σ of one copy, a number or a tensor with shape (B,).
        k: Number of copies.
        generator: Source of the random numbers; it decides on which device they are drawn.

    Returns:
        The copies y with shape (B, k, *event), on the device and in the dtype of `x`.
    """
    shape = (x.shape[0], k, *x.shape[1:])
    n = torch.randn(shape, generator=generator, device=generator.device, dtype=x.dtype).to(x.device)
    if isinstance(sigma, Tensor):
        sigma = sigma.to(x).reshape(-1, *(1 for _ in shape[1:]))
    return n.mul_(sigma).add_(x.unsqueeze(1))
