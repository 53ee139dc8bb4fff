"""The one walk of chains down a ladder of noise levels, for points and images alike (theory §2).

At level i the step is α_i = ε σ_i²/σ_L², so that r = ε/σ_L² is the same at every level; each level makes T steps and
begins where the one before has ended. A fixed noise is a ladder of one level. The walk only yields: whoever pulls it
decides what to keep and when to stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from msd_engine.backend.streams import ChainStreams
from msd_engine.denoisers.posterior import Denoiser, Posterior


class Dynamics(Protocol):
    """One dynamics: a module such as `samplers.langevin`, with the functions init and step.

    A state is a named tuple with at least the copies `y`, an info one with at least the `posterior` that the step has
    found for the state before it.
    """

    def init(self, y: Tensor) -> Any:
        """Return the state that begins at the copies `y` with shape (B, k, *event)."""
        ...

    def step(self, state: Any, denoiser: Denoiser, sigma: float, epsilon: float, noise: Tensor) -> tuple[Any, Any]:
        """Return the next state, and what the step has found out."""
        ...


class Moment(NamedTuple):
    """The chains after some number of steps.

    Attributes:
        step: Steps done, 0 at the start.
        level: Index of the noise level, from 0. A state between two levels belongs to the one that comes.
        sigma: Noise of one copy at that level.
        y: The copies with shape (B, k, *event); never changed afterwards.
        posterior: The posterior of the copies at that noise.
    """

    step: int
    level: int
    sigma: float
    y: Tensor
    posterior: Posterior


def gaussian_start(streams: ChainStreams, mean: Tensor, std: float, sigma: float) -> Tensor:
    """Begin chains from a Gaussian as wide as the data, with noise of its own on each copy.

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


def uniform_start(streams: ChainStreams, half_width: float, sigma: float) -> Tensor:
    """Begin chains uniformly in a box, with noise of its own on each copy.

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
    ladder: Sequence[float],
    steps_per_level: int,
    step_ratio: float,
    streams: ChainStreams,
) -> Iterator[Moment]:
    """Walk all chains down a ladder.

    Args:
        dynamics: Which step to take.
        denoiser: Gives the posterior of the copies.
        y: Where the chains begin, with shape (B, k, *event).
        ladder: Noise σ_i of one copy at each level, first to last.
        steps_per_level: Steps T at each level.
        step_ratio: r = α_i/σ_i², the same at every level.
        streams: Random numbers of shape (k, *event) per chain.

    Yields:
        Every state with its posterior, the start first and the end last: L T + 1 moments for as many evaluations of
        the denoiser.
    """
    state = dynamics.init(y)
    count = 0
    for level, sigma in enumerate(ladder):
        epsilon = step_ratio * sigma**2
        for _ in range(steps_per_level):
            y = state.y
            state, info = dynamics.step(state, denoiser, sigma, epsilon, streams.normal())
            yield Moment(count, level, sigma, y, info.posterior)
            count += 1
    yield Moment(count, level, sigma, state.y, denoiser(state.y, sigma))
