"""Where training takes its data from: each step's batch follows from the seed and the step number alone.

So a run that goes on from a checkpoint sees the very data that an uninterrupted run sees, without storing an order.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from msd_engine.data.images import ImageSet
from msd_engine.data.mixture import GaussianMixture

_BLOCK_STEPS = 64
# Streams of a run beside those of the data order.
_FLIPS = 4


def stream(seed: int, *key: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a generator of its own for each key.

    Args:
        seed: Seed of the run.
        key: Numbers that name the stream.
        device: Where it draws.

    Returns:
        The generator.
    """
    words = np.random.SeedSequence(seed, spawn_key=key).generate_state(1)
    return torch.Generator(device).manual_seed(int(words[0]))


class Source(Protocol):
    """Gives the batch of a step."""

    def batch(self, step: int) -> Tensor:
        """Return the clean data of one step.

        Args:
            step: Number of the step, from 0.

        Returns:
            x with shape (B, *event), float32.
        """
        ...


class PointSource:
    """Fresh draws from a mixture at every step, made in blocks because small draws cost as much as large ones.

    Args:
        mixture: The data distribution.
        batch: Data in one step.
        seed: Seed of the run.
        device: Where the data are needed.
    """

    def __init__(self, mixture: GaussianMixture, batch: int, seed: int, device: torch.device) -> None:
        self._mixture = mixture
        self._batch = batch
        self._seed = seed
        self._device = device
        self._number = -1
        self._block = torch.empty(0)

    def batch(self, step: int) -> Tensor:
        """Return the clean data of one step, with shape (B, d)."""
        number, row = divmod(step, _BLOCK_STEPS)
        if number != self._number:
            x = self._mixture.sample(_BLOCK_STEPS * self._batch, stream(self._seed, 1, number))
            self._block = x.float().reshape(_BLOCK_STEPS, self._batch, -1).to(self._device)
            self._number = number
        return self._block[row]


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
        self._device = device
        self._flips = flips
        self._passes: dict[int, Tensor] = {}

    def batch(self, step: int) -> Tensor:
        """Return the clean data of one step, with shape (B, C, H, W), in [-1, 1]."""
        chosen = self._images.index_select(0, self.indices(step))
        if self._flips:
            coins = torch.rand(len(chosen), generator=stream(self._seed, _FLIPS, step)) < 0.5
            chosen = torch.where(coins.to(self._device).view(-1, 1, 1, 1), chosen.flip(-1), chosen)
        return ImageSet.to_data(chosen)

    def indices(self, step: int) -> Tensor:
        """Return which images a step sees.

        Args:
            step: Number of the step, from 0.

        Returns:
            Indices with shape (B,), int64.
        """
        start, end = step * self._batch, (step + 1) * self._batch
        count = len(self._images)
        parts: list[Tensor] = []
        while start < end:
            number, offset = divmod(start, count)
            part = self._order(number)[offset : offset + end - start]
            parts.append(part)
            start += len(part)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _order(self, number: int) -> Tensor:
        if number not in self._passes:
            order = torch.randperm(len(self._images), generator=stream(self._seed, 1, number))
            self._passes = {number: order.to(self._device)}
        return self._passes[number]
