"""Chained Langevin dynamics: all k copies of one datum move together (theory §2).

    y_i ← y_i + ε (x̂ − y_i)/σ² + √(2ε) z_i,    i = 1..k.

The dynamics is stable only for r = ε/σ² < 2, whatever the data or the denoiser (theory §3, fact 4).
"""

from __future__ import annotations

import math

import torch

from msd_engine.denoisers.posterior import Denoiser, Noise
from msd_engine.samplers.descent import Stage
from msd_engine.samplers.state import Info, State, init

__all__ = ["Info", "State", "init", "step"]


def step(state: State, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Move all chains by one step.

    Args:
        state: Where the chains are; it is left as it is.
        denoiser: Gives x̂ of the copies.
        stage: Noise σ of one copy and r = ε/σ².
        noise: Gives the independent standard normal numbers z.

    Returns:
        The next state, and the posterior at the state before.
    """
    posterior = denoiser(state.y, stage.sigma)
    y = torch.lerp(state.y, posterior.mean.unsqueeze(1), stage.step_ratio)
    return State(y.add_(noise.normal(), alpha=math.sqrt(2 * stage.epsilon))), Info(posterior)
