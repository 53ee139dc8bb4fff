"""The forward process dx = sᵗ dw, t in [0, 1], of the report: noise by time and time by noise (theory §2).

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
    """Return the noise σ of one copy at a time.

    Args:
        t: Time, from 0 to 1, a number or a tensor of any shape.
        s: Base of the process, more than 1.

    Returns:
        σ = √((s²ᵗ − 1)/(2 ln s)), of the shape of `t`.
    """
    rate = 2 * math.log(s)
    if isinstance(t, Tensor):
        return torch.sqrt(torch.expm1(t * rate) / rate)
    return math.sqrt(math.expm1(t * rate) / rate)


@overload
def time(sigma: float, s: float) -> float: ...
@overload
def time(sigma: Tensor, s: float) -> Tensor: ...
def time(sigma: float | Tensor, s: float) -> float | Tensor:
    """Return the time at which the process has a given noise; the inverse of `std`.

    Args:
        sigma: Noise of one copy, 0 or more, a number or a tensor of any shape.
        s: Base of the process, more than 1.

    Returns:
        t = ln(1 + 2σ² ln s)/(2 ln s), of the shape of `sigma`; beyond 1 where σ > std(1).
    """
    rate = 2 * math.log(s)
    if isinstance(sigma, Tensor):
        return torch.log1p(sigma.square() * rate) / rate
    return math.log1p(sigma**2 * rate) / rate
