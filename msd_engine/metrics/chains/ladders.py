"""Noise along a ladder: the exact variance of chains in a Gaussian, for every sampler and every ladder.

The recursion of each sampler is beside its step (`samplers.laws`). With λ = 0 and k = 1 it is the variance of the
residuals y_i − ȳ up to 1 − 1/k, whatever the data (theory §3, fact 4). Over σ_i² it is NCSNv2's s_T²/σ_i²
(arXiv:2006.09011, proposition 2), given there for a geometric ladder of ratio γ and a level that begins with variance
γ²σ_i²: (1 − r)^{2T} (γ² − c) + c with c = 1/(1 − r/2). Here each level begins at the end of the previous one.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from msd_engine.samplers.descent import Descent
from msd_engine.samplers.registry import DYNAMICS
from msd_engine.specs.tables.samplers import Sampler

_Array = NDArray[np.float64]

_MOST_STEPS = 100_000
# Number of cached results: another seed, for example, leaves the result unchanged.
_KEPT = 64


@functools.lru_cache(maxsize=_KEPT)
def swelling(sampler: Sampler, descent: Descent) -> _Array:
    """Return s_T²/σ_i²: the variance of the residuals y_i − ȳ over its target at each level.

    Args:
        sampler: The dynamics.
        descent: The ladder and the steps.

    Returns:
        The ratio at the end of each level with shape (L,), read-only; 1 is exact, huge for chains that blow up, and
        NaN where it depends on the data.
    """
    ratio = _swelling(sampler, descent)
    ratio.flags.writeable = False
    return ratio


def _swelling(sampler: Sampler, descent: Descent) -> _Array:
    if DYNAMICS[sampler].LAW.as_scheduled:
        return np.ones(len(descent.ladder))
    if not DYNAMICS[sampler].LAW.separate:
        return np.full(len(descent.ladder), np.nan)
    ratio: _Array = variances(sampler, descent, 1, np.zeros(1))[:, 0] / np.square(descent.ladder)
    return ratio


def noise_at_ends(sampler: Sampler, descent: Descent) -> _Array:
    """Return the noise of one copy that the denoiser gets at the end of each level, with shape (L,)."""
    sigma = np.asarray(descent.ladder)
    return sigma if descent.residuals is None else sigma * np.sqrt(swelling(sampler, descent))


def settled(sampler: Sampler, step_ratio: float) -> float:
    """Return the limit of s_T²/σ² for infinitely many steps at one level, by the law of the sampler.

    Args:
        sampler: The dynamics.
        step_ratio: r = ε/σ².
    """
    return DYNAMICS[sampler].LAW.settled(step_ratio)


def excess(sampler: Sampler, descent: Descent) -> float:
    """Return the largest distance over the levels of s_T²/σ² from its limit."""
    return float(np.abs(_swelling(sampler, descent) - settled(sampler, descent.step_ratio)).max())


@functools.lru_cache(maxsize=_KEPT)
def steps_needed(sampler: Sampler, descent: Descent, most: float = 0.05) -> int:
    """Return the least number of steps per level with a negligible excess.

    Args:
        sampler: The dynamics.
        descent: The ladder and the step; its own number of steps is ignored.
        most: The largest negligible `excess`.

    Returns:
        The number, to within a tenth; 0 if even 100 000 are not enough.
    """
    steps = 1
    while steps <= _MOST_STEPS:
        if excess(sampler, replace(descent, steps_per_level=steps)) <= most:
            return steps
        steps = max(steps + 1, int(1.1 * steps))
    return 0


@np.errstate(over="ignore", invalid="ignore")
def variances(sampler: Sampler, descent: Descent, k: int, data: _Array, start: _Array | None = None) -> _Array:
    """Return the variance of ȳ along axes of Gaussian data.

    Args:
        sampler: The dynamics.
        descent: The ladder and the steps.
        k: Number of copies.
        data: Variances λ of the data along some axes, with shape (m,).
        start: Variances of ȳ there at the start, with shape (m,); None for the exact ones, λ + σ₁²/k.

    Returns:
        The variance at the end of each level, before the descent to the next one, with shape (L, m); for gliding
        samplers on arrival at each level. NaN beyond 100 000 steps where samplers glide or tell the actual noise.
    """
    if start is None:
        start = data + descent.ladder[0] ** 2 / k
    return DYNAMICS[sampler].LAW.variances(descent, k, data, start)
