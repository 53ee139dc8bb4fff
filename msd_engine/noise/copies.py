"""The k independent noisy copies of one datum, y_i = x + σ n_i with n_i ~ N(0, I) (theory §1)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def copies(x: Tensor, sigma: float | Tensor, n: Tensor) -> Tensor:
    """Return k noisy copies of every datum, for given noise.

    Args:
        x: Clean data with shape (B, *event).
        sigma: Noise σ of one copy, a number or a tensor with shape (B,).
        n: Standard normal noise with shape (B, k, *event), of the dtype of `x`; overwritten by the copies.

    Returns:
        The copies y with shape (B, k, *event).
    """
    if isinstance(sigma, Tensor):
        sigma = sigma.to(x).reshape(-1, *(1 for _ in n.shape[1:]))
    return n.mul_(sigma).add_(x.unsqueeze(1))


def matched_copies(x: Tensor, sigma: float | Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Draw k noisy copies whose mean ȳ = x + (σ/√k) n̄ uses the same n̄ for every k.

    They follow the law of k independent copies: n̄ and the residuals n_i − mean(n) are independent, so n̄ may be drawn
    first. With equal generators the errors of different k are comparable, and those of a denoiser that depends on ȳ
    alone (theory §3, fact 1) agree to rounding at equal σ_eff.

    Args:
        x: Clean data with shape (B, *event).
        sigma: Noise σ of one copy, a number or a tensor with shape (B,).
        k: Number of copies.
        generator: Random generator of the CPU, so that every device gets the same numbers.

    Returns:
        The copies y with shape (B, k, *event), on the device and in the dtype of `x`.
    """
    shape = (x.shape[0], k, *x.shape[1:])
    mean_noise = torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
    n = torch.randn(shape, generator=generator, dtype=x.dtype).to(x.device)
    n += (mean_noise / math.sqrt(k) - n.mean(1)).unsqueeze(1)
    return copies(x, sigma, n)
