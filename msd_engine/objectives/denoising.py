"""Denoising score matching ½ E λ‖s(ȳ) − (x − ȳ)/σ_eff²‖² with λ = σ_eff² (Vincent 2011; NCSN, arXiv:1907.05600).

With noises from a ladder it is the objective of NCSN; with a single noise, that of a smoothed density.
"""

from __future__ import annotations

from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.objectives.objective import Given, Losses
from msd_engine.objectives.scores import dot, losses, scaled, variance


def loss(denoiser: LearnedDenoiser, x: Tensor, y: Tensor, sigma: Tensor, _given: Given) -> Losses:
    """Return the losses of a batch, as `Objective.loss`, without random numbers."""
    score = denoiser.score(y, sigma)
    off = score - scaled(1 / variance(sigma, y), x - y.mean(dim=1))
    return losses(x, y, sigma, score, dot(off, off) / 2)
