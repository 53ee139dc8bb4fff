"""Coordinates in which the noise of a copy is white (theory §7).

A copy is y = α x + σ C^½ n. With u = C^(−½) y/α it is a copy of C^(−½) x with white noise σ/α: encoded, every process
is the isotropic exploding one. Input data are encoded, output points decoded. Everything between, including errors
‖x̂ − x‖² and scores, is in encoded coordinates unless stated otherwise.

C is scaled to mean variance 1, tr C = d, so that σ means the same for every C.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Space(Protocol):
    """Coordinates with white noise."""

    @property
    def log_volume(self) -> float:
        """Ln det C^(−½): data have the density p(encode(x)) exp(log_volume) if encoded data have the density p."""

    def encode(self, y: Tensor, alpha: float = 1.0) -> Tensor:
        """Return C^(−½) y/α of data or copies with shape (..., *event); by symmetry also C^(−½) of an encoded score."""

    def decode(self, u: Tensor, alpha: float = 1.0) -> Tensor:
        """Return α C^½ u with shape (..., *event): data or means with α = 1, copies of the process with its α."""

    def covariance(self, dim: int) -> Tensor:
        """Return C with shape (d, d), float64, for data of d numbers."""


class Isotropic:
    """White noise in the coordinates of the data, C = 1: encoding changes no bit."""

    log_volume = 0.0

    def encode(self, y: Tensor, alpha: float = 1.0) -> Tensor:
        """Return y/α."""
        return y if alpha == 1 else y / alpha

    def decode(self, u: Tensor, alpha: float = 1.0) -> Tensor:
        """Return α u."""
        return u if alpha == 1 else alpha * u

    def covariance(self, dim: int) -> Tensor:
        """Return the unit matrix."""
        return torch.eye(dim, dtype=torch.float64)


class Coloured:
    """Noise of a given covariance C, by its symmetric root.

    Args:
        covariance: Symmetric positive definite matrix with shape (d, d), which is scaled to mean variance 1.

    Raises:
        ValueError: The matrix is not symmetric and positive definite.
    """

    def __init__(self, covariance: Tensor) -> None:
        matrix = covariance.double()
        if matrix.ndim != 2 or not torch.equal(matrix, matrix.T):
            raise ValueError(f"A covariance is a symmetric matrix; this one has shape {tuple(matrix.shape)}.")
        variances, axes = torch.linalg.eigh(matrix)
        if not bool((variances > 0).all()):
            raise ValueError(f"A covariance has positive variances along its axes; this one has {variances.tolist()}.")
        scale = len(matrix) / matrix.trace()
        self._matrix, variances = matrix * scale, variances * scale
        self._root = axes @ variances.sqrt().diag() @ axes.T
        self._inverse = axes @ variances.rsqrt().diag() @ axes.T
        self.log_volume = -0.5 * float(variances.log().sum())

    def encode(self, y: Tensor, alpha: float = 1.0) -> Tensor:
        """Return C^(−½) y/α."""
        return _apply(self._inverse / alpha, y)

    def decode(self, u: Tensor, alpha: float = 1.0) -> Tensor:
        """Return α C^½ u."""
        return _apply(self._root * alpha, u)

    def covariance(self, dim: int) -> Tensor:
        """Return the scaled C.

        Raises:
            ValueError: `dim` differs from d.
        """
        if dim != len(self._matrix):
            raise ValueError(f"This covariance has {len(self._matrix)} dimensions, but the data have {dim}.")
        return self._matrix


def _apply(matrix: Tensor, values: Tensor) -> Tensor:
    """Apply a symmetric matrix to as many trailing axes as it has rows, flattened."""
    axes = next(n for n in range(1, values.ndim + 1) if values.shape[-n:].numel() == len(matrix))
    flat = values.flatten(-axes)
    return (flat @ matrix.to(flat)).reshape(values.shape)
