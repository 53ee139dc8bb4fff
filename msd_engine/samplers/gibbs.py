"""The step-free Gibbs sampler of k copies: draw x given the copies, then renew the copies given x.

    x ~ P(x given y_1..y_k at σ),    y_i = x + σ₊ n_i,  n_i ~ N(0, I) independent.

At one noise (σ₊ = σ) these are the two conditionals of the joint law of x and its copies, which is therefore kept
exactly: there is no step, no bias and no wall. The last step of a level renews the copies with the noise of the next
one, so that chains which are right at σ are right at σ₊ too. It needs draws from the posterior, which exact denoisers
give (`PosteriorSampler`); the posterior knows the copies only through ȳ (theory §3, fact 1).

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
    """What a step found out on the way.

    Attributes:
        posterior: The posterior at the state before the step.
        x: The draw from it with shape (B, *event).
    """

    posterior: Posterior
    x: Tensor


def step(state: State, denoiser: PosteriorSampler, stage: Stage, noise: Noise) -> tuple[State, Info]:
    """Draw x and renew its copies.

    Args:
        state: Where the chains are; it is left as it is.
        denoiser: Gives x̂ of the copies, and draws from their posterior.
        stage: Noise of one copy before and after the step.
        noise: Gives the random numbers.

    Returns:
        The next state, and the posterior at the state before with the draw from it.
    """
    posterior = denoiser(state.y, stage.sigma)
    x = denoiser.draw(state.y, stage.sigma, noise)
    return State(noise.normal().mul(stage.next_sigma).add_(x.unsqueeze(1))), Info(posterior, x)


def _variances(descent: Descent, k: int, data: Array, start: Array) -> Array:
    sigma, below = levels(descent)
    g = pull(sigma, k, data)
    down = (1 - g, data * g + below**2 / k)
    # The last step of a level goes down; at the last level it stays.
    steps = descent.steps_per_level
    return standing(start, (1 - g, data * g + sigma**2 / k), steps - 1, down, last=steps)


LAW = Law(_variances, exact)
