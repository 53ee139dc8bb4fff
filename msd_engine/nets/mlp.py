"""A multilayer perceptron for points, conditioned on the noise like the U-net."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from msd_engine.nets.copies import PooledCopies, with_copies
from msd_engine.nets.embedding import FourierFeatures
from msd_engine.specs.nets import Fusion

_LEAST_POOLED = 8


class Mlp(nn.Module):
    """Map k noisy copies of a point and the noise coordinate to a point.

    Each hidden layer is linear in its input plus a linear map of the noise features, followed by swish. The last
    layer starts at zero, so that the preconditioned denoiser starts from its skip connection.

    Args:
        dim: Number of coordinates d of a point.
        k: Number of copies; read only where the copies are concatenated.
        width: Units of each hidden layer.
        depth: Number of hidden layers.
        embedding: Length of the noise features.
        fusion: How the copies are combined (`msd_engine.specs.nets`).
        scale: Standard deviation of the feature frequencies.
    """

    def __init__(
        self,
        dim: int,
        k: int,
        *,
        width: int = 128,
        depth: int = 3,
        embedding: int = 64,
        fusion: Fusion = "concat",
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.fusion: Fusion = fusion
        self.features = FourierFeatures(embedding, scale)
        pooled = max(_LEAST_POOLED, width // 4) if fusion == "set" else 0
        self.sizes = (width,) * depth + ((pooled,) if pooled else ())
        # One product for the terms of all layers: the weights of one linear map each, in fewer calls.
        self.conditions = nn.Linear(self.features.length + bool(pooled), sum(self.sizes), bias=False)
        self.copies = PooledCopies(nn.Linear(dim, pooled)) if pooled else None
        sizes = [k * dim if fusion == "concat" else dim + pooled] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.last = nn.Linear(width, dim)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, y: Tensor, c: Tensor) -> Tensor:
        """Return the output (B, d) for copies y (B, k, d) and noise coordinates c (B,)."""
        features = self.features(c) if self.copies is None else with_copies(self.features(c), y.shape[1])
        terms = list(self.conditions(features).split(self.sizes, dim=1))
        if self.copies is not None:
            h = self.copies(y, terms.pop())
        else:
            h = y.mean(dim=1) if self.fusion == "mean" else y.flatten(1)
        for layer, term in zip(self.hidden, terms, strict=True):
            h = torch.nn.functional.silu(layer(h) + term)
        out: Tensor = self.last(h)
        return out

    def hidden_weights(self) -> list[nn.Parameter]:
        """Return the weights between hidden features, each a matrix."""
        return [weight for layer in self.hidden for weight in layer.parameters() if weight.ndim == 2]
