"""Plain Langevin dynamics of the datum itself, with no noisy copies (Song and Ermon 2019, arXiv:1907.05600, §3.2).

    x ← x + ε ∇ log p(x) + √(2ε) z.

It is what annealing is compared with: chains do not cross between separate modes, and keep the weights of their start
(.51 for .8 in the papers' toy). It needs ∇ log p at no noise, which mixtures have; a set of points has no such density.

All copies of a state are x, and x̂ is x. The law of a step (`samplers.laws`): a = 1 − ε/λ, b = 2ε; it settles at the
variance λ/(1 − ε/2λ), and diverges from ε = 2λ on.
"""

from __future__ import annotations

import math

from torch import Tensor

from msd_engine.denoisers.posterior import CleanScore, Noise, Posterior
from msd_engine.samplers.descent import Descent, Info, Stage, State
from msd_engine.samplers.laws import Array, Law, exact, standing

__all__ = ["LAW", "Info", "State", "init", "step"]


def init(y: Tensor) -> State:
    """Return chains that begin at the means of copies `y` with shape (B, k, *event)."""
    return State(y.mean(1, keepdim=True).expand_as(y))


def step(state: State, denoiser: CleanScore, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Move all chains by one step of the size `stage.own.step_size`; the first of the k random numbers counts."""
    x, epsilon = state.y[:, 0], stage.own.step_size
    moved = x + epsilon * denoiser.clean_score(x) + math.sqrt(2 * epsilon) * noise.normal()[:, 0]
    return State(moved.unsqueeze(1).expand_as(state.y)), Info(Posterior(x, x.new_full(state.y.shape, math.nan)))


def _variances(descent: Descent, _k: int, data: Array, start: Array) -> Array:
    epsilon = descent.own.step_size
    factors = (1 - epsilon / data)[None].repeat(len(descent.ladder), 0)
    return standing(start, (factors, 0 * factors + 2 * epsilon), descent.steps_per_level)


LAW = Law(_variances, exact, as_scheduled=True)
