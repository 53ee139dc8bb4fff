"""Reverse steps of DDPM (Ho et al. 2020, arXiv:2006.11239) and DDIM (Song et al. 2021, arXiv:2010.02502, eq. 12).

Both papers move x_t = √ᾱ x + √(1 − ᾱ) n. Divided by √ᾱ it is a copy with noise σ = √(1 − ᾱ)/√ᾱ (theory §7), and from σ
down to σ₊ their steps are, for all copies at once and with q = σ₊²/σ²,

    y_i ← x̂ + √(σ₊² − s²) (y_i − x̂)/σ + s_z z_i,    s = η σ₊ √(1 − q).

η = 0 is DDIM, Euler's rule for the probability flow; η = 1 with s_z = s is DDPM with β̃, the exact posterior given x̂.
With β in place of β̃, DDPM's other choice, s_z = η √((σ² − σ₊²)(1 + σ₊²)/(1 + σ²)) > s: right where the data are the
standard normal in the coordinates of the noise.

The law of a step (`samplers.laws`), with c = √(σ₊² − s²)/σ: a = 1 − (1 − c)g, b = s_z²/k. The residuals have the noise
c²σ² + s_z², which with β̃ is σ₊².
"""

from __future__ import annotations

import math

import torch

from msd_engine.denoisers.posterior import Denoiser, Noise
from msd_engine.samplers.descent import Descent, Info, Stage, State, init
from msd_engine.samplers.laws import Array, Law, exact, gliding, pull

__all__ = ["LAW", "Info", "State", "init", "step"]


def coefficients(stage: Stage) -> tuple[float, float]:
    """Return the factor c of y − x̂ and the standard deviation s_z of the new noise."""
    sigma, below, own = stage.sigma, stage.next_sigma, stage.own
    fallen = (sigma - below) * (sigma + below)
    variance = fallen * (below / sigma) ** 2
    kept = math.sqrt(max(0.0, below**2 - own.eta**2 * variance)) / sigma
    if own.new_noise == "beta":
        variance = fallen * (1 + below**2) / (1 + sigma**2)
    return kept, own.eta * math.sqrt(max(0.0, variance))


def step(state: State, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Move all chains to the next noise."""
    posterior = denoiser(state.y, stage.noise)
    kept, scale = coefficients(stage)
    y = torch.lerp(state.y, posterior.mean.unsqueeze(1), 1 - kept)
    return State(y.add_(noise.normal(), alpha=scale) if scale else y), Info(posterior)


def _law(stage: Stage, k: int, data: Array) -> tuple[Array, float]:
    kept, scale = coefficients(stage)
    return 1 - (1 - kept) * pull(stage.sigma, k, data), scale**2 / k


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    return gliding(descent, k, data, start, _law)


LAW = Law(_variances, exact)
