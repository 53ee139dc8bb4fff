"""Consistent annealed sampling for k copies (Jolicoeur-Martineau et al. 2020, arXiv:2009.05475).

Langevin dynamics leaves more noise than its level has. Here each step adds exactly the missing noise: with η = r = ε/σ²
and the noise falling from σ to σ₊,

    y_i ← y_i + η (x̂ − y_i) + √(σ₊² − (1 − η)² σ²) z_i.

The pull leaves (1 − η) σ n_i of the noise σ n_i, so after each step the residuals y_i − ȳ have the scheduled standard
deviation σ₊ √(1 − 1/k) for any data (theory §3, fact 4: 1/(1 − r/2) for Langevin). Where |1 − η| σ exceeds σ₊, η is
clipped to the nearest value that leaves no excess; at η = 1 − σ₊/σ no noise is added and the step is Euler's for the
probability flow. There is no wall. In a mode of variance λ, at constant noise, the variance of ȳ becomes
(λ + τ²)(1 − η/2)/(1 − ηg/2), g = τ²/(λ + τ²), τ² = σ²/k: slightly too small.

The law of a step (`samplers.laws`): a = 1 − ηg, b = τ₊² − (1 − η)²τ².
"""

from __future__ import annotations

import math

import torch

from msd_engine.denoisers.posterior import Denoiser, Noise
from msd_engine.samplers.descent import Descent, Info, Stage, State, init
from msd_engine.samplers.laws import Array, Law, exact, gliding, pull

__all__ = ["LAW", "Info", "State", "init", "step"]


def coefficients(stage: Stage) -> tuple[float, float]:
    """Return the pull η and the noise √(σ₊² − (1 − η)² σ²) of a step."""
    ratio = stage.next_sigma / stage.sigma
    eta = min(max(stage.step_ratio, 1 - ratio), 1 + ratio)
    missing = max(0.0, (ratio - (1 - eta)) * (ratio + (1 - eta)))
    return eta, stage.sigma * math.sqrt(missing)


def step(state: State, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Move all chains by one step to the next noise; η = `stage.step_ratio`."""
    eta, scale = coefficients(stage)
    posterior = denoiser(state.y, stage.noise)
    y = torch.lerp(state.y, posterior.mean.unsqueeze(1), eta)
    return State(y.add_(noise.normal(), alpha=scale)), Info(posterior)


def _law(stage: Stage, k: int, data: Array) -> tuple[Array, float]:
    eta, scale = coefficients(stage)
    return 1 - eta * pull(stage.sigma, k, data), scale**2 / k


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    return gliding(descent, k, data, start, _law)


LAW = Law(_variances, exact, as_scheduled=True)
