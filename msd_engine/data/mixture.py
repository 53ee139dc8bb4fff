"""Gaussian mixtures p(x) = Σ_j w_j N(x; μ_j, Σ_j) with full covariances: reference data with known densities.

Isotropic noise τ preserves the family: p_τ = Σ_j w_j N(μ_j, Σ_j + τ² I). All densities are computed in the principal
axes of each mode, Σ_j = Q_j diag(λ_j) Q_jᵀ, which do not depend on τ, so any τ costs the same and none is singular.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

_Numbers = Tensor | np.ndarray[Any, Any] | Sequence[Any]


class GaussianMixture:
    """A Gaussian mixture in d dimensions.

    Args:
        weights: Positive weights with shape (J,); they are scaled to sum to 1.
        means: Means with shape (J, d).
        covariances: Symmetric, positive definite matrices with shape (J, d, d).

    Attributes:
        weights: w with shape (J,), positive, summing to 1.
        means: μ with shape (J, d).
        covariances: Σ with shape (J, d, d).
        eigenvalues: λ, the variances along the principal axes, with shape (J, d).
        axes: Q, the principal axes as columns, with shape (J, d, d); exactly I for a mode with diagonal Σ.

    Raises:
        ValueError: A shape is wrong, a number is not finite, a weight is not positive, or a covariance is not symmetric
            and positive definite.
    """

    def __init__(self, weights: _Numbers, means: _Numbers, covariances: _Numbers) -> None:
        weights, means, covariances = (_tensor(part) for part in (weights, means, covariances))
        _check_shapes(weights, means, covariances)
        if not bool((weights > 0).all()):
            raise ValueError("All weights of a mixture must be positive.")
        dtype = torch.promote_types(weights.dtype, torch.promote_types(means.dtype, covariances.dtype))
        weights, means, covariances = (part.to(means.device, dtype) for part in (weights, means, covariances))
        eigenvalues, axes = _principal_axes(covariances)
        self.weights = weights / weights.sum()
        self.means = means
        self.covariances = covariances
        self.eigenvalues = eigenvalues
        self.axes = axes

    @classmethod
    def of_points(cls, points: Tensor) -> GaussianMixture:
        """Return modes of equal weight and no width at points with shape (J, d); densities need noise τ > 0."""
        count, dim = points.shape
        made = object.__new__(cls)
        made.weights = points.new_full((count,), 1 / count)
        made.means = points
        made.covariances = points.new_zeros(count, dim, dim)
        made.eigenvalues = points.new_zeros(count, dim)
        made.axes = torch.eye(dim).to(points).repeat(count, 1, 1)
        return made

    @property
    def dim(self) -> int:
        """Dimension d of a datum."""
        return self.means.shape[1]

    @property
    def mean(self) -> Tensor:
        """E[x] with shape (d,)."""
        return self.weights @ self.means

    @property
    def std(self) -> float:
        """Root of the variance of x averaged over coordinates, √(tr Cov(x)/d)."""
        centred = self.means - self.mean
        total = self.weights @ (self.eigenvalues.sum(-1) + centred.square().sum(-1))
        return math.sqrt(total.item() / self.dim)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> GaussianMixture:
        """Return a copy on another device or in another precision, float32 or float64; None keeps either."""
        moved = object.__new__(GaussianMixture)
        for name, value in vars(self).items():
            setattr(moved, name, value.to(device=device, dtype=dtype))
        return moved

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n independent data with shape (n, d), by a generator on the device of the mixture."""
        mode = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        z = torch.randn(n, self.dim, generator=generator, device=generator.device, dtype=self.means.dtype)
        half = self.axes * self.eigenvalues.sqrt().unsqueeze(-2)
        return self.means[mode] + (half[mode] @ z.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, x: Tensor, tau: float = 0.0) -> Tensor:
        """Return the log density log p_τ(x) with shape (...) of points (..., d), smoothed by noise of std τ."""
        return torch.logsumexp(self._log_joint(self._whitened(x, tau)[0], tau), -1)

    def score(self, x: Tensor, tau: float = 0.0) -> Tensor:
        """Return the gradient of the smoothed log density at points (..., d).

        Returns:
            ∇ log p_τ(x) = −Σ_j ρ_j (Σ_j + τ² I)⁻¹ (x − μ_j), with shape (..., d).
        """
        z, whitening = self._whitened(x, tau)
        rho = torch.softmax(self._log_joint(z, tau), -1)
        return -(rho.unsqueeze(-2) * z).flatten(-2) @ whitening.flatten(1).T

    def scores(self, x: Tensor, tau: Tensor) -> Tensor:
        """Return the scores of points (B, d), each smoothed by its own noise τ (B,), with shape (B, d)."""
        total = self.eigenvalues + tau.square().reshape(-1, 1, 1)
        v = torch.einsum("bjd,jde->bje", x.unsqueeze(1) - self.means, self.axes)
        rho = torch.softmax(self.weights.log() - 0.5 * (total.log() + v.square() / total).sum(-1), -1)
        return -torch.einsum("bj,jde,bje->bd", rho, self.axes, v / total)

    def responsibilities(self, x: Tensor, tau: float = 0.0) -> Tensor:
        """Return the probabilities of the modes given points (..., d) with noise of std τ.

        Returns:
            ρ_j ∝ w_j N(x; μ_j, Σ_j + τ² I), with shape (..., J).
        """
        logs = self._log_joint(self._whitened(x, tau)[0], tau)
        # torch.softmax wakes a second thread even for a few points, which takes longer than the work.
        shares = (logs - logs.amax(-1, keepdim=True)).exp()
        return shares / shares.sum(-1, keepdim=True)

    @property
    def is_diagonal(self) -> bool:
        """Whether all covariances are diagonal, so that no rotation is needed."""
        return bool((self.axes == torch.eye(self.dim).to(self.axes)).all())

    def _whitened(self, x: Tensor, tau: float) -> tuple[Tensor, Tensor]:
        """Return z = (Σ_j + τ² I)^(−½) (x − μ_j) in principal axes, with shape (..., d, J), and the map from x to z.

        The modes come last, so that one matrix product serves all of them, which is fast on a grid of points. The map
        has the shape (d, d, J): coordinate of x, axis, mode.
        """
        scale = torch.rsqrt(self.eigenvalues + tau**2)
        whitening = (self.axes * scale.unsqueeze(-2)).permute(1, 2, 0)
        centre = torch.einsum("jd,dej->ej", self.means, whitening)
        z = (x @ whitening.flatten(1)).reshape(*x.shape[:-1], *centre.shape) - centre
        return z, whitening

    def _log_joint(self, z: Tensor, tau: float) -> Tensor:
        """Return log w_j N(x; μ_j, Σ_j + τ² I) with shape (..., J), from whitened z."""
        volume = (self.eigenvalues + tau**2).log().sum(-1) + self.dim * math.log(2 * math.pi)
        return self.weights.log() - 0.5 * (volume + z.square().sum(-2))


