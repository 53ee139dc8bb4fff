"""The law of a sampler: the variance of its chains in a Gaussian, exactly, for every ladder.

For data N(μ, λ) along an axis, τ² = σ²/k and g = τ²/(λ + τ²): x̂ − ȳ = −g (ȳ − μ), and a step of any sampler makes of it
a (ȳ − μ) plus noise of variance b. So the variance V of ȳ obeys V ← a²V + b. Each sampler's file says what a and b are;
here is how steps are joined: equal ones at every level (`standing`), or one after the other (`gliding`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msd_engine.samplers.descent import Descent, Stage
from msd_engine.specs.tables.samplers import WALL

Array = NDArray[np.float64]
Step = tuple[Array, Array]
"""The factor a and the variance b of a step."""

# Beyond so many steps the recursion of a gliding sampler is not worth its time.
_MOST_GLIDING_STEPS = 100_000


@dataclass(frozen=True)
class Law:
    """What is known of the noise of a sampler.

    Attributes:
        variances: From the descent, the number of copies k, the variances λ of the data along some axes and the
            variances of ȳ there at the start, both with shape (m,), to the variance of ȳ at the end of each level with
            shape (L, m): before any step down to the next level; of gliding samplers on arrival at each level, NaN
            where that takes too long.
        settled: From r = ε/σ² to what the variance of the residuals y_i − ȳ over that of the level tends to, when steps
            at one level go on for ever.
        as_scheduled: The residuals have exactly the noise of the ladder after every step, whatever the data.
    """

    variances: Callable[[Descent, int, Array, Array], Array]
    settled: Callable[[float], float]
    as_scheduled: bool = False


def exact(step_ratio: float) -> float:
    """Return what residuals tend to where the noise comes out right: 1."""
    del step_ratio
    return 1.0


def inflated(step_ratio: float) -> float:
    """Return what they tend to where noise is added to a plain step of the drift: 1/(1 − r/2), ∞ beyond the wall."""
    return 1 / (1 - step_ratio / 2) if step_ratio < WALL else math.inf


def levels(descent: Descent) -> tuple[Array, Array]:
    """Return the noise of each level and of the one after it, the last one after itself, with shape (L, 1)."""
    sigma: Array = np.asarray(descent.ladder)[:, None]
    return sigma, np.append(sigma[1:], sigma[-1:], axis=0)


def pull(sigma: Array | float, k: int, data: Array) -> Array:
    """Return g = τ²/(λ + τ²): how far the posterior mean draws ȳ towards μ."""
    tau_squared = sigma**2 / k
    drawn: Array = tau_squared / (data + tau_squared)
    return drawn


def standing(start: Array, step: Step, steps: int, down: Step | None = None, last: int | None = None) -> Array:
    """Make some equal steps at each level, keep the variance, and go down.

    Args:
        start: Variance at the beginning of the first level, with shape (m,).
        step: a and b of a step at each level, with shape (L, m), or (L, 1) for b.
        steps: How many of them at each level.
        down: a and b of the step from each level to the next; None where the next level simply begins.
        last: How many steps at the last level, where that is another number.

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
    kept, variance = np.empty_like(gained), start
    for level in range(len(gained)):
        kept[level] = variance = power[level] * variance + gained[level]
        if down is not None:
            variance = np.square(down[0][level]) * variance + down[1][level]
    return kept


def gliding(
    descent: Descent, k: int, data: Array, start: Array, step: Callable[[Stage, int, Array], tuple[Array, float]]
) -> Array:
    """Make one step after the other down the ladder.

    Args:
        descent: The ladder and the steps.
        k: Number of copies.
        data: Variances λ of the data with shape (m,).
        start: Variances of ȳ at the start with shape (m,).
        step: a with shape (m,) and b of the step of a stage.

    Returns:
        The variance on arrival at each level with shape (L, m); NaN where there are more than 100 000 steps.
    """
    kept = np.full((len(descent.ladder), len(data)), np.nan)
    kept[0] = variance = start
    if len(descent) > _MOST_GLIDING_STEPS:
        return kept
    for count, stage in enumerate(descent.stages(), start=1):
        a, b = step(stage, k, data)
        variance = np.square(a) * variance + b
        if count % descent.steps_per_level == 0:
            kept[count // descent.steps_per_level] = variance
    return kept
