"""Ladders of noise levels σ_1 > σ_2 > … > σ_L (theory §2), with u_i = (i−1)/(L−1).

Geometric, of NCSN (arXiv:1907.05600): σ_i = σ_1 (σ_L/σ_1)^u. The report's: levels equidistant in the time of its
forward process, σ_i = std(t_1 + u (t_L − t_1)) with t = time(σ). Karras et al. 2022 (arXiv:2206.00364, eq. 5):
σ_i = (σ_1^(1/ρ) + u (σ_L^(1/ρ) − σ_1^(1/ρ)))^ρ, which is linear for ρ = 1 and geometric for ρ → ∞. As trained: equal
shares of the average of two laws, uniform in ln σ and the law F of σ in training: F(σ_1) − F(σ_i) over F(σ_1) − F(σ_L),
and ln(σ_1/σ_i) over ln(σ_1/σ_L), sum to 2u. Chains stay longest at noises that training drew most.
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

# Grid size for the law of the training noise, and share below which it counts as never drawn.
_GRID, _MIN_SHARE = 4001, 1e-6


def geometric(sigma_1: float, sigma_L: float, levels: int) -> Tensor:
    """Return the geometric ladder σ_i = σ_1 (σ_L/σ_1)^((i−1)/(L−1)).

    Args:
        sigma_1: First noise of one copy, positive.
        sigma_L: Last noise of one copy, positive.
        levels: Number of levels L, at least 1; the level of a ladder with L = 1 is σ_L.

    Returns:
        The levels with shape (L,), float64; the ends are exactly σ_1 and σ_L. The same holds for the other ladders.
    """
    return _between(lambda u: sigma_1 * (sigma_L / sigma_1) ** u, sigma_1, sigma_L, levels)


def report(sigma_1: float, sigma_L: float, levels: int, process: Process, power: float = 1.0) -> Tensor:
    """Return the report's ladder: equal steps of the time t of the process; σ_1 may exceed std(1) if it explodes.

    `power` 2 gives the quadratic one, equal steps of t^(1/2), of DDIM (arXiv:2010.02502, appendix D.2).
    """
    first, last = (process.time(sigma) ** (1 / power) for sigma in (sigma_1, sigma_L))
    return _between(lambda u: process.noise((first + u * (last - first)) ** power), sigma_1, sigma_L, levels)


def karras(sigma_1: float, sigma_L: float, levels: int, rho: float) -> Tensor:
    """Return the ladder of Karras et al.: equal steps of σ^(1/ρ), for ρ ≥ 1."""
    first, last = sigma_1 ** (1 / rho), sigma_L ** (1 / rho)
    return _between(lambda u: (first + u * (last - first)) ** rho, sigma_1, sigma_L, levels)


def as_trained(sigma_1: float, sigma_L: float, levels: int, law: NoiseSpec, k: int) -> Tensor:
    """Return the ladder that follows the training noise, without wide gaps where that is rare.

    `law` is the law of σ, or of σ_eff, in training with k copies.
    """
    grid = torch.linspace(math.log(sigma_1), math.log(sigma_L), _GRID, dtype=torch.float64)
    drawn = below(law, k, grid.exp())
    progress = torch.linspace(0.0, 1.0, _GRID, dtype=torch.float64)
    share = drawn[0] - drawn[-1]
    if share > _MIN_SHARE:
        progress = (progress + (drawn[0] - drawn) / share) / 2
    place, logs = progress.numpy(), grid.numpy()
    return _between(lambda u: torch.from_numpy(np.exp(np.interp(u.numpy(), place, logs))), sigma_1, sigma_L, levels)


def _between(rule: Callable[[Tensor], Tensor], sigma_1: float, sigma_L: float, levels: int) -> Tensor:
    if levels == 1:
        return torch.tensor([sigma_L], dtype=torch.float64)
    ladder = rule(torch.linspace(0.0, 1.0, levels, dtype=torch.float64))
    # Remove rounding errors at the ends.
    ladder[0], ladder[-1] = sigma_1, sigma_L
    return ladder
