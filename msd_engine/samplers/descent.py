"""Schedules of chains over a ladder: the noise before and after each step (theory §2).

*Standing*: T steps at every level σ_i; the noise jumps between two steps (chained Langevin dynamics). The last step of
a level knows the next level, for dynamics that use it. *Gliding*: T steps from every level to the next, equal in ln σ,
so that the noise falls at each step (flows). The ratio r = ε/σ² of a step is the same at every level.

Also the interface of dynamics, and the state and info of those that carry only the copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from msd_engine.denoisers.posterior import Noise, Posterior
from msd_engine.specs.tables.samplers import ChosenSampler

_USUAL = ChosenSampler()


class Stage(NamedTuple):
    """Parameters of one step.

    Attributes:
        level: Index of the noise level, from 0.
        sigma: Noise σ of one copy before the step.
        next_sigma: Noise of one copy at the next step; equal to `sigma` except at the end of a level.
        step_ratio: r = ε/σ².
        own: The sampler with its own fields, such as a friction.
    """

    level: int
    sigma: float
    next_sigma: float
    step_ratio: float = 0.0
    own: ChosenSampler = _USUAL

    @property
    def epsilon(self) -> float:
        """Step size ε = r σ² at this noise."""
        return self.step_ratio * self.sigma**2


@dataclass(frozen=True)
class Descent:
    """A schedule over a whole ladder.

    Attributes:
        ladder: Noise σ_i of one copy at each level, first to last.
        steps_per_level: Steps T at each level, or from each level to the next.
        step_ratio: r = ε/σ², the same at every level.
        own: The sampler with its own fields, such as a friction.
        glides: Whether the noise falls at every step.
    """

    ladder: tuple[float, ...]
    steps_per_level: int
    step_ratio: float = 0.0
    own: ChosenSampler = _USUAL
    glides: bool = False

    def __len__(self) -> int:
        """Return the number of steps."""
        return self.steps_per_level * (len(self.ladder) - self.glides)

    def stages(self, first: int = 0) -> Iterator[Stage]:
        """Iterate over the steps from number `first`."""
        level, done = divmod(first, self.steps_per_level)
        while level < len(self.ladder) - self.glides:
            yield from self._gliding(level, done) if self.glides else self._standing(level, done)
            level, done = level + 1, 0

    def _standing(self, level: int, done: int) -> Iterator[Stage]:
        sigma = self.ladder[level]
        below = self.ladder[min(level + 1, len(self.ladder) - 1)]
        stage = Stage(level, sigma, sigma, self.step_ratio, self.own)
        for _ in range(done, self.steps_per_level - 1):
            yield stage
        yield stage._replace(next_sigma=below)

    def _gliding(self, level: int, done: int) -> Iterator[Stage]:
        top, bottom, steps = self.ladder[level], self.ladder[level + 1], self.steps_per_level

        def at(step: int) -> float:
            return bottom if step == steps else top * (bottom / top) ** (step / steps)

        for step in range(done, steps):
            yield Stage(level, at(step), at(step + 1), self.step_ratio, self.own)


class State(NamedTuple):
    """State of dynamics that carry only the copies.

    Attributes:
        y: The copies with shape (B, k, *event).
    """

    y: Tensor


class Info(NamedTuple):
    """By-products of a step.

    Attributes:
        posterior: The posterior at the state before the step.
    """

    posterior: Posterior


def init(y: Tensor) -> State:
    """Return the initial state for copies `y` with shape (B, k, *event)."""
    return State(y)


class Dynamics(Protocol):
    """Interface of a dynamics module such as `samplers.langevin`.

    A state is a named tuple of tensors with the shape of the copies, the copies `y` first; an info is a named tuple
    with at least the `posterior` of the state before the step.
    """

    def init(self, y: Tensor) -> Any:
        """Return the initial state for copies `y` with shape (B, k, *event)."""

    def step(self, state: Any, denoiser: Any, stage: Stage, noise: Noise) -> tuple[Any, Any]:
        """Move all chains by one step.

        Args:
            state: Current state, which is not modified.
            denoiser: A `Denoiser`, or a `PosteriorSampler` where the dynamics draws x.
            stage: Noise of one copy before and after the step, step ratio and own fields.
            noise: Source of independent random numbers with the shape of the copies.

        Returns:
            The next state and the by-products of the step.
        """
