"""What a network for any number of copies sees of them: ȳ, averaged features of each copy, and k.

The features are those of a set (Zaheer et al. 2017, arXiv:1703.06114): the same layer acts on each copy, and the
results are averaged. The copies are first drawn together about ȳ by √k, so that their scale depends on σ_eff = σ/√k and
not on k.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# ln k of up to 55 copies lies in [0, 1], the scale of the noise features.
_SCALE = 0.25


class PooledCopies(nn.Module):
    """ȳ with averaged features of the copies as further channels.

    Args:
        layer: A linear map of one copy (·, C, *rest) to its features (·, m, *rest).
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, y: Tensor, term: Tensor) -> Tensor:
        """Return (B, C + m, *rest) for copies y (B, k, C, *rest) and the features' noise term (B, m, *ones)."""
        mean = y.mean(dim=1, keepdim=True)
        near = mean + (y - mean) / math.sqrt(y.shape[1])
        maps = self.layer(near.flatten(0, 1))
        maps = functional.silu(maps.reshape(*y.shape[:2], *maps.shape[1:]) + term.unsqueeze(1))
        return torch.cat((mean.squeeze(1), maps.mean(dim=1)), dim=1)


def with_copies(features: Tensor, k: int) -> Tensor:
    """Return noise features (B, length + 1) with the number of copies beside those of σ_eff (B, length)."""
    return functional.pad(features, (0, 1), value=_SCALE * math.log(k))
