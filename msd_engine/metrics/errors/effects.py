"""How much each setting of compared chains mattered: the share of a figure's variance that it explains alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Setting = float | int | str | bool

LEAST = 8
"""Fewest candidates for a share."""

_ROUNDS = 400
_ENDS = (0.025, 0.975)

_Array = NDArray[np.float64]


class Share(NamedTuple):
    """A share of the variance with its 95 % interval.

    Attributes:
        value: The share, adjusted for chance; NaN if it is unclear.
        low: Lower end.
        high: Upper end.
        candidates: Number of candidates with the setting.
    """

    value: float
    low: float
    high: float
    candidates: int


def shares(rows: Sequence[Mapping[str, Setting]], y: Sequence[float], seed: int = 0) -> dict[str, Share]:
    """Return the share of the variance of a figure that each setting explains alone.

    The share is the adjusted R² of a regression of the figure on the setting: on its words, or on the logarithm of a
    number and its square. A setting without effect has share 0 in the mean. The interval is the basic bootstrap
    interval over the candidates.

    Args:
        rows: The settings of each candidate by name, numbers positive. Candidates may lack settings.
        y: The figure of each candidate, finite.
        seed: Seed of the resampling.

    Returns:
        The shares by name, in the order of the names; no setting that is the same for all candidates.
    """
    found: dict[str, Share] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        pairs = [(row[name], value) for row, value in zip(rows, y, strict=True) if name in row]
        settings = [setting for setting, _ in pairs]
        if len(set(settings)) < 2:
            continue
        found[name] = _share(_columns(settings), np.array([value for _, value in pairs]), seed)
    return found


def _share(columns: _Array, y: _Array, seed: int) -> Share:
    n = len(y)
    value = _adjusted(columns, y) if n >= LEAST else np.nan
    if np.isnan(value):
        return Share(np.nan, np.nan, np.nan, n)
    draws = np.random.default_rng(seed)
    picks = (draws.integers(n, size=n) for _ in range(_ROUNDS))
    again = [_adjusted(columns[pick], y[pick]) for pick in picks]
    # Resampling repeats candidates, which raises every share: the basic interval takes that shift out.
    low, high = np.nanquantile(again, _ENDS)
    return Share(value, 2 * value - float(high), min(1.0, 2 * value - float(low)), n)


def _columns(settings: Sequence[Any]) -> _Array:
    """Return what a figure is regressed on, with shape (n, columns), beside a constant."""
    if any(isinstance(setting, str | bool) for setting in settings):
        words = list(dict.fromkeys(settings))
        return np.array([[float(setting == word) for word in words[1:]] for setting in settings])
    logs = np.log(np.array(settings, dtype=np.float64))
    z = (logs - logs.mean()) / logs.std()
    return np.column_stack((z, z**2)) if len(set(settings)) > 2 else z[:, None]


def _adjusted(columns: _Array, y: _Array) -> float:
    """Return the adjusted R² of a regression on some columns and a constant; NaN where it is not defined."""
    design = np.column_stack((np.ones(len(y)), columns))
    total = float(np.square(y - y.mean()).sum())
    coefficients, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    free = len(y) - int(rank)
    if not total or free < 1:
        return float("nan")
    left = float(np.square(y - design @ coefficients).sum())
    return 1 - (left / free) / (total / (len(y) - 1))
