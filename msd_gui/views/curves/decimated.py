"""A long, growing series of values, held twice: whole for export, and in few buckets for painting."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BUCKETS = 512


class Decimated:
    """Values with their steps and times; each bucket keeps position, mean, least and greatest of `stride` values.

    When all buckets are full, neighbours are merged and the stride doubles, so that the cost of adding a value stays
    constant.
    """

    def __init__(self) -> None:
        self.stride = 1
        self.count = 0
        self._columns = np.empty((3, 4096))
        self._buckets = np.empty((5, BUCKETS))
        self._full = 0

    def append(self, steps: NDArray[Any], seconds: NDArray[Any], values: NDArray[Any]) -> None:
        """Append values: three arrays of shape (n,)."""
        new = np.stack([np.asarray(column, np.float64) for column in (steps, seconds, values)])
        end = self.count + new.shape[1]
        if end > self._columns.shape[1]:
            grown = np.empty((3, max(end, 2 * self._columns.shape[1])))
            grown[:, : self.count] = self._columns[:, : self.count]
            self._columns = grown
        self._columns[:, self.count : end] = new
        self.count = end
        self._fill()

    def whole(self) -> NDArray[np.float64]:
        """Return all steps, seconds and values, with shape (3, count)."""
        return self._columns[:, : self.count]

    def buckets(self) -> NDArray[np.float64]:
        """Return step, seconds, mean, least and greatest of each bucket, with shape (5, at most `BUCKETS` + 1)."""
        rest = self._columns[:, self._full * self.stride : self.count]
        parts = [self._buckets[:, : self._full]]
        if rest.shape[1]:
            parts.append(_summary(rest, rest.shape[1]))
        return np.concatenate(parts, axis=1)

    def _fill(self) -> None:
        while (more := self.count // self.stride - self._full) > 0:
            if self._full == BUCKETS:
                self._merge()
                continue
            take = min(more, BUCKETS - self._full)
            start = self._full * self.stride
            raw = self._columns[:, start : start + take * self.stride]
            self._buckets[:, self._full : self._full + take] = _summary(raw, self.stride)
            self._full += take

    def _merge(self) -> None:
        pairs = self._buckets.reshape(5, -1, 2)
        half = BUCKETS // 2
        self._buckets[:3, :half] = pairs[:3].mean(axis=2)
        self._buckets[3, :half] = pairs[3].min(axis=1)
        self._buckets[4, :half] = pairs[4].max(axis=1)
        self._full, self.stride = half, 2 * self.stride


def _summary(columns: NDArray[np.float64], stride: int) -> NDArray[np.float64]:
    groups = columns.reshape(3, -1, stride)
    values = groups[2]
    return np.concatenate([groups.mean(axis=2), [values.min(axis=1)], [values.max(axis=1)]])


def smoothed(values: NDArray[np.float64], weight: float, stride: int) -> NDArray[np.float64]:
    """Return the exponential moving average, corrected for the bias of its start.

    Args:
        values: Means of buckets, with shape (n,); values that are not finite are skipped.
        weight: Weight of the old average per single value, in [0, 1).
        stride: Number of single values in each bucket.

    Returns:
        The average at each bucket, with shape (n,); NaN before the first finite value.
    """
    keep, total, mass, out = weight**stride, 0.0, 0.0, []
    for value in values.tolist():
        if np.isfinite(value):
            total, mass = keep * total + (1 - keep) * value, keep * mass + (1 - keep)
        out.append(total / mass if mass else np.nan)
    return np.array(out)
