"""Copies measured one after the other (Saremi, Park and Bach 2023, arXiv:2305.19473: a chain of log-concave laws).

    y_1 ~ P(y_1),  y_2 ~ P(y_2 given y_1),  …,  y_k ~ P(y_k given y_1..y_{k−1}),

each by Langevin steps with the score of its conditional, which is that of the joint density of the copies up to it:

    y_m ← y_m + ε (x̂(y_1..y_m) − y_m)/σ² + √(2ε) z_m.

The copies before m stand still, and those after it are left out of x̂, so that x̂ is the posterior mean at σ/√m (theory
§3, fact 1): noise that is large for one copy falls with every copy, without a ladder. Every level begins again with the
first copy; its T steps are shared out evenly, and where there are fewer steps than copies, neighbours move together.

The law (`samplers.laws`), for data N(μ, λ) along an axis and G_m = λ/(λ + σ²/m): a step maps y_m to
(1 − r + rG_m/m) y_m + (rG_m/m) Σ_{i<m} y_i plus noise of variance 2rσ². So the covariance of the copies is known, and
that of ȳ follows. It depends on λ also in the residuals, which have no law of their own.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from msd_engine.denoisers.posterior import Denoiser, Noise
from msd_engine.samplers.descent import Descent, Info, Stage, State, init
from msd_engine.samplers.laws import Array, Law

__all__ = ["LAW", "Info", "State", "init", "step"]


def block(step: int, steps: int, k: int) -> slice:
    """Return the copies that a step of a level moves.

    Args:
        step: Its number in the level, from 0.
        steps: Steps of the level.
        k: Number of copies.
    """
    first = step * k // steps
    return slice(first, max(first + 1, (step + 1) * k // steps))


def step(state: State, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Move the copies of the step, given those before them."""
    now = block(*stage.within, state.y.shape[1])
    measured = state.y[:, : now.stop]
    posterior = denoiser(measured, stage.noise)
    moved = torch.lerp(measured[:, now], posterior.mean.unsqueeze(1), stage.step_ratio)
    moved = moved.add_(noise.normal()[:, now], alpha=math.sqrt(2 * stage.epsilon))
    return State(torch.cat((state.y[:, : now.start], moved, state.y[:, now.stop :]), 1)), Info(posterior)


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    steps, r = descent.steps_per_level, descent.step_ratio
    blocks = [(block(number, steps, k), 1) for number in range(min(steps, k))]
    if steps > k:
        counts = np.bincount(np.arange(steps) * k // steps, minlength=k)
        blocks = [(slice(m, m + 1), int(count)) for m, count in enumerate(counts)]
    eye = np.eye(k)
    # Copies begin at a common point, with independent noise.
    covariance = (start - descent.start_variance / k)[:, None, None] + descent.start_variance * eye
    after = np.empty((len(descent.ladder), len(data)))
    for level, sigma in enumerate(descent.ladder):
        for now, count in blocks:
            gain = data / (data + sigma**2 / now.stop)
            matrix = np.broadcast_to(eye, (len(data), k, k)).copy()
            matrix[:, now, now] *= 1 - r
            matrix[:, now, : now.stop] += (r * gain / now.stop)[:, None, None]
            noise = np.zeros((k, k))
            noise[now, now] = 2 * r * sigma**2 * np.eye(now.stop - now.start)
            power, gained = _repeated(matrix, noise, count)
            covariance = power @ covariance @ power.mT + gained
        after[level] = covariance.mean((1, 2))
    return after


def _repeated(matrix: Array, noise: Array, count: int) -> tuple[Array, Array]:
    """Return Aⁿ and Σ_{j<n} A^j Q A^jᵀ of matrices A (m, k, k) and a covariance Q, by doubling."""
    power, gained = np.eye(matrix.shape[-1]), np.zeros_like(noise)
    while count:
        if count % 2:
            power, gained = matrix @ power, matrix @ gained @ matrix.mT + noise
        matrix, noise = matrix @ matrix, matrix @ noise @ matrix.mT + noise
        count //= 2
    return power, gained


def _of_the_data(step_ratio: float) -> float:
    """Return NaN: where the residuals settle depends on the data."""
    del step_ratio
    return math.nan


LAW = Law(_variances, _of_the_data, separate=False)
