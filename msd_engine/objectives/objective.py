"""What training makes small."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser

Draw = Callable[[tuple[int, ...]], Tensor]
"""From the shape of one datum's numbers to standard normal ones with shape (B, *shape), float32, the same at each call
within a step, which the device draws without the host."""


class Losses(NamedTuple):
    """The losses of a batch.

    Attributes:
        descended: What each datum adds to what the optimiser makes small, with shape (B,), summed over the datum.
        reported: What the loss curve shows of each, such as ‖x̂ − x‖², with shape (B,).
    """

    descended: Tensor
    reported: Tensor


@runtime_checkable
class Objective(Protocol):
    """One objective: a module such as `objectives.mse`, with the function loss."""

    def loss(self, denoiser: LearnedDenoiser, x: Tensor, y: Tensor, sigma: Tensor, draw: Draw) -> Losses:
        """Return the losses of a batch; the step may be recorded on the device, so nothing may wait for it.

        Args:
            denoiser: What is trained.
            x: Clean data with shape (B, *event).
            y: Their copies with shape (B, k, *event).
            sigma: Noise of one copy with shape (B,).
            draw: Gives random numbers for the objective itself.
        """
        ...
