"""Meaning of a network's output: its map to the posterior mean, and the weight of errors over σ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

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


@dataclass(frozen=True)
class Output:
    """Meaning of a network's output.

    Attributes:
        estimate: Maps the network, y with shape (B, k, *event) and σ with shape (B,), both float32, to x̂ with shape
            (B, *event), differentiable.
        weight: Maps σ with shape (B,) to the weight of a squared error of x̂ in the objective, with the same shape.
        feature_scale: Standard deviation of the frequencies of the noise features, for the range of the coordinate c.
    """

    estimate: Callable[[Network, Tensor, Tensor, Known], Tensor]
    weight: Callable[[Tensor, Known], Tensor]
    feature_scale: float
