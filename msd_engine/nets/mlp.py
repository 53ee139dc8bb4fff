"""A multilayer perceptron for points, conditioned on the noise like the U-net."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from msd_engine.nets.embedding import FourierFeatures


class Mlp(nn.Module):
    """Map k noisy copies of a point and the noise coordinate to a point.

    Each hidden layer is linear in its input plus a linear map of the noise features, followed by swish. The last
    layer starts at zero, so that the preconditioned denoiser starts from its skip connection.

    Args:
        dim: Number of coordinates d of a point.
        k: Number of copies.
        width: Units of each hidden layer.
        depth: Number of hidden layers.
        embedding: Length of the noise features.
        scale: Standard deviation of the feature frequencies.
    """

    def __init__(
        self, dim: int, k: int, *, width: int = 128, depth: int = 3, embedding: int = 64, scale: float = 1.0
    ) -> None:
        super().__init__()
        self.features = FourierFeatures(embedding, scale)
        # One product for the terms of all layers: the weights of one linear map each, in fewer calls.
        self.conditions = nn.Linear(self.features.length, depth * width, bias=False)
        sizes = [k * dim] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.last = nn.Linear(width, dim)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, y: Tensor, c: Tensor) -> Tensor:
        """Return the output (B, d) for copies y (B, k, d) and noise coordinates c (B,)."""
        h = y.flatten(1)
        terms = self.conditions(self.features(c)).chunk(len(self.hidden), dim=1)
        for layer, term in zip(self.hidden, terms, strict=True):
            h = torch.nn.functional.silu(layer(h) + term)
        out: Tensor = self.last(h)
        return out

    def hidden_weights(self) -> list[nn.Parameter]:
        """Return the weights between hidden features, each a matrix."""
        return [weight for layer in self.hidden for weight in layer.parameters() if weight.ndim == 2]
