"""Weight averaging: w̄ ← a_n w̄ + (1 − a_n) w with a decay that warms up, a_n = min(a, (1 + n)/(10 + n)).

The warm-up lets the average forget the first weights: after n steps it spans about n/9 of them, never more than
1/(1 − a). Source: the exponential averaging of NCSNv2 (arXiv:2006.09011, technique 5).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from msd_engine.training.flat import Flat


def decay_at(step: int, decay: float) -> float:
    """Return the decay a_n of one step.

    Args:
        step: Steps n done before, from 0.
        decay: The final decay a; 0 keeps no average.

    Returns:
        a_n.
    """
    return min(decay, (1 + step) / (10 + step))


class WeightAverage:
    """The running mean of a module's weights, kept in another module of the same build.

    Args:
        source: The module that is trained.
        parts: Its weights, part by part.
        average: The module that holds the mean; it is set to the state of `source` at once.
    """

    def __init__(self, source: nn.Module, parts: Sequence[Flat], average: nn.Module) -> None:
        average.load_state_dict(source.state_dict())
        average.requires_grad_(False)
        self._pairs = [(Flat(average, part.names).vector, part.vector) for part in parts]

    @torch.no_grad()
    def update(self, share: Tensor) -> None:
        """Take the source's present weights into the mean.

        Args:
            share: Their share 1 − a_n, with shape (), on the device; 0 leaves the mean as it is.
        """
        for average, weights in self._pairs:
            average.lerp_(weights, share)
