"""What a ladder does to the noise: the variance of chains in a Gaussian, exactly, for every sampler and every ladder.

For data N(μ, λ) along an axis, τ² = σ²/k and g = τ²/(λ + τ²): x̂ − ȳ = −g (ȳ − μ), and a step of any sampler makes of it
a (ȳ − μ) plus noise of variance b. So the variance V of ȳ obeys V ← a²V + b:

    langevin      a = 1 − rg               b = 2rτ²
    consistent    a = 1 − ηg               b = τ₊² − (1 − η)²τ²
    predictor     a = 1 − (1 − q)g         b = τ₊²(1 − q),  q = σ₊²/σ²
    flow (Heun)   a = 1 − ½(1 − s)(g + g₊(1 − (1 − s)g)/s),  b = 0,  s = σ₊/σ
    gibbs         a = 1 − g                b = λg + τ₊²

and the same with 2×2 matrices for (ȳ − μ, v) where there is a momentum. With λ = 0 and k = 1 it is the variance of the
residuals y_i − ȳ up to 1 − 1/k, whatever the data (theory §3, fact 4). Over σ_i² that is NCSNv2's s_T²/σ_i²
(arXiv:2006.09011, proposition 2), there given for a geometric ladder of ratio γ and a level begun with variance γ²σ_i²:
(1 − r)^{2T} (γ² − c) + c with c = 1/(1 − r/2). Here each level begins where the one before has ended.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from msd_engine.data.mixture import GaussianMixture
from msd_engine.samplers import consistent
from msd_engine.samplers.descent import Descent, Stage
from msd_engine.specs.sampling import Sampler

_Array = NDArray[np.float64]

# Beyond so many steps the recursion of a gliding sampler is not worth its time.
_MOST_GLIDING_STEPS = 100_000
_MOST_STEPS = 100_000


def swelling(sampler: Sampler, descent: Descent) -> _Array:
    """Return s_T²/σ_i²: the variance of the residuals y_i − ȳ over what the level says.

    Args:
        sampler: The dynamics.
        descent: The ladder and the steps.

    Returns:
        The ratio at the end of each level with shape (L,); 1 is exact. Chains that blow up give huge numbers.
    """
    if descent.glides:
        # Their noise is as scheduled at every step, whatever the data.
        return np.ones(len(descent.ladder))
    ratio: _Array = variances(sampler, descent, 1, np.zeros(1))[:, 0] / np.square(descent.ladder)
    return ratio


def settled(sampler: Sampler, step_ratio: float) -> float:
    """Return what s_T²/σ² tends to when steps at one level go on for ever.

    Args:
        sampler: The dynamics.
        step_ratio: r = ε/σ².

    Returns:
        1/(1 − r/2) where the noise is added to a plain step of the drift, ∞ from r = 2 on; 1 for all others.
    """
    if sampler not in ("langevin", "predictor-corrector"):
        return 1.0
    return 1 / (1 - step_ratio / 2) if step_ratio < 2 else math.inf


def excess(sampler: Sampler, descent: Descent) -> float:
    """Return how far s_T²/σ² is from what it tends to, at the level where it is farthest."""
    return float(np.abs(swelling(sampler, descent) - settled(sampler, descent.step_ratio)).max())


def steps_needed(sampler: Sampler, descent: Descent, most: float = 0.05) -> int:
    """Return how few steps per level leave an excess that does not matter.

    Args:
        sampler: The dynamics.
        descent: The ladder and the step; its own number of steps is not read.
        most: The largest `excess` that does not matter.

    Returns:
        The fewest, to within a tenth; 0 where not even 100 000 are enough.
    """
    steps = 1
    while steps <= _MOST_STEPS:
        if excess(sampler, replace(descent, steps_per_level=steps)) <= most:
            return steps
        steps = max(steps + 1, int(1.1 * steps))
    return 0


@np.errstate(over="ignore", invalid="ignore")
def variances(sampler: Sampler, descent: Descent, k: int, data: _Array) -> _Array:
    """Return the variance of ȳ along axes of Gaussian data, begun with the right one at the first level.

    Args:
        sampler: The dynamics.
        descent: The ladder and the steps.
        k: Number of copies.
        data: Variances λ of the data along some axes, with shape (m,).

    Returns:
        The variance at the end of each level, before any way down to the next one, with shape (L, m); of gliding
        samplers on arrival at each level, NaN where they make more than 100 000 steps.
    """
    sigma = np.asarray(descent.ladder)[:, None]
    start = data + sigma[0] ** 2 / k
    if descent.glides:
        return _gliding(sampler, descent, k, data, start)
    below = np.append(sigma[1:], sigma[-1:], axis=0)
    steps, r = descent.steps_per_level, descent.step_ratio
    g = sigma**2 / k / (data + sigma**2 / k)
    match sampler:
        case "langevin":
            return _standing(start, (1 - r * g, 2 * r * sigma**2 / k), steps, None)
        case "predictor-corrector":
            q = np.square(below / sigma)
            down = (1 - (1 - q) * g, below**2 / k * (1 - q))
            return _standing(start, (1 - r * g, 2 * r * sigma**2 / k), steps - 1, down, last=steps)
        case "gibbs":
            down = (1 - g, data * g + below**2 / k)
            return _standing(start, (1 - g, data * g + sigma**2 / k), steps - 1, down)
        case _:
            return _with_momentum(start, sigma / math.sqrt(k), g, descent)


def predicted_std(mixture: GaussianMixture, sampler: Sampler, descent: Descent, k: int, *, jump: bool) -> _Array:
    """Predict the standard deviation of samples about their mode, modes taken apart.

    Args:
        mixture: The target.
        sampler: The dynamics.
        descent: The ladder and the steps.
        k: Number of copies.
        jump: Whether the samples are x̂ (else ȳ).

    Returns:
        For chains that end at each level, with shape (L,): the root of Σ_j w_j mean_axes G² V, with G = λ/(λ + τ²) for
        the jump and 1 without.
    """
    eigenvalues = mixture.eigenvalues.double().cpu().numpy()
    data, place = np.unique(eigenvalues, return_inverse=True)
    found = variances(sampler, descent, k, data)
    if jump:
        found = found * np.square(data / (data + np.square(descent.ladder)[:, None] / k))
    modes = found[:, place.reshape(eigenvalues.shape)].mean(2)
    predicted: _Array = np.sqrt(modes @ mixture.weights.double().cpu().numpy())
    return predicted


def _standing(
    start: _Array, step: tuple[_Array, _Array], steps: int, down: tuple[_Array, _Array] | None, last: int | None = None
) -> _Array:
    """Make some equal steps at each level, keep the variance, and go down; all with shape (L, m)."""
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


def _gliding(sampler: Sampler, descent: Descent, k: int, data: _Array, start: _Array) -> _Array:
    kept = np.full((len(descent.ladder), len(data)), np.nan)
    kept[0] = variance = start
    if len(descent) > _MOST_GLIDING_STEPS:
        return kept
    law = _consistent if sampler == "consistent" else _flow
    for count, stage in enumerate(descent.stages(), start=1):
        a, b = law(stage, k, data)
        variance = np.square(a) * variance + b
        if count % descent.steps_per_level == 0:
            kept[count // descent.steps_per_level] = variance
    return kept


def _consistent(stage: Stage, k: int, data: _Array) -> tuple[_Array, float]:
    eta, scale = consistent.coefficients(stage)
    return 1 - eta * _pull(stage.sigma, k, data), scale**2 / k


def _flow(stage: Stage, k: int, data: _Array) -> tuple[_Array, float]:
    s = stage.next_sigma / stage.sigma
    g, g_next = _pull(stage.sigma, k, data), _pull(stage.next_sigma, k, data)
    return 1 - 0.5 * (1 - s) * (g + g_next * (1 - (1 - s) * g) / s), 0.0


def _pull(sigma: float, k: int, data: _Array) -> _Array:
    """Return g = τ²/(λ + τ²)."""
    tau_squared = sigma**2 / k
    return tau_squared / (data + tau_squared)


def _with_momentum(start: _Array, tau: _Array, g: _Array, descent: Descent) -> _Array:
    """Underdamped dynamics: ȳ moves as one copy at τ does, with velocity √k times the mean of the v_i."""
    pace = math.sqrt(2 * descent.step_ratio)
    keep = math.exp(-descent.friction * pace)
    shape = (*g.shape, 1, 1)
    drift = np.tile(np.eye(2), shape)
    drift[..., 0, 1] = 0.5 * pace * tau
    kick = np.tile(np.eye(2), shape)
    kick[..., 1, 0] = -pace * g / tau
    damp, heat = np.diag([1.0, keep]), np.diag([0.0, 1 - keep**2])
    across, noise = drift @ damp @ drift @ kick, drift @ heat @ drift.swapaxes(-1, -2)
    across, noise = _repeated(across, noise, descent.steps_per_level)
    # At rest in the beginning.
    covariance = np.zeros((len(start), 2, 2))
    covariance[:, 0, 0] = start
    kept = np.empty_like(g)
    for level in range(len(g)):
        covariance = across[level] @ covariance @ across[level].swapaxes(-1, -2) + noise[level]
        kept[level] = covariance[:, 0, 0]
    return kept


def _repeated(across: _Array, noise: _Array, times: int) -> tuple[_Array, _Array]:
    """Return the map of covariances C ← A C Aᵀ + Q done several times, by repeated doubling."""
    all_across, all_noise = np.broadcast_to(np.eye(2), across.shape), np.zeros_like(noise)
    while times:
        if times % 2:
            all_noise = across @ all_noise @ across.swapaxes(-1, -2) + noise
            all_across = across @ all_across
        noise = across @ noise @ across.swapaxes(-1, -2) + noise
        across = across @ across
        times //= 2
    return all_across, all_noise
