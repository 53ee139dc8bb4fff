"""The laws from which training draws σ, the noise of one copy (theory §2 and §4).

Log-normal: ln σ_eff ~ N(m, v²) with σ_eff = σ/√k, after Karras et al. 2022. Uniform in time: t ~ U(t_0, 1) and
σ = std(t), the report's; t_0 = 1e-5 keeps σ away from zero, where the score's target has no finite value.
Either law may be said of the other noise: then σ is σ_eff or the reverse, and nothing else changes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.noise.sde import std, time
from msd_engine.specs import NoiseSpec

FIRST_TIME = 1e-5


def draw_sigma(spec: NoiseSpec, k: int, n: int, generator: torch.Generator) -> Tensor:
    """Draw n independent values of the noise of one copy.

    Args:
        spec: The law.
        k: Number of copies.
        n: How many values.
        generator: Source of the random numbers; it decides the device.

    Returns:
        σ with shape (n,), float32, all positive.
    """
    if spec.law == "log-normal":
        normal = torch.randn(n, generator=generator, device=generator.device)
        drawn = torch.exp(spec.log_mean + spec.log_std * normal)
    else:
        drawn = _by_time(spec, torch.rand(n, generator=generator, device=generator.device))
    return _of_one_copy(spec, k, drawn)


def quantiles(spec: NoiseSpec, k: int, n: int) -> Tensor:
    """Return n values of the noise of one copy that stand for the law: its quantiles at (i + ½)/n.

    Their mean of anything that is smooth in σ is that of the law, with none of the chance of a draw.

    Args:
        spec: The law.
        k: Number of copies.
        n: How many values.

    Returns:
        σ with shape (n,), float32, ascending.
    """
    u = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    if spec.law == "log-normal":
        drawn = torch.exp(spec.log_mean + spec.log_std * torch.special.ndtri(u))
    else:
        drawn = _by_time(spec, u)
    return _of_one_copy(spec, k, drawn).float()


def below(spec: NoiseSpec, k: int, sigma: Tensor) -> Tensor:
    """Return the share of draws that lie below given noises: the law's distribution function.

    Args:
        spec: The law.
        k: Number of copies.
        sigma: Noise of one copy, positive, of any shape.

    Returns:
        Shares from 0 to 1 with the shape of `sigma`.
    """
    said = sigma / _of_one_copy(spec, k, torch.ones_like(sigma))
    if spec.law == "log-normal":
        share: Tensor = torch.special.ndtr((said.log() - spec.log_mean) / spec.log_std)
        return share
    return ((time(said, spec.s) - FIRST_TIME) / (1 - FIRST_TIME)).clamp(0.0, 1.0)


def _by_time(spec: NoiseSpec, u: Tensor) -> Tensor:
    return std(FIRST_TIME + (1 - FIRST_TIME) * u, spec.s)


def _of_one_copy(spec: NoiseSpec, k: int, drawn: Tensor) -> Tensor:
    return math.sqrt(k) * drawn if spec.draws_sigma_eff else drawn
