"""The way of chains down a ladder, step by step: which noise a step meets, and which noise it leaves (theory §2).

Two ways are known. *Standing*: T steps at every level σ_i, the jump to the next level lying between two steps (chained
Langevin dynamics; the last step of a level knows the next level, for dynamics that use it). *Gliding*: T steps on the
way from every level to the next, equal in ln σ, so that the noise falls at each of them (flows). A step of
any dynamics has the same ratio r = ε/σ² at every level.

Beside it the state of dynamics that know nothing but where the copies are, and what a step of them finds out.
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
    """All that one step must know beside the state.

    Attributes:
        level: Index of the noise level, from 0.
        sigma: Noise σ of one copy before the step.
        next_sigma: Noise of one copy that the next step meets; `sigma` itself but at the end of a level.
        step_ratio: r = ε/σ².
        own: The sampler with the fields that it alone may have, such as a friction.
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
    """A whole way down a ladder.

    Attributes:
        ladder: Noise σ_i of one copy at each level, first to last.
        steps_per_level: Steps T at each level, or from each level to the next.
        step_ratio: r = ε/σ², the same at every level.
        own: The sampler with the fields that it alone may have, such as a friction.
        glides: Whether the noise falls at every step.
    """

    ladder: tuple[float, ...]
    steps_per_level: int
    step_ratio: float = 0.0
    own: ChosenSampler = _USUAL
    glides: bool = False

    def __len__(self) -> int:
        """Number of steps."""
        return self.steps_per_level * (len(self.ladder) - self.glides)

    def stages(self, first: int = 0) -> Iterator[Stage]:
        """Go through the steps in order.

        Args:
            first: Number of steps to leave out, for chains that begin on the way.

        Yields:
            One stage for each step.
        """
        level, done = divmod(first, self.steps_per_level)
        while level < len(self.ladder) - self.glides:
            yield from self._slope(level, done) if self.glides else self._plateau(level, done)
            level, done = level + 1, 0

    def _plateau(self, level: int, done: int) -> Iterator[Stage]:
        sigma = self.ladder[level]
        below = self.ladder[min(level + 1, len(self.ladder) - 1)]
        stage = Stage(level, sigma, sigma, self.step_ratio, self.own)
        for _ in range(done, self.steps_per_level - 1):
            yield stage
        yield stage._replace(next_sigma=below)

    def _slope(self, level: int, done: int) -> Iterator[Stage]:
        top, bottom, steps = self.ladder[level], self.ladder[level + 1], self.steps_per_level

        def at(step: int) -> float:
            return bottom if step == steps else top * (bottom / top) ** (step / steps)

        for step in range(done, steps):
            yield Stage(level, at(step), at(step + 1), self.step_ratio, self.own)


class State(NamedTuple):
    """Where the chains are.

    Attributes:
        y: The copies with shape (B, k, *event).
    """

    y: Tensor


class Info(NamedTuple):
    """What a step found out on the way.

    Attributes:
        posterior: The posterior at the state before the step.
    """

    posterior: Posterior


def init(y: Tensor) -> State:
    """Begin at given copies.

    Args:
        y: The copies with shape (B, k, *event).

    Returns:
        The state before any step.
    """
    return State(y)


class Dynamics(Protocol):
    """One dynamics: a module such as `samplers.langevin`, with the functions init and step.

    A state is a named tuple of tensors with the shape of the copies, the copies `y` first; an info one with at least
    the `posterior` that the step has found for the state before it.
    """

    def init(self, y: Tensor) -> Any:
        """Return the state that begins at the copies `y` with shape (B, k, *event)."""
        ...

    def step(self, state: Any, denoiser: Any, stage: Stage, noise: Noise) -> tuple[Any, Any]:
        """Return the next state, and what the step has found out; `denoiser` is a `Denoiser`, or more."""
        ...
