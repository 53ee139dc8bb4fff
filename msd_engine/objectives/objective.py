"""Interface of training objectives."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser

Draw = Callable[[tuple[int, ...]], Tensor]
"""Draws standard normal numbers (B, *shape), float32, for a shape per datum, on the device without the host; repeated
calls within a step return the same numbers."""


ExactScore = Callable[[Tensor, Tensor], Tensor]
"""Maps points ȳ with shape (B, *event) and noises σ_eff with shape (B,) to the exact score of ȳ with shape (B, *event),
on the device without the host."""


class Given(NamedTuple):
    """What a loss may use beside the data.

    Attributes:
        draw: Source of random numbers for the objective itself.
        exact: The exact score; None for images.
    """

    draw: Draw
    exact: ExactScore | None = None


class Losses(NamedTuple):
    """The losses of a batch.

    Attributes:
        descended: Loss of each datum for the optimiser, with shape (B,), summed over the datum.
        reported: Loss of each datum for the loss curve, such as ‖x̂ − x‖², with shape (B,).
    """

    descended: Tensor
    reported: Tensor


@runtime_checkable
class Objective(Protocol):
    """Interface of an objective module such as `objectives.mse`."""

    def loss(self, denoiser: LearnedDenoiser, x: Tensor, y: Tensor, sigma: Tensor, given: Given) -> Losses:
        """Return the losses of a batch without synchronising with the device, which may record the step.

        Args:
            denoiser: The denoiser in training.
            x: Clean data with shape (B, *event).
            y: Their copies with shape (B, k, *event).
            sigma: Noise of one copy with shape (B,).
            given: Random numbers and the exact score.
        """
