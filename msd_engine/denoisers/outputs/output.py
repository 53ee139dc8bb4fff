"""What the output of a network stands for: how it becomes the posterior mean, and how errors then weigh over σ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from msd_engine.noise.process import Process

Network = Callable[[Tensor, Tensor], Tensor]
"""y with shape (B, k, *event) and the noise coordinate c with shape (B,) to the output with shape (B, *event)."""


class Known(NamedTuple):
    """What is known beside the copies and their noise.

    Attributes:
        k: Number of copies.
        sigma_data: Standard deviation σ_d of the data about their mean, over all coordinates, with shape ().
        data_mean: Mean m of the data with shape (*event).
        process: Forward process, for a time coordinate.
        sees_mean: The network joins the copies to ȳ before anything else.
    """

    k: int
    sigma_data: Tensor
    data_mean: Tensor
    process: Process
    sees_mean: bool


@dataclass(frozen=True)
class Output:
    """What the output of a network stands for.

    Attributes:
        estimate: From the network, y with shape (B, k, *event) and σ with shape (B,), both float32, to x̂ with shape
            (B, *event), differentiable.
        weight: From σ with shape (B,) to the weight of a squared error of x̂ in the objective, with the same shape.
        feature_scale: Standard deviation of the frequencies of the noise features, by the range of the coordinate c.
    """

    estimate: Callable[[Network, Tensor, Tensor, Known], Tensor]
    weight: Callable[[Tensor, Known], Tensor]
    feature_scale: float
