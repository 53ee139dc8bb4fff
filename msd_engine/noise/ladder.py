"""Ladders of noise levels σ_1 > σ_2 > … > σ_L (theory §2), written with u_i = (i−1)/(L−1).

Geometric, of NCSN (arXiv:1907.05600): σ_i = σ_1 (σ_L/σ_1)^u. The report's: levels equidistant in the time of its
forward process, σ_i = std(t_1 + u (t_L − t_1)) with t = time(σ). Karras et al. 2022 (arXiv:2206.00364, eq. 5):
σ_i = (σ_1^(1/ρ) + u (σ_L^(1/ρ) − σ_1^(1/ρ)))^ρ, which is linear for ρ = 1 and geometric for ρ → ∞. As trained: equal
shares of a law that is half even in ln σ and half F, from which training draws σ: F(σ_1) − F(σ_i) over F(σ_1) − F(σ_L),
and ln(σ_1/σ_i) over ln(σ_1/σ_L), add up to 2u. Chains stay longest where the network has seen most.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from msd_engine.noise.laws import below
from msd_engine.noise.process import Process
from msd_engine.specs import NoiseSpec

# Places at which the law of the training noise is taken, and below which share it counts as never drawn.
_GRID, _LEAST_SHARE = 4001, 1e-6


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


def report(sigma_1: float, sigma_L: float, levels: int, process: Process) -> Tensor:
    """Return the report's ladder: equal steps of the time t of the forward process.

    Args:
        sigma_1: First noise of one copy, positive; it may lie beyond std(1) of a process that explodes.
        sigma_L: Last noise of one copy, positive.
        levels: Number of levels L, at least 1; a ladder of one level stands at σ_L.
        process: Tells time by noise and noise by time.

    Returns:
        The levels with shape (L,), float64; the ends are exactly σ_1 and σ_L.
    """
    first, last = process.time(sigma_1), process.time(sigma_L)
    return _between(lambda u: process.noise(first + u * (last - first)), sigma_1, sigma_L, levels)


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


def as_trained(sigma_1: float, sigma_L: float, levels: int, law: NoiseSpec, k: int) -> Tensor:
    """Return the ladder whose levels follow the training noise, and leave no wide gaps where that is rare.

    Args:
        sigma_1: First noise of one copy, positive.
        sigma_L: Last noise of one copy, positive.
        levels: Number of levels L, at least 1; a ladder of one level stands at σ_L.
        law: The law of σ, or of σ_eff, in training.
        k: Number of copies.

    Returns:
        The levels with shape (L,), float64; the ends are exactly σ_1 and σ_L.
    """
    grid = torch.linspace(math.log(sigma_1), math.log(sigma_L), _GRID, dtype=torch.float64)
    drawn = below(law, k, grid.exp())
    passed = torch.linspace(0.0, 1.0, _GRID, dtype=torch.float64)
    share = drawn[0] - drawn[-1]
    if share > _LEAST_SHARE:
        passed = (passed + (drawn[0] - drawn) / share) / 2
    return _between(
        lambda u: torch.from_numpy(np.exp(np.interp(u.numpy(), passed.numpy(), grid.numpy()))), sigma_1, sigma_L, levels
    )


def _between(rule: Callable[[Tensor], Tensor], sigma_1: float, sigma_L: float, levels: int) -> Tensor:
    if levels == 1:
        return torch.tensor([sigma_L], dtype=torch.float64)
    ladder = rule(torch.linspace(0.0, 1.0, levels, dtype=torch.float64))
    # Roundings aside the rule ends there already.
    ladder[0], ladder[-1] = sigma_1, sigma_L
    return ladder
