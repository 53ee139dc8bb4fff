"""Predictor–corrector sampling of k copies for the variance-exploding SDE (Song et al. 2021, arXiv:2011.13456).

Corrector: a step of chained Langevin dynamics at the same noise (`samplers.langevin`), T − 1 of them at each level and
T at the last. Predictor: the last step of a level goes down to the next noise σ₊ by ancestral sampling (appendix F).
Given x the copies are independent, so for all of them at once, with q = σ₊²/σ² and x̂ in the place of x,

    y_i ← x̂ + q (y_i − x̂) + σ₊ √(1 − q) z_i.

The residuals y_i − ȳ come out with variance q²σ² + σ₊²(1 − q) = σ₊², as they should, whatever the data; the step that
Song et al. discretise from the reverse SDE has the same drift, but noise √(σ² − σ₊²), which is too much by
(σ² − σ₊²)²/σ² in variance.

The law of the predictor (`samplers.laws`): a = 1 − (1 − q)g, b = τ₊²(1 − q).
"""

from __future__ import annotations

import math

import numpy as np
import torch

from msd_engine.denoisers.posterior import Denoiser, Noise
from msd_engine.samplers import langevin
from msd_engine.samplers.descent import Descent, Info, Stage, State, init
from msd_engine.samplers.laws import Array, Law, inflated, levels, pull, standing

__all__ = ["LAW", "Info", "State", "init", "step"]


def step(state: State, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Correct at one noise, or go down to the next one.

    Args:
        state: Where the chains are; it is left as it is.
        denoiser: Gives x̂ of the copies.
        stage: Noise of one copy before and after the step, and r of the corrector.
        noise: Gives the independent standard normal numbers z.

    Returns:
        The next state, and the posterior at the state before.
    """
    if stage.next_sigma == stage.sigma:
        corrected, found = langevin.step(langevin.State(state.y), denoiser, stage, noise)
        return State(corrected.y), Info(found.posterior)
    posterior = denoiser(state.y, stage.sigma)
    kept = (stage.next_sigma / stage.sigma) ** 2
    y = torch.lerp(state.y, posterior.mean.unsqueeze(1), 1 - kept)
    return State(y.add_(noise.normal(), alpha=stage.next_sigma * math.sqrt(1 - kept))), Info(posterior)


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    sigma, below = levels(descent)
    q = np.square(below / sigma)
    down = (1 - (1 - q) * pull(sigma, k, data), below**2 / k * (1 - q))
    steps = descent.steps_per_level
    return standing(start, langevin.correction(descent, k, data), steps - 1, down, last=steps)


LAW = Law(_variances, inflated)
