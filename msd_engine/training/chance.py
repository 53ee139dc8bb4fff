"""What chance decides in a training step, as a function of the training's seed, the step and the place in the batch.

Nothing is stored between the steps, and every device draws the same numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.backend.counter import Law, Rows, Stream

Step = int | Tensor
"""Number of a step, from 0; or, where the device is to read it when it draws, int64 with shape (1,)."""

# Seeds end below this bit: with it they give other numbers.
_EXTRA = 1 << 32


class Chance:
    """Draws the numbers of a step.

    Args:
        seed: Seed of the training.
        batch: Data in one step.
        device: Where the numbers are needed.
    """

    def __init__(self, seed: int, batch: int, device: torch.device) -> None:
        self._seed = seed
        self._rows = Rows(range(batch), device)

    def sigma(self, law: Law, step: Step) -> Tensor:
        """Draw a number for the noise of each datum.

        Args:
            law: What it follows.
            step: Number of the step.

        Returns:
            Numbers with shape (B,), float32.
        """
        return self._rows.draw(law, self._seed, Stream.TRAINING_SIGMA, step, 1).flatten()

    def noise(self, shape: tuple[int, ...], step: Step) -> Tensor:
        """Draw standard normal noise for each datum.

        Args:
            shape: Shape of the noise of one datum.
            step: Number of the step.

        Returns:
            Noise with shape (B, *shape), float32, which the caller may change.
        """
        drawn = self._rows.draw("normal", self._seed, Stream.TRAINING_NOISE, step, math.prod(shape))
        return drawn.view(-1, *shape)

    def extra(self, shape: tuple[int, ...], step: Step) -> Tensor:
        """Draw standard normal numbers for an objective that needs some of its own.

        Args:
            shape: Shape of the numbers of one datum.
            step: Number of the step.

        Returns:
            Numbers with shape (B, *shape), float32.
        """
        drawn = self._rows.draw("normal", self._seed | _EXTRA, Stream.TRAINING_NOISE, step, math.prod(shape))
        return drawn.view(-1, *shape)

    def flips(self, step: Step) -> Tensor:
        """Toss a coin for each datum.

        Args:
            step: Number of the step.

        Returns:
            With shape (B,), bool.
        """
        return self._rows.draw("uniform", self._seed, Stream.TRAINING_FLIPS, step, 1).flatten() < 0.5
