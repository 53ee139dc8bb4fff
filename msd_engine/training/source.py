"""Training data: each step's batch is a function of the seed and the step number alone.

So a resumed run gets the data of an uninterrupted run without a stored order. The data lie on the device at a fixed
address; the host chooses the rows of each step.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from msd_engine.data.images import ImageSet
from msd_engine.denoisers.target import Target
from msd_engine.noise.space import Isotropic, Space
from msd_engine.training.chance import Chance, Step

_BLOCK_STEPS = 64


def stream(seed: int, *key: int) -> torch.Generator:
    """Return an independent CPU generator for each seed and key."""
    words = np.random.SeedSequence(seed, spawn_key=key).generate_state(1)
    return torch.Generator().manual_seed(int(words[0]))


class Source(Protocol):
    """Interface of sources of batches."""

    def rows(self, step: int) -> Tensor:
        """Load the data of a step, from 0, on the device; return the indices of the whole batch, int64, on the CPU."""

    def take(self, rows: Tensor, step: Step) -> Tensor:
        """Return the clean data (B, *event), float32, of a step, on the device, for its indices on the device."""


class PointSource:
    """Fresh draws from a target at every step, in blocks because small draws cost as much as large ones.

    Args:
        target: The data distribution.
        batch: Data in one step.
        seed: Seed of the run.
        device: Device of the data.
    """

    def __init__(self, target: Target, batch: int, seed: int, device: torch.device) -> None:
        self._target = target
        self._batch = batch
        self._seed = seed
        self._number = -1
        self._block = torch.zeros(_BLOCK_STEPS * batch, *target.shape, device=device)
        self._places = torch.arange(batch)

    def rows(self, step: int) -> Tensor:
        """Return the indices of a step in its block, which is drawn if necessary."""
        number, row = divmod(step, _BLOCK_STEPS)
        if number != self._number:
            x = self._target.sample(len(self._block), stream(self._seed, 1, number)).float()
            # The copy is queued after pending steps, which still use the previous block.
            self._block.copy_(x.pin_memory() if self._block.is_cuda else x, non_blocking=self._block.is_cuda)
            self._number = number
        return self._places + row * self._batch

    def take(self, rows: Tensor, step: Step) -> Tensor:
        """Return the clean data of a step, with shape (B, d)."""
        del step
        return self._block.index_select(0, rows)


class ImageSource:
    """Images in a new random order at every pass.

    Args:
        images: The images as bytes, with shape (n, C, H, W).
        batch: Data in one step.
        seed: Seed of the run.
        device: Device of the data, which stores the images as bytes.
        flips: Mirror each image horizontally with probability ½.
        space: Coordinates in which the noise is white; None for those of the images.
        part: Rows of the batch that are taken; None for all.
    """

    def __init__(
        self,
        images: Tensor,
        batch: int,
        seed: int,
        device: torch.device,
        *,
        flips: bool = False,
        space: Space | None = None,
        part: range | None = None,
    ) -> None:
        self._images = images.to(device)
        self._batch = batch
        self._seed = seed
        self._chance = Chance(seed, batch, device, part) if flips else None
        self._space = space or Isotropic()
        self._passes: dict[int, Tensor] = {}

    def rows(self, step: int) -> Tensor:
        """Return the image indices of a step."""
        start, end = step * self._batch, (step + 1) * self._batch
        count = len(self._images)
        parts: list[Tensor] = []
        while start < end:
            number, offset = divmod(start, count)
            part = self._order(number)[offset : offset + end - start]
            parts.append(part)
            start += len(part)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def take(self, rows: Tensor, step: Step) -> Tensor:
        """Return the clean data of a step, with shape (B, C, H, W): images in [-1, 1], encoded."""
        chosen = self._images.index_select(0, rows)
        if self._chance is not None:
            coins = self._chance.flips(step)
            chosen = torch.where(coins.view(-1, 1, 1, 1), chosen.flip(-1), chosen)
        return self._space.encode(ImageSet.to_data(chosen))

    def _order(self, number: int) -> Tensor:
        if number not in self._passes:
            order = torch.randperm(len(self._images), generator=stream(self._seed, 1, number))
            self._passes = {number: order}
        return self._passes[number]
