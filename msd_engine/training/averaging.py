"""Weight averaging: w̄ ← a_n w̄ + (1 − a_n) w with a decay that warms up, a_n = min(a, (1 + n)/(10 + n)).

The warm-up lets the average forget the first weights: after n steps it spans about n/9 of them, never more than
1/(1 − a). Source: the exponential averaging of NCSNv2 (arXiv:2006.09011, technique 5).
"""

from __future__ import annotations

import torch
from torch import nn


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
        average: The module that holds the mean; its weights are set to those of `source` at once.
        decay: The final decay a.
    """

    def __init__(self, source: nn.Module, average: nn.Module, decay: float) -> None:
        average.load_state_dict(source.state_dict())
        average.requires_grad_(False)
        self._decay = decay
        self._source = [p.detach() for p in source.parameters()]
        self._average = [p.detach() for p in average.parameters()]

    def update(self, step: int) -> None:
        """Take the source's present weights into the mean.

        Args:
            step: Updates n done before, from 0.
        """
        torch._foreach_lerp_(self._average, self._source, 1.0 - decay_at(step, self._decay))
