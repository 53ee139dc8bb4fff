"""The report's plain form: the network's output is x̂ = F(α y_1..α y_k, t), with t = time(σ); all σ weigh equally.

α is that of the process: the network sees its states, which a process of preserved variance keeps of order one. With
another number of copies than in training, t is that of the σ with the same σ_eff in training.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.denoisers.outputs.output import Known, Network, Output


def _estimate(network: Network, y: Tensor, sigma: Tensor, known: Known) -> Tensor:
    t = known.process.time(sigma * math.sqrt(known.trained_k / known.k))
    alpha, _ = known.process(t)
    states = y * alpha.reshape(-1, *(1 for _ in y.shape[1:])) if isinstance(alpha, Tensor) else y
    return network(states, t)


def _weight(sigma: Tensor, known: Known) -> Tensor:
    del known
    return torch.ones_like(sigma)


# The coordinate t maps all noises to [0, 1].
OUTPUT = Output(_estimate, _weight, feature_scale=16.0, in_pictures=True)
