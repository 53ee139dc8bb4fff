"""Underdamped Langevin dynamics of all k copies by BAOAB (Leimkuhler and Matthews 2013, arXiv:1203.5428).

Each copy has a velocity v_i of unit mass; time has the unit of data, so v is dimensionless:

    dy_i = v_i dt,   dv_i = (x̂ − y_i)/σ² dt − (Γ/σ) v_i dt + √(2Γ/σ) dw_i.

A step of length h = σ√(2r) kicks (B), drifts by half (A), damps and heats (O, exactly) and drifts by half (A):

    v ← v + h (x̂ − y)/σ²,   y ← y + (h/2) v,   v ← c v + √(1 − c²) z,  c = exp(−Γ h/σ),   y ← y + (h/2) v.

This is BAOAB with consecutive half kicks merged: the positions are BAOAB's, with one x̂ per step, and the velocity lags
by half a kick. For Γ → ∞ the drift of a step is ε·score with ε = h²/2 = rσ², as in `samplers.langevin`. The residuals
y_i − ȳ are oscillators of frequency 1/σ for any data: stable for h < 2σ, that is r < 2, the same wall; Γ = 2 damps them
critically. In a Gaussian, BAOAB's positions have exactly the right variance at any stable step, without inflation; on
the way there, from rest and from the noise of the level before, they have more or less of it.

The law of a step (`samplers.laws`) has 2×2 matrices, for (ȳ − μ, v). Those of the residuals, λ = 0, depend on no data:
so the actual noise of a copy is known at each step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser, Noise
from msd_engine.samplers.descent import Descent, Info, Stage
from msd_engine.samplers.laws import Array, Law, exact, levels, pull, too_long

__all__ = ["LAW", "Info", "State", "init", "step"]

_ENDLESS = 1e100


class State(NamedTuple):
    """Positions and velocities of the chains.

    Attributes:
        y: The copies with shape (B, k, *event).
        v: Their velocities with the same shape, dimensionless.
    """

    y: Tensor
    v: Tensor


class Moments(NamedTuple):
    """Variance of ȳ − μ, its covariance with v, and the variance of v: numbers, or arrays of axes."""

    y: Any
    both: Any
    v: Any


def init(y: Tensor) -> State:
    """Return copies `y` with shape (B, k, *event) at rest; the first damping heats them."""
    return State(y, torch.zeros_like(y))


def step(state: State, denoiser: Denoiser, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Move all chains by one step with the friction Γ = `stage.own.friction`."""
    posterior = denoiser(state.y, stage.noise)
    # h/σ; velocities are dimensionless, so the kick is h (x̂ − y)/σ².
    pace = math.sqrt(2 * stage.step_ratio)
    keep = math.exp(-stage.own.friction * pace)
    half = 0.5 * pace * stage.sigma
    v = (posterior.mean.unsqueeze(1) - state.y).mul_(pace / stage.sigma).add_(state.v)
    y = torch.add(state.y, v, alpha=half)
    v = v.mul_(keep).add_(noise.normal(), alpha=math.sqrt(1 - keep**2))
    return State(y.add_(v, alpha=half), v), Info(posterior)


def _moved(before: Moments, kick: Any, half: float, keep: float) -> Moments:
    """Return the moments of ȳ − μ and v after a step.

    Args:
        before: Variances and covariance before it.
        kick: Factor of −(ȳ − μ) in the kick, a number or an array.
        half: Half of the step h.
        keep: c.
    """
    y, both, v = before
    v = v + kick * (kick * y - 2 * both)
    both = both - kick * y
    y, both = y + half * (2 * both + half * v), keep * (both + half * v)
    v = keep**2 * v + 1 - keep**2
    return Moments(y + half * (2 * both + half * v), both + half * v, v)


def _residuals(descent: Descent) -> Iterator[float]:
    pace, keep = _constants(descent)
    moments = Moments(descent.start_variance, 0.0, 0.0)
    for stage in descent.schedule():
        yield moments.y
        # Past the wall they grow without bound.
        if moments.y < _ENDLESS:
            moments = _moved(moments, pace / stage.sigma, 0.5 * pace * stage.sigma, keep)
    yield moments.y


def _constants(descent: Descent) -> tuple[float, float]:
    """Return h/σ and c."""
    pace = math.sqrt(2 * descent.step_ratio)
    return pace, math.exp(-descent.own.friction * pace)


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    """Propagate ȳ as one copy at τ, with velocity √k times the mean of the v_i, initially at rest."""
    # Along λ = 0 the noise that the denoiser gets does not matter.
    if descent.residuals is not None and data.any():
        return _with_actual_noise(descent, k, data, start)
    sigma, _ = levels(descent)
    tau, g = sigma / math.sqrt(k), pull(sigma, k, data)
    pace, keep = _constants(descent)
    shape = (*g.shape, 1, 1)
    drift = np.tile(np.eye(2), shape)
    drift[..., 0, 1] = 0.5 * pace * tau
    kick = np.tile(np.eye(2), shape)
    kick[..., 1, 0] = -pace * g / tau
    damp, heat = np.diag([1.0, keep]), np.diag([0.0, 1 - keep**2])
    transition, noise = drift @ damp @ drift @ kick, drift @ heat @ drift.swapaxes(-1, -2)
    transition, noise = _repeated(transition, noise, descent.steps_per_level)
    covariance = np.zeros((len(start), 2, 2))
    covariance[:, 0, 0] = start
    variances = np.empty_like(g)
    for level in range(len(g)):
        covariance = transition[level] @ covariance @ transition[level].swapaxes(-1, -2) + noise[level]
        variances[level] = covariance[:, 0, 0]
    return variances


def _with_actual_noise(descent: Descent, k: int, data: Array, start: Array) -> Array:
    """Return the variances of chains whose denoiser gets the actual noise, step by step."""
    variances, (pace, keep) = np.full((len(descent.ladder), len(data)), np.nan), _constants(descent)
    if too_long(descent):
        return variances
    moments = Moments(start, 0 * start, 0 * start)
    for stage in descent.stages():
        tau = stage.sigma / math.sqrt(k)
        moments = _moved(moments, pace / tau * pull(stage.noise, k, data), 0.5 * pace * tau, keep)
        variances[stage.level] = moments.y
    return variances


def _repeated(transition: Array, noise: Array, times: int) -> tuple[Array, Array]:
    """Return `times` applications of the covariance map C ← A C Aᵀ + Q, by repeated doubling."""
    all_transitions, all_noise = np.broadcast_to(np.eye(2), transition.shape), np.zeros_like(noise)
    while times:
        if times % 2:
            all_noise = transition @ all_noise @ transition.swapaxes(-1, -2) + noise
            all_transitions = transition @ all_transitions
        noise = transition @ noise @ transition.swapaxes(-1, -2) + noise
        transition = transition @ transition
        times //= 2
    return all_transitions, all_noise


LAW = Law(_variances, exact, residuals=_residuals)
