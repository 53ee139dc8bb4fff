"""Ladders of noise levels σ_1 > σ_2 > … > σ_L (theory §2), written with u_i = (i−1)/(L−1).

Geometric, of NCSN (arXiv:1907.05600): σ_i = σ_1 (σ_L/σ_1)^u. The report's: levels equidistant in the time of its
forward process, σ_i = std(t_1 + u (t_L − t_1)) with t = time(σ). Karras et al. 2022 (arXiv:2206.00364, eq. 5):
σ_i = (σ_1^(1/ρ) + u (σ_L^(1/ρ) − σ_1^(1/ρ)))^ρ, which is linear for ρ = 1 and geometric for ρ → ∞. As trained: equal
shares of the law F from which training draws σ, F(σ_i) = F(σ_1) + u (F(σ_L) − F(σ_1)), so that chains stay longest
where the network has seen most; for the law that is uniform in t this is the report's ladder.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.noise.sde import std, time
from msd_engine.specs import NoiseSpec

# The tails of the normal law are known to all digits from here on.
_LEAST_SHARE = 1e-290


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
    return _between(lambda u: _in_time(u, sigma_1, sigma_L, s), sigma_1, sigma_L, levels)


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
    """Return the ladder whose levels part the law of the training noise into equal shares.

    Args:
        sigma_1: First noise of one copy, positive.
        sigma_L: Last noise of one copy, positive.
        levels: Number of levels L, at least 1; a ladder of one level stands at σ_L.
        law: The law of σ, or of σ_eff, in training.
        k: Number of copies.

    Returns:
        The levels with shape (L,), float64; the ends are exactly σ_1 and σ_L.

    Raises:
        UserError: Where training hardly ever draws a noise between σ_1 and σ_L.
    """
    unit = math.sqrt(k) if law.draws_sigma_eff else 1.0
    if law.law == "uniform-t":
        return _between(lambda u: unit * _in_time(u, sigma_1 / unit, sigma_L / unit, law.s), sigma_1, sigma_L, levels)
    first, last = ((math.log(sigma / unit) - law.log_mean) / law.log_std for sigma in (sigma_1, sigma_L))
    # The left tail is known to many digits, the right one only as 1 minus it.
    side = 1.0 if first + last <= 0 else -1.0
    # By erfc, since torch's normal distribution function has no digits of its tail.
    top, bottom = (0.5 * math.erfc(-side * z / math.sqrt(2)) for z in (first, last))
    if levels > 1 and max(top, bottom) < _LEAST_SHARE:
        raise UserError(
            f"Training never draws a noise between σ₁ = {sigma_1:g} and σ_L = {sigma_L:g}, so that no ladder can "
            "follow it: choose another ladder or other noises."
        )

    def rule(u: Tensor) -> Tensor:
        normal: Tensor = torch.special.ndtri(top + u * (bottom - top))
        return unit * torch.exp(law.log_mean + law.log_std * side * normal)

    return _between(rule, sigma_1, sigma_L, levels)


def _in_time(u: Tensor, sigma_1: float, sigma_L: float, s: float) -> Tensor:
    first, last = time(sigma_1, s), time(sigma_L, s)
    return std(first + u * (last - first), s)


def _between(rule: Callable[[Tensor], Tensor], sigma_1: float, sigma_L: float, levels: int) -> Tensor:
    if levels == 1:
        return torch.tensor([sigma_L], dtype=torch.float64)
    ladder = rule(torch.linspace(0.0, 1.0, levels, dtype=torch.float64))
    # Roundings aside the rule ends there already.
    ladder[0], ladder[-1] = sigma_1, sigma_L
    return ladder
