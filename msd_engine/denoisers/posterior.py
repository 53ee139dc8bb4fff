"""What a denoiser gives: the posterior of the clean datum given its k noisy copies (theory §2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from torch import Tensor


class Posterior:
    """The posterior mean x̂ = E[x given y_1..y_k] and the score of the joint noisy density.

    The score may be given as a function that is evaluated when it is first asked for: a Langevin step needs x̂ alone.

    Attributes:
        mean: x̂ with shape (B, *event).
    """

    __slots__ = ("_score", "mean")

    def __init__(self, mean: Tensor, score: Tensor | Callable[[], Tensor]) -> None:
        """Keep the mean and the score, or the recipe for the score.

        Args:
            mean: x̂ with shape (B, *event).
            score: ∂ log P(y_1..y_k)/∂y_i with shape (B, k, *event), or a function that returns it.
        """
        self.mean = mean
        self._score = score

    @property
    def score(self) -> Tensor:
        """The score ∂ log P(y_1..y_k)/∂y_i with shape (B, k, *event)."""
        if not isinstance(self._score, Tensor):
            self._score = self._score()
        return self._score


class Denoiser(Protocol):
    """Anything that estimates x from k noisy copies."""

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the posterior of x.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy, a number or a tensor with shape (B,).

        Returns:
            The posterior, in the dtype and on the device of `y`.
        """
        ...


class Noise(Protocol):
    """Where random numbers come from, such as `ChainStreams`."""

    def normal(self) -> Tensor:
        """Return the next standard normal numbers with shape (B, k, *event)."""
        ...

    def uniform(self) -> Tensor:
        """Return the next numbers uniform in [0, 1) with shape (B, k, *event)."""
        ...


@runtime_checkable
class PosteriorSampler(Denoiser, Protocol):
    """A denoiser that can also draw x from its posterior."""

    def draw(self, y: Tensor, sigma: float, noise: Noise) -> Tensor:
        """Draw x given its copies.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy.
            noise: Gives the random numbers; what it needs of each chain it takes from that chain's numbers.

        Returns:
            x with shape (B, *event), in the dtype and on the device of `y`.
        """
        ...


def tweedie(mean: Tensor, y: Tensor, sigma: float | Tensor) -> Tensor:
    """Return the joint score from the posterior mean, by the multi-sample form of Tweedie's formula.

    Args:
        mean: x̂ with shape (B, *event).
        y: The copies with shape (B, k, *event).
        sigma: Noise of one copy, a number or a tensor with shape (B,).

    Returns:
        (x̂ − y_i)/σ² with shape (B, k, *event).
    """
    return (mean.unsqueeze(1) - y) / per_chain(sigma, y) ** 2


def per_chain(sigma: float | Tensor, y: Tensor) -> float | Tensor:
    """Shape the noise so that it broadcasts over `y`.

    Args:
        sigma: A number, or a tensor with shape (B,).
        y: What it is to broadcast over, with shape (B, ...).

    Returns:
        The number, or a tensor with shape (B, 1, ...) like `y` in dtype and device.
    """
    return sigma.to(y).reshape(-1, *(1 for _ in y.shape[1:])) if isinstance(sigma, Tensor) else sigma
