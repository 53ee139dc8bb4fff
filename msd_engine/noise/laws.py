"""Laws of σ, the noise of one copy, in training (theory §2 and §4).

Log-normal: ln σ_eff ~ N(m, v²) with σ_eff = σ/√k, after Karras et al. 2022 (arXiv:2206.00364). Uniform in time:
t ~ U(t_0, 1) and σ(t)/α(t) of the forward process, std(t) of the report's; t_0 = 1e-5 keeps σ away from zero, where the
target of the score diverges. Ladder: n geometric noises with equal shares, of NCSN (arXiv:1907.05600); n = 1 is the
smallest alone. Each law may describe σ or σ_eff.
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
    """Return the law of the random numbers that `draw_sigma` expects: ``normal`` or ``uniform``."""
    return "normal" if spec.law == "log-normal" else "uniform"


def draw_sigma(spec: NoiseSpec, k: int, numbers: Tensor) -> Tensor:
    """Map random numbers to values of the noise of one copy.

    Args:
        spec: The law.
        k: Number of copies.
        numbers: Random numbers of any shape with the law `law_of_numbers`.

    Returns:
        σ with the shape and dtype of `numbers`, all positive.
    """
    match spec.law:
        case "log-normal":
            drawn = torch.exp(spec.log_mean + spec.log_std * numbers)
        case "uniform-t":
            drawn = process_of(spec).noise(FIRST_TIME + (1 - FIRST_TIME) * numbers)
        case "ladder":
            # From the smallest up; a uniform number may round to 1.
            place = (numbers * spec.noises).floor().clamp(max=spec.noises - 1) / max(1, spec.noises - 1)
            drawn = spec.smallest * (spec.largest / spec.smallest) ** place
    return _of_one_copy(spec, k, drawn)


def quantiles(spec: NoiseSpec, k: int, n: int) -> Tensor:
    """Return the quantiles of the noise of one copy at (i + ½)/n, with shape (n,), float32, ascending.

    The mean of a smooth function of σ over them is its mean under the law, without sampling error.
    """
    u = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    return draw_sigma(spec, k, u if law_of_numbers(spec) == "uniform" else torch.special.ndtri(u)).float()


def below(spec: NoiseSpec, k: int, sigma: Tensor) -> Tensor:
    """Return the distribution function of the law: the share of draws below `sigma`, noise of one copy of any shape."""
    drawn = sigma / _of_one_copy(spec, k, torch.ones_like(sigma))
    if spec.law == "log-normal":
        share: Tensor = torch.special.ndtr((drawn.log() - spec.log_mean) / spec.log_std)
        return share
    if spec.law == "ladder":
        steps = torch.arange(spec.noises, dtype=sigma.dtype, device=sigma.device) / max(1, spec.noises - 1)
        noises = spec.smallest * (spec.largest / spec.smallest) ** steps
        return (noises < drawn.unsqueeze(-1)).to(sigma.dtype).mean(-1)
    return ((process_of(spec).time(drawn) - FIRST_TIME) / (1 - FIRST_TIME)).clamp(0.0, 1.0)


def _of_one_copy(spec: NoiseSpec, k: int, drawn: Tensor) -> Tensor:
    return math.sqrt(k) * drawn if spec.draws_sigma_eff else drawn
