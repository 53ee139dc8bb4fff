"""Weight averaging: w̄ ← a_n w̄ + (1 − a_n) w with a decay that warms up, a_n = min(a, (1 + n)/(10 + n)).

The warm-up removes the first weights from the average: after n steps it spans about n/9 of them, at most 1/(1 − a).
Source: the exponential averaging of NCSNv2 (arXiv:2006.09011, technique 5).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from msd_engine.training.flat import Flat


def decay_at(step: int, decay: float) -> float:
    """Return the decay a_n after n steps, from 0, for the final decay a; a = 0 keeps no average."""
    return min(decay, (1 + step) / (10 + step))


class WeightAverage:
    """The running mean of a module's weights, stored in another module of the same structure.

    Args:
        source: The module in training.
        parts: Its weights in parts.
        average: The module for the mean, initialised with the state of `source`.
    """

    def __init__(self, source: nn.Module, parts: Sequence[Flat], average: nn.Module) -> None:
        average.load_state_dict(source.state_dict())
        average.requires_grad_(False)
        self._pairs = [(Flat(average, part.names).vector, part.vector) for part in parts]

    @torch.no_grad()
    def update(self, share: Tensor) -> None:
        """Include the current weights with share 1 − a_n, with shape (), on the device; 0 changes nothing."""
        for average, weights in self._pairs:
            average.lerp_(weights, share)
