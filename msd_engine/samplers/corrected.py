"""Predictor–corrector sampling of k copies for the variance-exploding SDE (Song et al. 2021, arXiv:2011.13456).

Corrector: a step of chained Langevin dynamics at constant noise (`samplers.langevin`), T − 1 of them at each level and
T at the last. Predictor: the last step of a level goes down to the next noise σ₊ by ancestral sampling (appendix F).
Given x the copies are independent, so for all of them at once, with q = σ₊²/σ² and x̂ in place of x,

    y_i ← x̂ + q (y_i − x̂) + σ₊ √(1 − q) z_i.

The residuals y_i − ȳ get the right variance q²σ² + σ₊²(1 − q) = σ₊² for any data; the step of Song et al., discretised
from the reverse SDE, has the same drift, but noise √(σ² − σ₊²), whose variance is too large by (σ² − σ₊²)²/σ².

Correctors leave noise v above σ² (`samplers.langevin`). A chain whose denoiser gets √v also goes down from there,
q = σ₊²/v: each level begins with exactly σ₊². Told σ, it takes q = σ₊²/σ² and keeps q²v + σ₊²(1 − q).

The law of the predictor (`samplers.laws`): a = 1 − (1 − q)g, b = τ₊²(1 − q).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from msd_engine.denoisers.posterior import Denoiser, Noise
from msd_engine.samplers import langevin
from msd_engine.samplers.descent import Descent, Info, Stage, State, init
from msd_engine.samplers.laws import Array, Law, inflated, levels, pull, standing, too_long

__all__ = ["LAW", "Info", "State", "init", "step"]


def step(state: State, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Correct at constant noise, or predict at the next noise."""
    if stage.next_sigma == stage.sigma:
        corrected, found = langevin.step(langevin.State(state.y), denoiser, stage, noise)
        return State(corrected.y), Info(found.posterior)
    posterior = denoiser(state.y, stage.noise)
    q = (stage.next_sigma / stage.noise) ** 2
    y = torch.lerp(state.y, posterior.mean.unsqueeze(1), 1 - q)
    return State(y.add_(noise.normal(), alpha=stage.next_sigma * math.sqrt(1 - q))), Info(posterior)


def _residuals(descent: Descent) -> Iterator[float]:
    variance = descent.start_variance
    for stage in descent.schedule():
        yield variance
        stays = stage.next_sigma == stage.sigma
        variance = langevin.swollen(variance, stage) if stays else stage.next_sigma**2
    yield variance


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    if descent.residuals is not None and data.any():
        return _with_actual_noise(descent, k, data, start)
    sigma, below = levels(descent)
    q = np.square(below / sigma)
    down = (1 - (1 - q) * pull(sigma, k, data), below**2 / k * (1 - q))
    if descent.residuals is not None:
        # Along λ = 0 each level begins with its own noise.
        down = (0 * down[0], below**2 / k)
    steps = descent.steps_per_level
    return standing(start, langevin.correction(descent, k, data), steps - 1, down, last=steps)


def _with_actual_noise(descent: Descent, k: int, data: Array, start: Array) -> Array:
    """Return the variances of chains whose denoiser gets the actual noise."""
    variances, r, ladder = np.full((len(descent.ladder), len(data)), np.nan), descent.step_ratio, descent.ladder
    if too_long(descent):
        return variances
    noises = np.fromiter(descent.noises(), dtype=np.float64)[:-1].reshape(len(ladder), -1)
    for level, sigma in enumerate(ladder):
        *corrections, last = np.split(noises[level], [-1]) if level < len(ladder) - 1 else (noises[level], None)
        variances[level] = start = langevin.with_actual_noise(start, corrections[0], r * sigma**2, r, k, data)
        if last is not None:
            below = ladder[level + 1]
            q = (below / last) ** 2
            start = np.square(1 - (1 - q) * pull(last, k, data)) * start + below**2 / k * (1 - q)
    return variances


LAW = Law(_variances, inflated, residuals=_residuals)
