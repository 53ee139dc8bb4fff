"""Explicit score matching ½ E λ‖s(ȳ) − ∇log p_{σ_eff}(ȳ)‖², the Fisher divergence, with the exact score of the data."""

from __future__ import annotations

from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.objectives.objective import Given, Losses
from msd_engine.objectives.scores import dot, losses, variance


def loss(denoiser: LearnedDenoiser, x: Tensor, y: Tensor, sigma: Tensor, given: Given) -> Losses:
    """Return the losses of a batch, as `Objective.loss`; `given` must have the exact score."""
    assert given.exact is not None, "Only data with an exact score can be learned from it."
    score = denoiser.score(y, sigma)
    off = score - given.exact(y.mean(dim=1), variance(sigma, y).sqrt())
    return losses(x, y, sigma, score, dot(off, off) / 2)
