"""Chained Langevin dynamics: all k copies of one datum move together (theory §2).

    y_i ← y_i + ε (x̂ − y_i)/σ² + √(2ε) z_i,    i = 1..k.

The dynamics is stable only for r = ε/σ² < 2, whatever the data or the denoiser (theory §3, fact 4).

The law of a step (`samplers.laws`): a = 1 − rg, b = 2rτ².
"""

from __future__ import annotations

import math

import torch

from msd_engine.denoisers.posterior import Denoiser, Noise
from msd_engine.samplers.descent import Descent, Info, Stage, State, init
from msd_engine.samplers.laws import Array, Law, Step, inflated, levels, pull, standing

__all__ = ["LAW", "Info", "State", "init", "step"]


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


def correction(descent: Descent, k: int, data: Array) -> Step:
    """Return a and b of a step at each level, with shapes (L, m) and (L, 1)."""
    sigma, _ = levels(descent)
    r = descent.step_ratio
    return 1 - r * pull(sigma, k, data), 2 * r * sigma**2 / k


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    return standing(start, correction(descent, k, data), descent.steps_per_level)


LAW = Law(_variances, inflated)
