"""A sample of the work of a training, for timing."""

from __future__ import annotations

import copy

import torch

from msd_engine.denoisers.learned import LearnedDenoiser


class Trial:
    """Forward and backward pass of the network on noise.

    Args:
        denoiser: The denoiser to be trained, which is not modified.
        count: Batch size.
    """

    def __init__(self, denoiser: LearnedDenoiser, count: int) -> None:
        self.denoiser = copy.deepcopy(denoiser)
        event = tuple(denoiser.data_mean.shape)
        self._y = torch.randn((count, denoiser.k, *event), generator=torch.Generator().manual_seed(0))
        self._sigma = torch.ones(count)

    def __call__(self) -> None:
        """Run both passes once."""
        loss = self.denoiser.estimate(self._y, self._sigma).square().mean()
        torch.autograd.backward(loss)
