"""Sliced score matching along directions evenly distributed on the sphere of radius √d, for which E vvᵀ = I."""

from __future__ import annotations

import math

from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.objectives.objective import Given, Losses
from msd_engine.objectives.scores import dot, scaled
from msd_engine.objectives.sliced import loss_along


def loss(denoiser: LearnedDenoiser, x: Tensor, y: Tensor, sigma: Tensor, given: Given) -> Losses:
    """Return the losses of a batch, as `Objective.loss`."""
    normal = given.draw(tuple(x.shape[1:]))
    radius = math.sqrt(normal[0].numel())
    v = scaled(radius / dot(normal, normal).sqrt(), normal)
    return loss_along(v, denoiser, x, y, sigma)
