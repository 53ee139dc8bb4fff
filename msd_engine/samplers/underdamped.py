"""Underdamped Langevin dynamics of all k copies by BAOAB (Leimkuhler and Matthews 2013, arXiv:1203.5428).

Each copy has a velocity v_i of unit mass; time has the unit of data, so that v is a pure number:

    dy_i = v_i dt,   dv_i = (x̂ − y_i)/σ² dt − (Γ/σ) v_i dt + √(2Γ/σ) dw_i.

A step of length h = σ√(2r) kicks (B), drifts by half (A), damps and heats (O, exactly) and drifts by half (A):

    v ← v + h (x̂ − y)/σ²,   y ← y + (h/2) v,   v ← c v + √(1 − c²) z,  c = exp(−Γ h/σ),   y ← y + (h/2) v.

That is BAOAB seen between its two half kicks, which are joined to one: the positions are BAOAB's, with one x̂ per step,
and the velocity is half a kick behind. For Γ → ∞ the drift of a step is ε·score with ε = h²/2 = rσ², as for
`samplers.langevin`. The residuals y_i − ȳ are oscillators of frequency 1/σ, whatever the data: stable for h < 2σ,
which is r < 2, the same wall; Γ = 2 damps them critically. In a Gaussian, BAOAB's positions have exactly the right
variance at any stable step: nothing is inflated.

The law of a step (`samplers.laws`) has 2×2 matrices, for (ȳ − μ, v).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser, Noise
from msd_engine.samplers.descent import Descent, Info, Stage
from msd_engine.samplers.laws import Array, Law, exact, levels, pull

__all__ = ["LAW", "Info", "State", "init", "step"]


class State(NamedTuple):
    """Where the chains are, and how fast they move.

    Attributes:
        y: The copies with shape (B, k, *event).
        v: Their velocities with the same shape, pure numbers.
    """

    y: Tensor
    v: Tensor


def init(y: Tensor) -> State:
    """Begin at given copies, at rest; the first damping heats them.

    Args:
        y: The copies with shape (B, k, *event).

    Returns:
        The state before any step.
    """
    return State(y, torch.zeros_like(y))


def step(state: State, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Move all chains by one step.

    Args:
        state: Where the chains are; it is left as it is.
        denoiser: Gives x̂ of the copies.
        stage: Noise σ of one copy, r and the friction Γ.
        noise: Gives the independent standard normal numbers z.

    Returns:
        The next state, and the posterior at the state before.
    """
    posterior = denoiser(state.y, stage.sigma)
    # h/σ; velocities are pure numbers, so the kick is h (x̂ − y)/σ².
    pace = math.sqrt(2 * stage.step_ratio)
    keep = math.exp(-stage.own.friction * pace)
    half = 0.5 * pace * stage.sigma
    v = (posterior.mean.unsqueeze(1) - state.y).mul_(pace / stage.sigma).add_(state.v)
    y = torch.add(state.y, v, alpha=half)
    v = v.mul_(keep).add_(noise.normal(), alpha=math.sqrt(1 - keep**2))
    return State(y.add_(v, alpha=half), v), Info(posterior)


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    """Let ȳ move as one copy at τ does, with velocity √k times the mean of the v_i."""
    sigma, _ = levels(descent)
    tau, g = sigma / math.sqrt(k), pull(sigma, k, data)
    pace = math.sqrt(2 * descent.step_ratio)
    keep = math.exp(-descent.own.friction * pace)
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


def _repeated(across: Array, noise: Array, times: int) -> tuple[Array, Array]:
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


LAW = Law(_variances, exact)
