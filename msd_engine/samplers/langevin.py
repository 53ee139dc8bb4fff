"""Chained Langevin dynamics: all k copies of one datum move together (theory §2).

    y_i ← y_i + ε (x̂ − y_i)/σ² + √(2ε) z_i,    i = 1..k.

The dynamics is stable only for r = ε/σ² < 2, whatever the data or the denoiser (theory §3, fact 4).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser, Posterior


class State(NamedTuple):
    """Where the chains are.

    Attributes:
        y: The copies with shape (B, k, *event).
    """

    y: Tensor


class Info(NamedTuple):
    """What a step found out on the way.

    Attributes:
        posterior: The posterior at the state before the step.
    """

    posterior: Posterior


def init(y: Tensor) -> State:
    """Begin at given copies.

    Args:
        y: The copies with shape (B, k, *event).

    Returns:
        The state before any step.
    """
    return State(y)


def step(state: State, denoiser: Denoiser, sigma: float, epsilon: float, noise: Tensor) -> tuple[State, Info]:
    """Move all chains by one step.

    Args:
        state: Where the chains are; it is left as it is.
        denoiser: Gives x̂ of the copies.
        sigma: Noise σ of one copy.
        epsilon: Step size ε.
        noise: Independent standard normal numbers z with shape (B, k, *event).

    Returns:
        The next state, and the posterior at the state before.
    """
    posterior = denoiser(state.y, sigma)
    y = torch.lerp(state.y, posterior.mean.unsqueeze(1), epsilon / sigma**2)
    return State(y.add_(noise, alpha=math.sqrt(2 * epsilon))), Info(posterior)
