"""Chained Langevin dynamics: all k copies of one datum move together (theory §2).

    y_i ← y_i + ε (x̂ − y_i)/σ² + √(2ε) z_i,    i = 1..k.

The dynamics is stable only for r = ε/σ² < 2, for any data and denoiser (theory §3, fact 4).

The noise of one copy follows v ← (1 − r)²v + 2rσ² for any data and denoiser, from level to level, towards
v = σ²/(1 − r/2). The denoiser gets √v or σ. With √v it sees the noise that is there, and ȳ moves as in Langevin
dynamics at noise v/k with temperature σ²/v.

The law of a step (`samplers.laws`): a = 1 − rg, b = 2rσ²/k. At constant noise the variance of ȳ in a mode of variance λ
becomes (λ + τ²)/(1 − rg/2) for a denoiser that gets σ, and (λ + τ²)(1 − r/2)/(1 − rg/2) for one that gets √v, with g
and τ² at that noise, as in consistent sampling. So √v errs less than σ where λ < τ², and more in wide modes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from msd_engine.denoisers.posterior import Denoiser, Noise
from msd_engine.samplers.descent import Descent, Info, Stage, State, init
from msd_engine.samplers.laws import Array, Law, Step, inflated, levels, pull, standing, too_long

__all__ = ["LAW", "Info", "State", "init", "step"]


def step(state: State, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Move all chains by one step."""
    posterior = denoiser(state.y, stage.noise)
    y = torch.lerp(state.y, posterior.mean.unsqueeze(1), stage.step_ratio)
    return State(y.add_(noise.normal(), alpha=math.sqrt(2 * stage.epsilon))), Info(posterior)


def correction(descent: Descent, k: int, data: Array) -> Step:
    """Return a and b of a step at each level, with shapes (L, m) and (L, 1)."""
    sigma, _ = levels(descent)
    r = descent.step_ratio
    return 1 - r * pull(sigma, k, data), 2 * r * sigma**2 / k


def swollen(variance: float, stage: Stage) -> float:
    """Return the variance of the noise of one copy after a step."""
    return (1 - stage.step_ratio) ** 2 * variance + 2 * stage.epsilon


def with_actual_noise(start: Array, noises: Array, epsilon: float, r: float, k: int, data: Array) -> Array:
    """Return the variance of ȳ after steps of size ε whose denoiser gets other noises than σ.

    Args:
        start: Variance before, with shape (m,).
        noises: Noise of one copy that the denoiser gets at each step, with shape (n,).
        epsilon: ε.
        r: Step ratio r = ε/σ².
        k: Number of copies.
        data: Variances λ of the data with shape (m,).
    """
    # Row t: what the steps from t on leave of a variance; the last one leaves b whole.
    left = np.ones((len(noises) + 1, len(data)))
    left[:-1] = np.square(1 - r * pull(noises[:, None], k, data))[::-1].cumprod(0)[::-1]
    after: Array = left[0] * start + 2 * epsilon / k * left[1:].sum(0)
    return after


def _residuals(descent: Descent) -> Iterator[float]:
    variance = descent.start_variance
    for stage in descent.schedule():
        yield variance
        variance = swollen(variance, stage)
    yield variance


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    # Along λ = 0 the noise that the denoiser gets does not matter.
    if descent.residuals is None or not data.any():
        return standing(start, correction(descent, k, data), descent.steps_per_level)
    variances, r = np.full((len(descent.ladder), len(data)), np.nan), descent.step_ratio
    if too_long(descent):
        return variances
    noises = np.fromiter(descent.noises(), dtype=np.float64)[:-1].reshape(len(variances), -1)
    for level, sigma in enumerate(descent.ladder):
        variances[level] = start = with_actual_noise(start, noises[level], r * sigma**2, r, k, data)
    return variances


LAW = Law(_variances, inflated, residuals=_residuals)
