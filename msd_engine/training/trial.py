"""A little of the work of a training, to be timed before it begins."""

from __future__ import annotations

import copy

import torch

from msd_engine.denoisers.learned import LearnedDenoiser


class Trial:
    """The network's way forward and backward on noise.

    Args:
        denoiser: The denoiser that will be trained; it is left as it is.
        count: How many data at once.
    """

    def __init__(self, denoiser: LearnedDenoiser, count: int) -> None:
        self.denoiser = copy.deepcopy(denoiser)
        event = tuple(denoiser.data_mean.shape)
        self._y = torch.randn((count, denoiser.k, *event), generator=torch.Generator().manual_seed(0))
        self._sigma = torch.ones(count)

    def __call__(self) -> None:
        """Do the work once."""
        loss = self.denoiser.estimate(self._y, self._sigma).square().mean()
        torch.autograd.backward(loss)
