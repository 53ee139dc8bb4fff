"""The coordinates in which the noise of a copy is white (theory §7).

A copy is y = α x + σ C^½ n. With u = C^(−½) y/α it is a copy of C^(−½) x with white noise σ/α: encoded, every process
is the isotropic one that explodes. Data are encoded where they come in, and points are decoded where they go out.
What lies between, errors ‖x̂ − x‖² and scores included, is meant in encoded coordinates unless it says otherwise.

C has the mean variance 1, tr C = d, so that σ means the same for every C.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Space(Protocol):
    """Coordinates with white noise."""

    @property
    def log_volume(self) -> float:
        """Ln det C^(−½): a density p of encoded data is p(encode(x)) exp(log_volume) of the data."""
        ...

    def encode(self, y: Tensor, alpha: float = 1.0) -> Tensor:
        """Return C^(−½) y/α of data or copies with shape (..., *event); by symmetry also C^(−½) of an encoded score."""
        ...

    def decode(self, u: Tensor, alpha: float = 1.0) -> Tensor:
        """Return α C^½ u with shape (..., *event): data or means with α = 1, copies as the process has them with α."""
        ...

    def covariance(self, dim: int) -> Tensor:
        """Return C with shape (d, d), float64, for data of d numbers."""
        ...


class Isotropic:
    """White noise in the coordinates of the data, C = 1: what is encoded stays as it is, to the bit."""

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
    """Noise of a given covariance, by its symmetric root.

    Args:
        covariance: C with shape (d, d), symmetric and positive definite; it is scaled to the mean variance 1.

    Raises:
        ValueError: C is not symmetric and positive definite.
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
        return _applied(self._inverse / alpha, y)

    def decode(self, u: Tensor, alpha: float = 1.0) -> Tensor:
        """Return α C^½ u."""
        return _applied(self._root * alpha, u)

    def covariance(self, dim: int) -> Tensor:
        """Return C as it was scaled.

        Raises:
            ValueError: The data have another number of coordinates.
        """
        if dim != len(self._matrix):
            raise ValueError(f"This covariance is one of {len(self._matrix)} numbers, but the data have {dim}.")
        return self._matrix


def _applied(matrix: Tensor, values: Tensor) -> Tensor:
    """Apply a symmetric matrix to the last coordinates, as many as the matrix has, taken together."""
    axes = next(n for n in range(1, values.ndim + 1) if values.shape[-n:].numel() == len(matrix))
    flat = values.flatten(-axes)
    return (flat @ matrix.to(flat)).reshape(values.shape)
