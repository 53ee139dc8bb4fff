"""Share of accepted proposals at the present level."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.samplers.twin import Segment
from msd_engine.samplers.walk import Moment


class Acceptance:
    """Counts accepted proposals level by level, on the device of the chains."""

    def __init__(self) -> None:
        self._level, self._tried = -1, 0
        self._accepted: Tensor | None = None
        self._ratio: Tensor | None = None

    def count(self, moment: Moment | Segment) -> None:
        """Add the proposals of the step from a state, if it tested any."""
        if isinstance(moment, Segment) or moment.tried is None:
            return
        level, tried = moment.level, moment.tried
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
