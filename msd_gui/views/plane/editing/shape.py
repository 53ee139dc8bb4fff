"""A Gaussian mixture in the plane as a value that hands can change: every change returns another one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LEAST_STD, MOST_STD = 0.05, 50.0
LEAST_WEIGHT = 1e-3
HANDLE_STDS = 2.0
"""Half axes of the drawn ellipse over the standard deviations; the handles are at its ends."""
_APART = 0.6


@dataclass(frozen=True, eq=False)
class Shape:
    """A mixture of modes in the plane.

    Attributes:
        weights: Their weights, with shape (J,), summing to 1.
        means: Their means, with shape (J, 2).
        covariances: Their covariances, with shape (J, 2, 2).
    """

    weights: Array
    means: Array
    covariances: Array

    def __len__(self) -> int:
        """Number of modes."""
        return len(self.weights)

    def half_axes(self, mode: int) -> Array:
        """Return the half axes of the drawn ellipse of a mode as rows, the longer one first, with shape (2, 2)."""
        variances, axes = np.linalg.eigh(self.covariances[mode])
        rows: Array = (HANDLE_STDS * axes * np.sqrt(np.maximum(variances, 0))).T[::-1]
        return rows

    def moved(self, mode: int, to: Array) -> Shape:
        """Return it with the mean of a mode elsewhere."""
        means = self.means.copy()
        means[mode] = to
        return replace(self, means=means)

    def pulled(self, mode: int, axis: int, to: Array) -> Shape:
        """Return it with the end of a half axis of a mode elsewhere; the other one keeps its length and stays upright.

        Args:
            mode: The mode.
            axis: 0 for the longer half axis, 1 for the shorter one.
            to: The new place of its end.
        """
        other = float(np.hypot(*self.half_axes(mode)[1 - axis])) / HANDLE_STDS
        along = np.asarray(to, float) - self.means[mode]
        length = float(np.hypot(*along))
        direction = along / length if length > 0 else self.half_axes(mode)[axis] / max(other, LEAST_STD)
        std = float(np.clip(length / HANDLE_STDS, LEAST_STD, MOST_STD))
        across = np.array([-direction[1], direction[0]])
        covariances = self.covariances.copy()
        covariances[mode] = std**2 * np.outer(direction, direction) + other**2 * np.outer(across, across)
        return replace(self, covariances=covariances)

    def weighed(self, mode: int, factor: float) -> Shape:
        """Return it with the weight of a mode multiplied, and all of them scaled to sum to 1."""
        weights = self.weights.copy()
        weights[mode] *= factor
        weights = np.maximum(weights / weights.sum(), LEAST_WEIGHT)
        return replace(self, weights=weights / weights.sum())

    def with_mode(self, at: Array) -> Shape:
        """Return it with one more mode, as wide as the nearest one and with an equal share of the weight."""
        nearest = self.covariances[int(np.argmin(np.hypot(*(self.means - at).T)))]
        share = 1 / (len(self) + 1)
        return Shape(
            np.append(self.weights * (1 - share), share),
            np.concatenate((self.means, np.reshape(at, (1, 2)))),
            np.concatenate((self.covariances, nearest[None])),
        )

    def split(self, mode: int) -> Shape:
        """Return it with a mode cut in two along its longer axis, which keeps mean and covariance of the whole."""
        long, _ = self.half_axes(mode)
        apart = _APART * long / HANDLE_STDS
        narrower = self.covariances[mode] - np.outer(apart, apart)
        weights, means, covariances = self.weights.copy(), self.means.copy(), self.covariances.copy()
        weights[mode] /= 2
        means[mode] = self.means[mode] - apart
        covariances[mode] = narrower
        return Shape(
            np.append(weights, weights[mode]),
            np.concatenate((means, (self.means[mode] + apart)[None])),
            np.concatenate((covariances, narrower[None])),
        )

    def without(self, mode: int) -> Shape:
        """Return it without a mode; the last one stays."""
        if len(self) == 1:
            return self
        weights = np.delete(self.weights, mode)
        return Shape(weights / weights.sum(), np.delete(self.means, mode, 0), np.delete(self.covariances, mode, 0))

    def holding(self, at: Array) -> int | None:
        """Return the mode in whose drawn ellipse a place lies, the nearest by its own width; None for none."""
        away = self.means - at
        squares = np.einsum("ja,ja->j", away, np.linalg.solve(self.covariances, away[..., None])[..., 0])
        nearest = int(np.argmin(squares))
        return nearest if math.sqrt(max(float(squares[nearest]), 0.0)) <= HANDLE_STDS else None
