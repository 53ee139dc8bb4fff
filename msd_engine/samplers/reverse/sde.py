"""The reverse SDE of the variance-preserving process by Euler–Maruyama (Song et al. 2021, arXiv:2011.13456, eq. 6).

The process dx = −½β x dt + √β C^½ dw has the reverse dx = −β (½x + C s) dt + √β C^½ dw̄. An Euler step over b = ∫β dt is
x ← (1 + b/2) x + b C s + √b C^½ z. Its states α x₀ + √(1 − α²) C^½ n, divided by α, are copies with noise
σ = √(1 − α²)/α (theory §7). So from σ down to σ₊, in coordinates with white noise and for all copies at once,

    y_i ← e^(−b/2) ((1 + b/2) y_i + c (x̂ − y_i)) + √(b (1 + σ₊²)) z_i,
    b = ln((1 + σ²)/(1 + σ₊²)),    c = b (1 + 1/σ²).

The step depends on the noises alone: every process of preserved variance gives the same. Like any Euler step it shrinks
means, by e^(−b/2)(1 + b/2) ≈ 1 − b²/8, and errs in variances; both vanish with the number of steps.

The law of a step (`samplers.laws`): a = e^(−b/2)(1 + b/2 − c g), b (1 + σ₊²)/k.
"""

from __future__ import annotations

import math

from msd_engine.denoisers.posterior import Denoiser, Noise
from msd_engine.samplers.descent import Descent, Info, Stage, State, init
from msd_engine.samplers.laws import Array, Law, exact, gliding, pull

__all__ = ["LAW", "Info", "State", "init", "step"]


def coefficients(stage: Stage) -> tuple[float, float, float]:
    """Return the factors of y and of x̂ − y, and the standard deviation of the new noise."""
    b = math.log1p(stage.sigma**2) - math.log1p(stage.next_sigma**2)
    shrinks = math.exp(-b / 2)
    pulled = b * (1 + 1 / stage.sigma**2)
    return shrinks * (1 + b / 2), shrinks * pulled, math.sqrt(max(0.0, b * (1 + stage.next_sigma**2)))


def step(state: State, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Move all chains to the next noise."""
    posterior = denoiser(state.y, stage.noise)
    kept, pulled, scale = coefficients(stage)
    y = ((kept - pulled) * state.y).add_(posterior.mean.unsqueeze(1), alpha=pulled)
    return State(y.add_(noise.normal(), alpha=scale)), Info(posterior)


def _law(stage: Stage, k: int, data: Array) -> tuple[Array, float]:
    kept, pulled, scale = coefficients(stage)
    return kept - pulled * pull(stage.sigma, k, data), scale**2 / k


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    return gliding(descent, k, data, start, _law)


LAW = Law(_variances, exact)
