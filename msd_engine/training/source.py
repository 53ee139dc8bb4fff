"""Where training takes its data from: each step's batch follows from the seed and the step number alone.

So a run that goes on from a checkpoint sees the very data that an uninterrupted run sees, without storing an order.
The data lie on the device, always at the same place; the host says which of them a step sees.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from msd_engine.data.images import ImageSet
from msd_engine.denoisers.target import Target
from msd_engine.training.chance import Chance, Step

_BLOCK_STEPS = 64


def stream(seed: int, *key: int) -> torch.Generator:
    """Return a generator of the CPU of its own for each key.

    Args:
        seed: Seed of the run.
        key: Numbers that name the stream.

    Returns:
        The generator.
    """
    words = np.random.SeedSequence(seed, spawn_key=key).generate_state(1)
    return torch.Generator().manual_seed(int(words[0]))


class Source(Protocol):
    """Gives the batch of a step."""

    def rows(self, step: int) -> Tensor:
        """Return which data a step sees, and see to it that they are on the device.

        Args:
            step: Number of the step, from 0.

        Returns:
            Numbers of the data with shape (B,), int64, on the CPU.
        """
        ...

    def take(self, rows: Tensor, step: Step) -> Tensor:
        """Return the clean data of a step.

        Args:
            rows: What `rows` has returned, on the device.
            step: Number of the step.

        Returns:
            x with shape (B, *event), float32, on the device.
        """
        ...


class PointSource:
    """Fresh draws from a target at every step, made in blocks because small draws cost as much as large ones.

    Args:
        target: The data distribution.
        batch: Data in one step.
        seed: Seed of the run.
        device: Where the data are needed.
    """

    def __init__(self, target: Target, batch: int, seed: int, device: torch.device) -> None:
        self._target = target
        self._batch = batch
        self._seed = seed
        self._number = -1
        self._block = torch.zeros(_BLOCK_STEPS * batch, *target.shape, device=device)
        self._places = torch.arange(batch)

    def rows(self, step: int) -> Tensor:
        """Return which data of the present block a step sees, after drawing the block if need be."""
        number, row = divmod(step, _BLOCK_STEPS)
        if number != self._number:
            x = self._target.sample(len(self._block), stream(self._seed, 1, number)).float()
            # In the order of what the device was given, so that steps on their way still see the block before.
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
        device: Where the data are needed; the images are kept there as bytes.
        flips: Mirror every image, left to right, with even chance.
    """

    def __init__(self, images: Tensor, batch: int, seed: int, device: torch.device, *, flips: bool = False) -> None:
        self._images = images.to(device)
        self._batch = batch
        self._seed = seed
        self._chance = Chance(seed, batch, device) if flips else None
        self._passes: dict[int, Tensor] = {}

    def rows(self, step: int) -> Tensor:
        """Return which images a step sees."""
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
        """Return the clean data of a step, with shape (B, C, H, W), in [-1, 1]."""
        chosen = self._images.index_select(0, rows)
        if self._chance is not None:
            coins = self._chance.flips(step)
            chosen = torch.where(coins.view(-1, 1, 1, 1), chosen.flip(-1), chosen)
        return ImageSet.to_data(chosen)

    def _order(self, number: int) -> Tensor:
        if number not in self._passes:
            order = torch.randperm(len(self._images), generator=stream(self._seed, 1, number))
            self._passes = {number: order}
        return self._passes[number]
