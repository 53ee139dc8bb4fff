"""Autocorrelation of chains along their steps, and that of the residuals y_i − ȳ by theory (§3, fact 4)."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.specs.tables.samplers import Sampler

# Their steps at one noise are Langevin's.
_AUTOREGRESSIVE: tuple[Sampler, ...] = ("langevin", "predictor-corrector")


def autocorrelation(states: Tensor, lags: int, *, centred: bool = False) -> NDArray[np.float64]:
    """Return the autocorrelation of stationary chains, pooled over chains and coordinates.

    Args:
        states: Successive states with shape (n, B, m), float64.
        lags: Number of lags, from 0; fewer than n.
        centred: Whether their mean is known to be 0; else that over all chains and states is subtracted.

    Returns:
        The autocorrelation at each lag with shape (lags,), 1 at lag 0; NaN without chains.
    """
    if not states.numel():
        return np.full(lags, math.nan)
    x = states if centred else states - states.mean((0, 1))
    products = [(x[: len(x) - lag] * x[lag:]).mean() for lag in range(lags)]
    return torch.stack([product / products[0] for product in products]).numpy()


def expected_autocorrelation(sampler: Sampler, step_ratio: float, lags: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the autocorrelation (1 − r)^lag of residuals at one noise; NaN for samplers without such a law."""
    if sampler not in _AUTOREGRESSIVE:
        return np.full(len(lags), math.nan)
    return np.power(1 - step_ratio, lags)
