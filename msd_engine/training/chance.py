"""Random numbers of a training step, as a function of the seed, the step and the index in the batch.

No state is kept between steps, and every device draws the same numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.backend.counter import Law, Rows, Stream

Step = int | Tensor
"""Number of a step, from 0; or a tensor, int64 with shape (1,), that the device reads when it draws."""

# Seeds are below this bit, which selects an independent stream.
_EXTRA = 1 << 32


class Chance:
    """Random numbers of the steps.

    Args:
        seed: Seed of the training.
        batch: Data in one step.
        device: Device of the numbers.
        part: Rows of the batch to draw for, B of them; None for all.
    """

    def __init__(self, seed: int, batch: int, device: torch.device, part: range | None = None) -> None:
        self._seed = seed
        self._rows = Rows(part or range(batch), device)

    def sigma(self, law: Law, step: Step) -> Tensor:
        """Draw a number (B,), float32, for the noise level of each datum, with a given law."""
        return self._rows.draw(law, self._seed, Stream.TRAINING_SIGMA, step, 1).flatten()

    def noise(self, shape: tuple[int, ...], step: Step) -> Tensor:
        """Draw standard normal noise (B, *shape), float32, which the caller may modify."""
        drawn = self._rows.draw("normal", self._seed, Stream.TRAINING_NOISE, step, math.prod(shape))
        return drawn.view(-1, *shape)

    def extra(self, shape: tuple[int, ...], step: Step) -> Tensor:
        """Draw standard normal numbers (B, *shape), float32, for the objective itself."""
        drawn = self._rows.draw("normal", self._seed | _EXTRA, Stream.TRAINING_NOISE, step, math.prod(shape))
        return drawn.view(-1, *shape)

    def flips(self, step: Step) -> Tensor:
        """Draw a fair coin for each datum, with shape (B,), bool."""
        return self._rows.draw("uniform", self._seed, Stream.TRAINING_FLIPS, step, 1).flatten() < 0.5
