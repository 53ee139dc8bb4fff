"""Meaning of a network's output: its map to the posterior mean, and the weight of errors over σ."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from msd_engine.noise.process import Process

Network = Callable[[Tensor, Tensor], Tensor]
"""Maps y with shape (B, k, *event) and the noise coordinate c with shape (B,) to the output with shape (B, *event)."""


class Known(NamedTuple):
    """Constants beside the copies and their noise.

    Attributes:
        k: Number of copies in y.
        trained_k: Number of copies of the experiment of the training, for which a time coordinate is that of σ.
        sigma_data: Standard deviation σ_d of the data about their mean, over all coordinates, with shape ().
        data_mean: Mean m of the data with shape (*event).
        process: Forward process, for a time coordinate.
        sees_mean: The input of the network is scaled for ȳ: c_in is that of one copy at σ_eff.
    """

    k: int
    trained_k: int
    sigma_data: Tensor
    data_mean: Tensor
    process: Process
    sees_mean: bool


Estimate = Callable[[Network, Tensor, Tensor, Known], Tensor]
"""Maps the network, y with shape (B, k, *event) and σ with shape (B,), both float32, to x̂ or to the score of ȳ, with
shape (B, *event), differentiable."""


@dataclass(frozen=True)
class Output:
    """Meaning of a network's output.

    Attributes:
        estimate: Gives x̂.
        weight: Maps σ with shape (B,) to the weight of a squared error of x̂ in the objective, with the same shape.
        feature_scale: Standard deviation of the frequencies of the noise features, for the range of the coordinate c.
        score: Gives the score of ȳ, (x̂ − ȳ)/σ_eff², without cancellation at small noise; None for that formula.
        in_pictures: Whether the network outputs a datum; else its output is in coordinates in which the noise is white.
    """

    estimate: Estimate
    weight: Callable[[Tensor, Known], Tensor]
    feature_scale: float
    score: Estimate | None = None
    in_pictures: bool = False


class Widths(NamedTuple):
    """Widths of noisy data, with shape (B, *ones).

    Attributes:
        sigma: Noise σ of one copy.
        sigma_eff: Noise σ/√k of ȳ.
        total: Variance σ_eff² + σ_d² of ȳ about the data mean, averaged over coordinates.
    """

    sigma: Tensor
    sigma_eff: Tensor
    total: Tensor


def widths(sigma: Tensor, known: Known) -> Widths:
    """Return the widths of data with noise σ (B,) of each copy."""
    wide = sigma.reshape(-1, *(1 for _ in known.data_mean.shape))
    sigma_eff = wide / math.sqrt(known.k)
    return Widths(wide, sigma_eff, sigma_eff.square() + known.sigma_data.square())


def on_scaled(network: Network, y: Tensor, sigma: Tensor, known: Known) -> Tensor:
    """Return F(c_in (y_1 − m)..c_in (y_k − m), ln(σ_eff)/4) with shape (B, *event): of order one at any noise."""
    wide = widths(sigma, known)
    c_in = torch.rsqrt(wide.total if known.sees_mean else wide.sigma.square() + known.sigma_data.square())
    return network((y - known.data_mean) * c_in.unsqueeze(1), torch.log(sigma / math.sqrt(known.k)) / 4)


def of_score(score: Estimate) -> Estimate:
    """Return the estimate x̂ = ȳ + σ_eff² s of a score."""

    def estimate(network: Network, y: Tensor, sigma: Tensor, known: Known) -> Tensor:
        return y.mean(dim=1) + widths(sigma, known).sigma_eff.square() * score(network, y, sigma, known)

    return estimate
