"""The walk of chains down a ladder of noise levels, for points and images alike (theory §2).

Any dynamics works with any `Descent`: each level continues from the previous one, and a fixed noise is a ladder of one
level. The walk is a generator: its consumer decides which states to keep and when to stop.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser, Noise, Posterior
from msd_engine.samplers.descent import Descent, Dynamics, Tried


class Moment(NamedTuple):
    """The chains after some number of steps.

    Attributes:
        step: Steps done, 0 at the start.
        level: Index of the noise level, from 0. A state between two levels belongs to the next one.
        sigma: Noise of one copy by the schedule.
        noise: Noise of one copy that the denoiser gets there.
        y: The copies with shape (B, k, *event), immutable.
        posterior: The posterior of the copies at `noise`, with immutable mean.
        carried: Other tensors of the dynamics, such as velocities, each with the shape of `y`.
        tried: Proposals of the step from this state, after the warm-up; None for samplers without any.
    """

    step: int
    level: int
    sigma: float
    noise: float
    y: Tensor
    posterior: Posterior
    carried: tuple[Tensor, ...] = ()
    tried: Tried | None = None


def gaussian_start(streams: Noise, mean: Tensor, std: float, sigma: float) -> Tensor:
    """Draw a start from a Gaussian as wide as the data, with independent noise on each copy.

    Args:
        streams: Random numbers of shape (k, *event) per chain.
        mean: Mean of the data with shape (*event).
        std: Standard deviation of the data, one number for all coordinates.
        sigma: Noise of one copy at the first level.

    Returns:
        y with shape (B, k, *event): one common point from N(mean, std² I) per chain, plus σ n_i on each copy.
    """
    point = mean + std * streams.normal()[:, :1]
    return point + sigma * streams.normal()


def uniform_start(streams: Noise, half_width: float, sigma: float) -> Tensor:
    """Draw a start uniformly from a box, with independent noise on each copy.

    Args:
        streams: Random numbers of shape (k, *event) per chain.
        half_width: The box is [−w, w] in every coordinate.
        sigma: Noise of one copy at the first level.

    Returns:
        y with shape (B, k, *event): one common point per chain, plus σ n_i on each copy.
    """
    point = half_width * (2 * streams.uniform()[:, :1] - 1)
    return point + sigma * streams.normal()


def walk(
    dynamics: Dynamics,
    denoiser: Denoiser,
    y: Tensor,
    descent: Descent,
    noise: Noise,
    *,
    first: int = 0,
    carried: tuple[Tensor, ...] = (),
) -> Iterator[Moment]:
    """Walk all chains down a ladder.

    Args:
        dynamics: The dynamics.
        denoiser: Denoiser of the copies.
        y: Initial copies with shape (B, k, *event).
        descent: The schedule.
        noise: Random numbers of shape (k, *event) per chain.
        first: Number of the first step, for branched chains: `y` is the state before it.
        carried: Other tensors of the state `y`; if they do not fit these dynamics, the walk restarts from `y` alone.

    Yields:
        Every state with its posterior, including start and end: one more than there are steps.
    """
    state = dynamics.init(y)
    if len(carried) == len(state) - 1:
        state = type(state)(y, *carried)
    count = first
    # Without steps left, only the noise after them.
    left = next(descent.noises(first)) if first == len(descent) else math.nan
    for stage in descent.stages(first):
        before = state
        state, info = dynamics.step(state, denoiser, stage, noise)
        tried = getattr(info, "tried", None)
        yield Moment(count, stage.level, stage.sigma, stage.noise, before.y, info.posterior, before[1:], tried)
        count, left = count + 1, stage.next_noise
    posterior = denoiser(state.y, left)
    yield Moment(count, len(descent.ladder) - 1, descent.ladder[-1], left, state.y, posterior, state[1:])
