"""The laws from which training draws σ, the noise of one copy (theory §2 and §4).

Log-normal: ln σ_eff ~ N(m, v²) with σ_eff = σ/√k, after Karras et al. 2022. Uniform in time: t ~ U(t_0, 1) and
σ(t)/α(t) of the forward process, std(t) of the report's; t_0 = 1e-5 keeps σ away from zero, where the score's target
has no finite value.
Either law may be said of the other noise: then σ is σ_eff or the reverse, and nothing else changes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.backend.counter import Law
from msd_engine.noise.chosen import process_of
from msd_engine.specs import NoiseSpec

FIRST_TIME = 1e-5


def law_of_numbers(spec: NoiseSpec) -> Law:
    """Return which random numbers `draw_sigma` takes: ``normal`` or ``uniform``.

    Args:
        spec: The law of σ.
    """
    return "normal" if spec.law == "log-normal" else "uniform"


def draw_sigma(spec: NoiseSpec, k: int, numbers: Tensor) -> Tensor:
    """Turn random numbers into values of the noise of one copy.

    Args:
        spec: The law.
        k: Number of copies.
        numbers: Standard normal numbers or such uniform in [0, 1), as `law_of_numbers` says, of any shape.

    Returns:
        σ with the shape and dtype of `numbers`, all positive.
    """
    if spec.law == "log-normal":
        drawn = torch.exp(spec.log_mean + spec.log_std * numbers)
    else:
        drawn = process_of(spec).noise(FIRST_TIME + (1 - FIRST_TIME) * numbers)
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
    return draw_sigma(spec, k, u if law_of_numbers(spec) == "uniform" else torch.special.ndtri(u)).float()


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
    return ((process_of(spec).time(said) - FIRST_TIME) / (1 - FIRST_TIME)).clamp(0.0, 1.0)


def _of_one_copy(spec: NoiseSpec, k: int, drawn: Tensor) -> Tensor:
    return math.sqrt(k) * drawn if spec.draws_sigma_eff else drawn
