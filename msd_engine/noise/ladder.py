"""Ladders of noise levels σ_1 > σ_2 > … > σ_L (theory §2), written with u_i = (i−1)/(L−1).

Geometric, of NCSN (arXiv:1907.05600): σ_i = σ_1 (σ_L/σ_1)^u. The report's: levels equidistant in the time of its
forward process, σ_i = std(t_1 + u (t_L − t_1)) with t = time(σ). Karras et al. 2022 (arXiv:2206.00364, eq. 5):
σ_i = (σ_1^(1/ρ) + u (σ_L^(1/ρ) − σ_1^(1/ρ)))^ρ, which is linear for ρ = 1 and geometric for ρ → ∞.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from msd_engine.noise.sde import std, time


def geometric(sigma_1: float, sigma_L: float, levels: int) -> Tensor:
    """Return the geometric ladder σ_i = σ_1 (σ_L/σ_1)^((i−1)/(L−1)).

    Args:
        sigma_1: First noise of one copy, positive.
        sigma_L: Last noise of one copy, positive.
        levels: Number of levels L, at least 1; a ladder of one level stands at σ_L.

    Returns:
        The levels with shape (L,), float64; the ends are exactly σ_1 and σ_L.
    """
    return _between(lambda u: sigma_1 * (sigma_L / sigma_1) ** u, sigma_1, sigma_L, levels)


def report(sigma_1: float, sigma_L: float, levels: int, s: float) -> Tensor:
    """Return the report's ladder: equal steps of the time t of the forward process dx = sᵗ dw.

    Args:
        sigma_1: First noise of one copy, positive; it may lie beyond std(1), the report's own.
        sigma_L: Last noise of one copy, positive.
        levels: Number of levels L, at least 1; a ladder of one level stands at σ_L.
        s: Base of the process, more than 1.

    Returns:
        The levels with shape (L,), float64; the ends are exactly σ_1 and σ_L.
    """
    first, last = time(sigma_1, s), time(sigma_L, s)
    return _between(lambda u: std(first + u * (last - first), s), sigma_1, sigma_L, levels)


def karras(sigma_1: float, sigma_L: float, levels: int, rho: float) -> Tensor:
    """Return the ladder of Karras et al.: equal steps of σ^(1/ρ).

    Args:
        sigma_1: First noise of one copy, positive.
        sigma_L: Last noise of one copy, positive.
        levels: Number of levels L, at least 1; a ladder of one level stands at σ_L.
        rho: Exponent ρ, at least 1.

    Returns:
        The levels with shape (L,), float64; the ends are exactly σ_1 and σ_L.
    """
    first, last = sigma_1 ** (1 / rho), sigma_L ** (1 / rho)
    return _between(lambda u: (first + u * (last - first)) ** rho, sigma_1, sigma_L, levels)


def _between(rule: Callable[[Tensor], Tensor], sigma_1: float, sigma_L: float, levels: int) -> Tensor:
    if levels == 1:
        return torch.tensor([sigma_L], dtype=torch.float64)
    ladder = rule(torch.linspace(0.0, 1.0, levels, dtype=torch.float64))
    # Roundings aside the rule ends there already.
    ladder[0], ladder[-1] = sigma_1, sigma_L
    return ladder
