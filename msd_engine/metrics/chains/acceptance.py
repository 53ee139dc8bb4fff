"""Share of accepted proposals at the present level."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.samplers.descent import Tried


class Acceptance:
    """Counts accepted proposals level by level, on the device of the chains."""

    def __init__(self) -> None:
        self._level, self._tried = -1, 0
        self._accepted: Tensor | None = None
        self._ratio: Tensor | None = None

    def count(self, level: int, tried: Tried) -> None:
        """Add the proposals of one step at a level."""
        now = tried.accepted.sum()
        if level != self._level or self._accepted is None:
            self._level, self._tried, self._accepted = level, 0, torch.zeros_like(now)
        self._tried += len(tried.accepted)
        self._accepted = self._accepted + now
        self._ratio = tried.step_ratio

    @property
    def share(self) -> float:
        """Share of accepted proposals at the newest level, all chains together; NaN without proposals."""
        return math.nan if self._accepted is None else int(self._accepted) / self._tried

    @property
    def step_ratio(self) -> float:
        """Median over the chains of r = ε/σ² in the newest step; NaN without proposals."""
        return math.nan if self._ratio is None else float(self._ratio.median())
