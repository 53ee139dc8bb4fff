"""Schedules of chains over a ladder: the noise before and after each step (theory §2 and §3, fact 9).

*Standing*: T steps at every level σ_i; the noise jumps between two steps (chained Langevin dynamics). The last step of
a level knows the next level, for dynamics that use it. *Gliding*: T steps from every level to the next, equal in ln σ,
so that the noise falls at each step (flows). The ratio r = ε/σ² of a step is the same at every level.

Chains that swell have more noise than their level. Steps take ε from the noise of the level, and the denoiser gets the
noise of the state: the actual one, by the recursion of the sampler (`residuals`), or else that of the level.

Also the interface of dynamics, and the state and info of those that carry only the copies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, pairwise, repeat
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from msd_engine.denoisers.posterior import Noise, Posterior
from msd_engine.specs.tables.samplers import ChosenSampler

_USUAL = ChosenSampler()

# Bounds of the actual noise: chains beyond 1e6 data units are lost (`events.sampling.LOST`), and oscillators of low
# friction pass through 0 together.
_MOST, _LEAST_SHARE = 1e6, 1e-3
# Of the gain of the adaptation; between ½ and 1 it converges (Robbins and Monro 1951).
_DECAY = 0.6


class Stage(NamedTuple):
    """Parameters of one step.

    Attributes:
        level: Index of the noise level, from 0.
        sigma: Noise σ of one copy before the step.
        next_sigma: Noise of one copy at the next step; equal to `sigma` except at the end of a level.
        step_ratio: r = ε/σ².
        own: The sampler with its own fields, such as a friction.
        actual: Actual noise of one copy before and after the step; None for that of the schedule.
        within: Number of the step in its level, and steps of the level, for samplers that move copies in turn.
        gain: Gain with which chains adapt their steps in the warm-up of the level; None after it.
    """

    level: int
    sigma: float
    next_sigma: float
    step_ratio: float = 0.0
    own: ChosenSampler = _USUAL
    actual: tuple[float, float] | None = None
    within: tuple[int, int] = (0, 1)
    gain: float | None = None

    @property
    def noise(self) -> float:
        """Noise of one copy that the denoiser gets before the step."""
        return self.sigma if self.actual is None else self.actual[0]

    @property
    def next_noise(self) -> float:
        """Noise of one copy that the denoiser gets after the step."""
        return self.next_sigma if self.actual is None else self.actual[1]

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
        residuals: Maps this schedule to the actual variance of the noise of one copy before each step and after the
            last one (`samplers.laws.Law.residuals`); None gives the denoiser the noise of the schedule.
        begins: Actual noise of one copy at the start; 0 for that of the first level.
    """

    ladder: tuple[float, ...]
    steps_per_level: int
    step_ratio: float = 0.0
    own: ChosenSampler = _USUAL
    glides: bool = False
    residuals: Callable[[Descent], Iterator[float]] | None = None
    begins: float = 0.0

    def __len__(self) -> int:
        """Return the number of steps."""
        return self.steps_per_level * (len(self.ladder) - self.glides)

    @property
    def warm_up(self) -> int:
        """Number of the first steps of each level in which chains adapt their steps."""
        return int(self.own.warm_up * self.steps_per_level) if "warm_up" in self.own.traits.own else 0

    @property
    def start_variance(self) -> float:
        """Actual variance of the noise of one copy at the start."""
        return (self.begins or self.ladder[0]) ** 2

    def stages(self, first: int = 0) -> Iterator[Stage]:
        """Iterate over the steps from number `first`."""
        if self.residuals is None:
            return self.schedule(first)
        steps = zip(self.schedule(first), pairwise(self.noises(first)), strict=True)
        return (stage._replace(actual=noise) for stage, noise in steps)

    def noises(self, first: int = 0) -> Iterator[float]:
        """Iterate over the noise that the denoiser gets before each step from number `first`, and after the last."""
        if self.glides:
            scheduled = chain((stage.sigma for stage in self.schedule(first)), self.ladder[-1:])
        else:
            level, done = divmod(first, self.steps_per_level)
            counts = chain((self.steps_per_level - done,), repeat(self.steps_per_level))
            scheduled = chain(chain.from_iterable(map(repeat, self.ladder[level:], counts)), self.ladder[-1:])
        if self.residuals is None:
            return scheduled
        actual = islice(self.residuals(self), first, None)
        return (
            min(max(math.sqrt(variance), _LEAST_SHARE * sigma), _MOST)
            for sigma, variance in zip(scheduled, actual, strict=True)
        )

    def schedule(self, first: int = 0) -> Iterator[Stage]:
        """Iterate over the steps from number `first`, without the actual noise."""
        level, done = divmod(first, self.steps_per_level)
        while level < len(self.ladder) - self.glides:
            yield from self._gliding(level, done) if self.glides else self._standing(level, done)
            level, done = level + 1, 0

    def _standing(self, level: int, done: int) -> Iterator[Stage]:
        sigma = self.ladder[level]
        below = self.ladder[min(level + 1, len(self.ladder) - 1)]
        stage = Stage(level, sigma, sigma, self.step_ratio, self.own)
        if self.own.traits.in_turn:
            for step in range(done, self.steps_per_level):
                last = step == self.steps_per_level - 1
                yield stage._replace(within=(step, self.steps_per_level), next_sigma=below if last else sigma)
            return
        warm_up = self.warm_up
        for step in range(done, warm_up):
            yield stage._replace(gain=self._gain(level, step))
        for _ in range(max(done, warm_up), self.steps_per_level - 1):
            yield stage
        yield stage._replace(next_sigma=below)

    def _gain(self, level: int, step: int) -> float:
        """Return 0 while a chain forgets the noise of the level before, then a gain that falls from level to level."""
        half = self.warm_up // 2
        return 0.0 if step < half else (level * (self.warm_up - half) + step - half + 1) ** -_DECAY

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


class Tried(NamedTuple):
    """Outcome of the proposals of a step.

    Attributes:
        accepted: Which chains accepted theirs, with shape (B,).
        step_ratio: r of each chain, with shape (B,).
        proposed: The proposals, with the shape of the copies.
    """

    accepted: Tensor
    step_ratio: Tensor
    proposed: Tensor


def init(y: Tensor) -> State:
    """Return the initial state for copies `y` with shape (B, k, *event)."""
    return State(y)


class Dynamics(Protocol):
    """Interface of a dynamics module such as `samplers.langevin`.

    A state is a named tuple of tensors, the copies `y` first; those of samplers of images have the shape of the copies.
    An info is a named tuple with at least the `posterior` of the state before the step, and with `tried` where the
    sampler tests proposals.
    """

    def init(self, y: Tensor) -> Any:
        """Return the initial state for copies `y` with shape (B, k, *event)."""

    def step(self, state: Any, denoiser: Any, stage: Stage, noise: Noise) -> tuple[Any, Any]:
        """Move all chains by one step.

        Args:
            state: Current state, which is not modified.
            denoiser: A `Denoiser`; a `PosteriorSampler` or a `JointDensity` where the dynamics needs one.
            stage: Noise of one copy before and after the step, step ratio and own fields.
            noise: Source of independent random numbers with the shape of the copies.

        Returns:
            The next state and the by-products of the step.
        """
