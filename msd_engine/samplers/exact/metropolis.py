"""Metropolis-adjusted Langevin dynamics of all k copies (Roberts and Tweedie 1996, Bernoulli 2; theory §5).

A Langevin step proposes, and the joint density P of the copies (theory §3, fact 2) decides for all copies at once:

    y' = y + ε s(y) + √(2ε) z,  s = ∇ log P,    accepted with min(1, P(y') q(y|y') / (P(y) q(y'|y))),

q(b|a) ∝ exp(−‖b − a − ε s(a)‖²/4ε). With S = s(y) + s(y') the proposals contribute

    log q(y|y') − log q(y'|y) = −√(ε/2) z·S − (ε/4) ‖S‖².

It leaves P unchanged at any step size: no bias and no wall; too large steps are rejected. P must be known, not only its
score: mixtures and sets of points have it, a network has not.

Warm-up: in the first steps of a level a chain forgets the noise of the level before, then adapts its own r to the
acceptance that is best in many dimensions, by ln r ← ln r + n^(−0.6) (a − 0.574), with a the probability of acceptance
in the nth such step of all levels. r then stays.

The law has no recursion of the variance: a test depends on the state. It settles at the exact variance.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from msd_engine.denoisers.posterior import JointDensity, Noise, Posterior
from msd_engine.samplers.descent import Stage, Tried
from msd_engine.samplers.laws import Law, exact, unknown
from msd_engine.specs.tables.samplers import ACCEPTANCE

__all__ = ["LAW", "Info", "State", "init", "step"]


class State(NamedTuple):
    """The chains.

    Attributes:
        y: The copies with shape (B, k, *event).
        stretch: Log of the step of each chain over the given one, with shape (B,).
    """

    y: Tensor
    stretch: Tensor


class Info(NamedTuple):
    """By-products of a step.

    Attributes:
        posterior: The posterior at the state before the step.
        tried: The outcome of the proposals; None in the warm-up.
    """

    posterior: Posterior
    tried: Tried | None


def init(y: Tensor) -> State:
    """Return copies `y` with shape (B, k, *event), with the given step."""
    return State(y, y.new_zeros(len(y)))


def step(state: State, denoiser: JointDensity, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Propose a step for every chain, and accept or reject it."""
    z, u = noise.normal(), noise.uniform().flatten(1)[:, 0]
    epsilon = stage.epsilon * state.stretch.exp()
    wide = _wide(epsilon, state.y)
    posterior, before = denoiser.density(state.y, stage.sigma)
    proposed = state.y + wide * posterior.score + (2 * wide).sqrt() * z
    there, after = denoiser.density(proposed, stage.sigma)
    both = posterior.score + there.score
    back = -(epsilon / 2).sqrt() * _dot(z, both) - epsilon / 4 * _dot(both, both)
    log_ratio = after - before + back
    # A step so large that numbers overflow is rejected: NaN fails the comparison.
    accepted = u.log() < log_ratio
    y = torch.where(_wide(accepted, proposed), proposed, state.y)
    if stage.gain is None:
        return State(y, state.stretch), Info(posterior, Tried(accepted, epsilon / stage.sigma**2, proposed))
    chance = log_ratio.clamp(max=0).exp().nan_to_num(nan=0.0)
    stretch = state.stretch + stage.gain * (chance - ACCEPTANCE)
    return State(y, stretch), Info(posterior, None)


def drift(state: State, denoiser: JointDensity, stage: Stage) -> Tensor:
    """Return the proposed move without noise, ε s(y), with shape (B, k, *event)."""
    posterior, _ = denoiser.density(state.y, stage.sigma)
    return _wide(stage.epsilon * state.stretch.exp(), state.y) * posterior.score


def _wide(values: Tensor, y: Tensor) -> Tensor:
    """Reshape values of the chains (B,) to (B, 1, ...), to broadcast over y (B, ...)."""
    return values.reshape(-1, *(1 for _ in y.shape[1:]))


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Return the inner product over all copies of each chain, with shape (B,)."""
    return (a * b).flatten(1).sum(1)


LAW = Law(unknown, exact)
