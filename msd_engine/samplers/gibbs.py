"""The step-free Gibbs sampler of k copies: draw x given the copies, then redraw the copies given x.

    x ~ P(x given y_1..y_k at σ),    y_i = x + σ₊ n_i,  n_i ~ N(0, I) independent.

At constant noise (σ₊ = σ) these are the two conditionals of the joint law of x and its copies, which they preserve
exactly: no step size, no bias, no wall. The last step of a level redraws the copies with the noise of the next one, so
that correct chains stay correct. It needs a `PosteriorSampler`, such as exact denoisers; the posterior depends on the
copies only through ȳ (theory §3, fact 1).

The law of a step (`samplers.laws`): a = 1 − g, b = λg + τ₊².
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from msd_engine.denoisers.posterior import Noise, Posterior, PosteriorSampler
from msd_engine.samplers.descent import Descent, Stage, State, init
from msd_engine.samplers.laws import Array, Law, exact, levels, pull, standing

__all__ = ["LAW", "Info", "State", "init", "step"]


class Info(NamedTuple):
    """By-products of a step.

    Attributes:
        posterior: The posterior at the state before the step.
        x: The draw from it with shape (B, *event).
    """

    posterior: Posterior
    x: Tensor


def step(state: State, denoiser: PosteriorSampler, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Draw x from the posterior and redraw its copies at the next noise."""
    posterior = denoiser(state.y, stage.noise)
    x = denoiser.draw(state.y, stage.noise, noise)
    return State(noise.normal().mul(stage.next_sigma).add_(x.unsqueeze(1))), Info(posterior, x)


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    sigma, below = levels(descent)
    g = pull(sigma, k, data)
    down = (1 - g, data * g + below**2 / k)
    # The last step of a level goes down, except at the last level.
    steps = descent.steps_per_level
    return standing(start, (1 - g, data * g + sigma**2 / k), steps - 1, down, last=steps)


LAW = Law(_variances, exact)
