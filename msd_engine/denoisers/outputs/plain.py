"""The report's plain form: the network gives x̂ = F(y_1..y_k, t) itself, with t = time(σ); all σ weigh alike."""

from __future__ import annotations

import torch
from torch import Tensor

from msd_engine.denoisers.outputs.output import Known, Network, Output


def _estimate(network: Network, y: Tensor, sigma: Tensor, known: Known) -> Tensor:
    return network(y, known.process.time(sigma))


def _weight(sigma: Tensor, known: Known) -> Tensor:
    del known
    return torch.ones_like(sigma)


# The coordinate t has all noises in [0, 1].
OUTPUT = Output(_estimate, _weight, feature_scale=16.0)
