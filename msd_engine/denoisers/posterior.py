"""Interface of denoisers: the posterior of the clean datum given its k noisy copies (theory §2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from torch import Tensor


class Posterior:
    """The posterior mean x̂ = E[x given y_1..y_k] and the score of the joint noisy density.

    Args:
        mean: x̂ with shape (B, *event).
        score: ∂ log P(y_1..y_k)/∂y_i with shape (B, k, *event), or a function that returns it on first access: a
            Langevin step needs only x̂.

    Attributes:
        mean: x̂ with shape (B, *event).
    """

    __slots__ = ("_score", "mean")

    def __init__(self, mean: Tensor, score: Tensor | Callable[[], Tensor]) -> None:
        self.mean = mean
        self._score = score

    @property
    def score(self) -> Tensor:
        """The score ∂ log P(y_1..y_k)/∂y_i with shape (B, k, *event)."""
        if not isinstance(self._score, Tensor):
            self._score = self._score()
        return self._score


class Denoiser(Protocol):
    """Interface of estimators of x from k noisy copies."""

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the posterior of x.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy, positive, a number or a tensor with shape (B,).

        Returns:
            The posterior, in the dtype and on the device of `y`.
        """


class Noise(Protocol):
    """Interface of sources of random numbers, such as `ChainStreams`."""

    def normal(self) -> Tensor:
        """Return the next standard normal numbers with shape (B, k, *event)."""

    def uniform(self) -> Tensor:
        """Return the next numbers uniform in [0, 1) with shape (B, k, *event)."""


@runtime_checkable
class PosteriorSampler(Denoiser, Protocol):
    """A denoiser that can also draw x from its posterior."""

    def draw(self, y: Tensor, sigma: float, noise: Noise) -> Tensor:
        """Draw x given its copies.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy, positive.
            noise: Source of random numbers; each chain uses only its own.

        Returns:
            x with shape (B, *event), in the dtype and on the device of `y`.
        """


@runtime_checkable
class JointDensity(Denoiser, Protocol):
    """A denoiser that also knows the density of the noisy copies."""

    def density(self, y: Tensor, sigma: float) -> tuple[Posterior, Tensor]:
        """Return the posterior of x and the log density of its copies.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy, positive.

        Returns:
            The posterior, and log P(y_1..y_k) with shape (B,), both in the dtype and on the device of `y`.
        """


@runtime_checkable
class CleanScore(Denoiser, Protocol):
    """A denoiser that also knows the score of its data without noise."""

    def clean_score(self, x: Tensor) -> Tensor:
        """Return ∇ log p(x) of data with shape (B, *event), in their dtype and on their device."""


def tweedie(mean: Tensor, y: Tensor, sigma: float | Tensor) -> Tensor:
    """Return the joint score (x̂ − y_i)/σ² with shape (B, k, *event), by the multi-sample form of Tweedie's formula.

    Args:
        mean: x̂ with shape (B, *event).
        y: The copies with shape (B, k, *event).
        sigma: Noise of one copy, a number or a tensor with shape (B,).
    """
    return (mean.unsqueeze(1) - y) / per_chain(sigma, y) ** 2


def per_chain(sigma: float | Tensor, y: Tensor) -> float | Tensor:
    """Reshape noise (B,) to (B, 1, ...), in dtype and device of y (B, ...), to broadcast over it; keep a number."""
    return sigma.to(y).reshape(-1, *(1 for _ in y.shape[1:])) if isinstance(sigma, Tensor) else sigma
