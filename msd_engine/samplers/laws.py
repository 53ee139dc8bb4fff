"""Laws of samplers: the exact variance of their chains in a Gaussian, for every ladder.

For data N(μ, λ) along an axis, τ² = σ²/k and g = τ²/(λ + τ²) at the noise that the denoiser gets: x̂ − ȳ = −g (ȳ − μ),
and a step of any sampler maps ȳ − μ to a (ȳ − μ) plus noise of variance b. So the variance V of ȳ obeys V ← a²V + b.
Each sampler's file states a and b; this module combines steps: equal ones at every level (`standing`), or successive
ones (`gliding`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msd_engine.samplers.descent import Descent, Stage
from msd_engine.specs.tables.samplers import WALL

Array = NDArray[np.float64]
Step = tuple[Array, Array]
"""Factor a and variance b of a step."""

_MOST_STEPS = 100_000


@dataclass(frozen=True)
class Law:
    """Theory of a sampler's noise.

    Attributes:
        variances: Variance of ȳ at the end of each level, with shape (L, m), from the schedule, the number of copies k,
            and the variances along some axes of the data and of ȳ at the start, both with shape (m,). It does not
            include the step down to the next level. For gliding samplers: the variance on arrival at each level. NaN
            where that takes too long or no recursion is known.
        settled: Limit of the variance of the residuals y_i − ȳ relative to that of the level, from r = ε/σ², for
            endless steps at one level; NaN where it depends on the data.
        as_scheduled: The residuals have exactly the noise of the ladder after every step, for any data.
        separate: The variance of the residuals is the same for any data, that of ȳ for one copy and λ = 0.
        residuals: The variance of the noise of one copy before each step and after the last one, from a schedule, for
            any data; for samplers that swell.
    """

    variances: Callable[[Descent, int, Array, Array], Array]
    settled: Callable[[float], float]
    as_scheduled: bool = False
    separate: bool = True
    residuals: Callable[[Descent], Iterator[float]] | None = None


def exact(step_ratio: float) -> float:
    """Return the relative residual variance of samplers without discretisation error: 1."""
    del step_ratio
    return 1.0


def inflated(step_ratio: float) -> float:
    """Return the relative residual variance of Euler steps with noise: 1/(1 − r/2), ∞ beyond the wall."""
    return 1 / (1 - step_ratio / 2) if step_ratio < WALL else math.inf


def unknown(descent: Descent, _k: int, data: Array, _start: Array) -> Array:
    """Return NaN with shape (L, m): the variances of a sampler without a recursion."""
    return np.full((len(descent.ladder), len(data)), np.nan)


def too_long(descent: Descent) -> bool:
    """Return whether a recursion of each step takes too long."""
    return len(descent) > _MOST_STEPS


def levels(descent: Descent) -> tuple[Array, Array]:
    """Return the noise of each level and of its successor (the last one's is itself), with shape (L, 1)."""
    sigma: Array = np.asarray(descent.ladder)[:, None]
    return sigma, np.append(sigma[1:], sigma[-1:], axis=0)


def pull(sigma: Array | float, k: int, data: Array) -> Array:
    """Return g = τ²/(λ + τ²), the pull of the posterior mean on ȳ towards μ."""
    tau_squared = sigma**2 / k
    drawn: Array = tau_squared / (data + tau_squared)
    return drawn


def standing(start: Array, step: Step, steps: int, down: Step | None = None, last: int | None = None) -> Array:
    """Apply T equal steps at each level, record the variance, and go down.

    Args:
        start: Variance at the beginning of the first level, with shape (m,).
        step: a and b of a step at each level, with shape (L, m), or (L, 1) for b.
        steps: Number of steps at each level.
        down: a and b of the step from each level to the next; None for a jump of the noise alone.
        last: Number of steps at the last level, where it differs.

    Returns:
        The variance at the end of each level with shape (L, m).
    """
    count = np.full((len(step[0]), 1), steps)
    count[-1] = steps if last is None else last
    factor = np.square(step[0])
    power = factor**count
    # b (1 + a² + … ) = b (1 − a^2n)/(1 − a²), which at a² = 1 is n b.
    still = np.isclose(factor, 1.0, rtol=0, atol=1e-15)
    gained = step[1] * np.where(still, count, (1 - power) / np.where(still, 1.0, 1 - factor))
    variances, variance = np.empty_like(gained), start
    for level in range(len(gained)):
        variances[level] = variance = power[level] * variance + gained[level]
        if down is not None:
            variance = np.square(down[0][level]) * variance + down[1][level]
    return variances


def gliding(
    descent: Descent, k: int, data: Array, start: Array, step: Callable[[Stage, int, Array], tuple[Array, float]]
) -> Array:
    """Apply successive steps down the ladder.

    Args:
        descent: The schedule.
        k: Number of copies.
        data: Variances λ of the data with shape (m,).
        start: Variances of ȳ at the start with shape (m,).
        step: Maps a stage, k and λ to a with shape (m,) and b.

    Returns:
        The variance on arrival at each level with shape (L, m); NaN for more than 100 000 steps.
    """
    variances = np.full((len(descent.ladder), len(data)), np.nan)
    variances[0] = variance = start
    if too_long(descent):
        return variances
    for count, stage in enumerate(descent.stages(), start=1):
        a, b = step(stage, k, data)
        variance = np.square(a) * variance + b
        if count % descent.steps_per_level == 0:
            variances[count // descent.steps_per_level] = variance
    return variances
