"""The report's forward process dx = sᵗ dw, t in [0, 1]: noise by time and time by noise (theory §2).

std(t) = √((s²ᵗ − 1)/(2 ln s)), so with s = 25 the noise at t = 1 is 9.845; its inverse is
t = ln(1 + 2σ² ln s)/(2 ln s).
"""

from __future__ import annotations

import math
from typing import overload

import torch
from torch import Tensor


@overload
def std(t: float, s: float) -> float: ...
@overload
def std(t: Tensor, s: float) -> Tensor: ...
def std(t: float | Tensor, s: float) -> float | Tensor:
    """Return the noise σ = √((s²ᵗ − 1)/(2 ln s)) of one copy at time t in [0, 1], for base s > 1."""
    rate = 2 * math.log(s)
    if isinstance(t, Tensor):
        return torch.sqrt(torch.expm1(t * rate) / rate)
    return math.sqrt(math.expm1(t * rate) / rate)


@overload
def time(sigma: float, s: float) -> float: ...
@overload
def time(sigma: Tensor, s: float) -> Tensor: ...
def time(sigma: float | Tensor, s: float) -> float | Tensor:
    """Return the time t = ln(1 + 2σ² ln s)/(2 ln s) of a noise σ ≥ 0; beyond 1 for σ > std(1)."""
    rate = 2 * math.log(s)
    if isinstance(sigma, Tensor):
        return torch.log1p(sigma.square() * rate) / rate
    return math.log1p(sigma**2 * rate) / rate