def _tensor(part: _Numbers) -> Tensor:
    if not isinstance(part, Tensor):
        part = torch.as_tensor(np.asarray(part, dtype=None if isinstance(part, np.ndarray) else np.float64))
    return part if part.dtype in (torch.float32, torch.float64) else part.double()


def _check_shapes(weights: Tensor, means: Tensor, covariances: Tensor) -> None:
    if weights.ndim != 1 or not len(weights):
        raise ValueError(f"The weights of a mixture must have shape (J,), but have {tuple(weights.shape)}.")
    count = len(weights)
    if means.ndim != 2 or len(means) != count or not means.shape[1]:
        raise ValueError(f"The means of a mixture of {count} must have shape ({count}, d), not {tuple(means.shape)}.")
    shape = (count, means.shape[1], means.shape[1])
    if covariances.shape != shape:
        raise ValueError(f"The covariances of this mixture must have shape {shape}, not {tuple(covariances.shape)}.")
    if not all(bool(torch.isfinite(part).all()) for part in (weights, means, covariances)):
        raise ValueError("All numbers of a mixture must be finite.")


def _principal_axes(covariances: Tensor) -> tuple[Tensor, Tensor]:
    """Return the eigenvalues with shape (J, d) and the axes with shape (J, d, d), in the precision given."""
    exact = covariances.double()
    if not torch.allclose(exact, exact.mT, rtol=1e-5, atol=0.0):
        raise ValueError("The covariances of a mixture must be symmetric.")
    eigenvalues, axes = torch.linalg.eigh((exact + exact.mT) / 2)
    if not bool((eigenvalues > 0).all()):
        mode = int((eigenvalues <= 0).any(-1).nonzero()[0])
        raise ValueError(f"The covariance of mode {mode} is not positive definite.")
    diagonal = torch.diagonal(exact, dim1=-2, dim2=-1)
    straight = (exact == torch.diag_embed(diagonal)).all(-1).all(-1)
    eigenvalues[straight] = diagonal[straight]
    axes[straight] = torch.eye(exact.shape[-1], dtype=exact.dtype, device=exact.device)
    return eigenvalues.to(covariances), axes.to(covariances)
