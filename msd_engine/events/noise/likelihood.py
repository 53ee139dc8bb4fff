"""The event of log-likelihoods by the probability flow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event


@dataclass(frozen=True, eq=False)
class Likelihood(Event):
    """Log densities of data with a little noise, in nats per datum.

    Attributes:
        sigma_eff: Noise of the data, that of the mean copy at the end of a chain.
        flow: By the probability flow, with shape (n,).
        exact: Exact, with shape (n,); NaN where no density is known.
        evaluations: Evaluations of the denoiser.
    """

    sigma_eff: float
    flow: NDArray[np.float64]
    exact: NDArray[np.float64]
    evaluations: int

    @property
    def mean(self) -> float:
        """Mean by the flow."""
        return float(self.flow.mean())

    @property
    def exact_mean(self) -> float:
        """Exact mean."""
        return float(self.exact.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of the mean by the flow."""
        return float(self.flow.std(ddof=1)) / math.sqrt(len(self.flow)) if len(self.flow) > 1 else math.nan

    @property
    def largest_error(self) -> float:
        """Largest difference of one datum; NaN where no density is known."""
        return float(np.abs(self.flow - self.exact).max())
