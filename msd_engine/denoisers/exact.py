"""The exact k-sample denoiser of a Gaussian mixture (theory §3, facts 1 and 2).

With τ² = σ²/k, responsibilities ρ_j ∝ w_j N(ȳ; μ_j, Σ_j + τ² I) and principal axes Σ_j = Q_j diag(λ_j) Q_jᵀ:

    x̂ = Σ_j ρ_j (μ_j + Q_j λ_j (λ_j + τ²)⁻¹ Q_jᵀ (ȳ − μ_j)),
    ∂ log P(y_1..y_k)/∂y_i = −(1/k) Σ_j ρ_j Q_j (λ_j + τ²)⁻¹ Q_jᵀ (ȳ − μ_j) − (y_i − ȳ)/σ².

Neither line subtracts large numbers, so both hold for any σ. The posterior itself is a mixture: mode j with
probability ρ_j, and in it a Gaussian with variances λ_j τ² (λ_j + τ²)⁻¹ along the axes.

For small arrays the overhead of calls dominates, and numpy's is a third of torch's: numpy computes tensors on the CPU
in their own memory, torch all others and those that require gradients. The formulas serve both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.posterior import Noise, Posterior, per_chain

# A numpy array or a tensor; the formulas below serve both.
_Array = Any
_Estimate = tuple[_Array, Callable[[], _Array], Callable[[], _Array]]


@dataclass(frozen=True)
class _Operations:
    """Operations that numpy and torch spell differently; the integer is the axis of a reduction.

    `cast` converts an array to the dtype of another.
    """

    exp: Callable[[_Array], _Array]
    log: Callable[[_Array], _Array]
    sum: Callable[[_Array, int], _Array]
    max: Callable[[_Array, int], _Array]
    cumulate: Callable[[_Array, int], _Array]
    cast: Callable[[_Array, _Array], _Array]


_NUMPY = _Operations(
    np.exp, np.log, np.add.reduce, np.maximum.reduce, np.add.accumulate, lambda a, like: a.astype(like.dtype)
)
_TORCH = _Operations(torch.exp, torch.log, torch.sum, torch.amax, torch.cumsum, lambda a, like: a.to(like.dtype))


@dataclass(frozen=True)
class _Level:
    """Constants of a mixture at the noise of every chain.

    The last axis of each has the full number of chains B: for small arrays operations on equal shapes are several times
    faster than broadcasting.

    Attributes:
        ops: Operations of numpy or torch.
        share: 1/k.
        means: μ with shape (d, J, B).
        axes: Q with shape (d, d, J, B), Q[a, b] being coordinate a of axis b; None where all are I.
        half_precision: (λ + τ²)⁻¹/2 with shape (d, J, B).
        gain: λ (λ + τ²)⁻¹ with shape (d, J, B).
        spread: √(λ τ² (λ + τ²)⁻¹), the posterior's std in a mode, with shape (d, J, B).
        log_weight: log w − ½ Σ log(λ + τ²) minus its maximum over the modes, with shape (J, B).
        log_scale: That maximum minus (d/2) log 2π, with shape (B,).
    """

    ops: _Operations
    share: _Array
    means: _Array
    axes: _Array | None
    half_precision: _Array
    gain: _Array
    spread: _Array
    log_weight: _Array
    log_scale: _Array

    def estimate(self, y: _Array) -> _Estimate:
        """Return x̂ with shape (d, B) of copies (k, d, B), and functions for ∇ log p_τ(ȳ) and log p_τ(ȳ), shape (B,)."""
        v, rho, total, top = self._responsibilities(self.ops.sum(y, 0) * self.share)
        return (
            self._mean(v, rho, total),
            lambda: self.ops.sum(rho * self._rotate_back(self.half_precision * v), 1) * (-2 / total),
            lambda: self.log_scale + top + self.ops.log(total),
        )

    def draw(self, y: _Array, u: _Array, z: _Array) -> _Array:
        """Draw x with shape (d, B) from the posterior.

        Args:
            y: The copies with shape (k, d, B).
            u: Uniform numbers with shape (B,), which select the modes.
            z: Standard normal numbers with shape (d, B), along the axes of the modes.
        """
        v, rho, total, _ = self._responsibilities(self.ops.sum(y, 0) * self.share)
        below = self.ops.cumulate(rho, 0)
        # One-hot over modes. The last cumulative sum may round below the total.
        below[-1] = math.inf
        chosen = self.ops.cast(below > u * total, rho)
        chosen[1:] -= 1 * chosen[:-1]
        return self.ops.sum(chosen * (self.means + self._rotate_back(self.gain * v + self.spread * z[:, None])), 1)

    def _responsibilities(self, y_mean: _Array) -> tuple[_Array, _Array, _Array, _Array]:
        """Return Qᵀ(ȳ − μ) with shape (d, J, B), ρ over its maximum with shape (J, B), its sum, and the log maximum."""
        ops = self.ops
        v = y_mean[:, None] - self.means
        if self.axes is not None:
            v = ops.sum(self.axes * v[:, None], 0)
        log_rho = self.log_weight - ops.sum(v * v * self.half_precision, 0)
        top = ops.max(log_rho, 0)
        rho = ops.exp(log_rho - top)
        return v, rho, ops.sum(rho, 0), top

    def _mean(self, v: _Array, rho: _Array, total: _Array) -> _Array:
        return self.ops.sum(rho * (self.means + self._rotate_back(self.gain * v)), 1) / total

    def _rotate_back(self, v: _Array) -> _Array:
        """Return Q v with shape (d, J, B)."""
        return v if self.axes is None else self.ops.sum(self.axes * v[None], 1)


class ModeConstants(NamedTuple):
    """A mixture at successive noises, in float64; after the last of R the noise stays.

    Attributes:
        means: μ with shape (J, d).
        axes: Q with shape (J, d, d), Q[j, a, b] being coordinate a of axis b.
        half_precision: (λ + τ²)⁻¹/2 with shape (R, J, d).
        gain: λ (λ + τ²)⁻¹ with shape (R, J, d).
        log_weight: log w − ½ Σ log(λ + τ²), shifted to maximum 0, with shape (R, J).
    """

    means: NDArray[np.float64]
    axes: NDArray[np.float64]
    half_precision: NDArray[np.float64]
    gain: NDArray[np.float64]
    log_weight: NDArray[np.float64]

    def at(self, number: int) -> ModeConstants:
        """Return those of one noise."""
        one = slice(number, number + 1)
        return ModeConstants(self.means, self.axes, self.half_precision[one], self.gain[one], self.log_weight[one])

    def since(self, number: int) -> ModeConstants:
        """Return those from some number on."""
        if len(self.gain) == 1:
            return self
        first = min(number, len(self.gain) - 1)
        later = (part[first:] for part in (self.half_precision, self.gain, self.log_weight))
        return ModeConstants(self.means, self.axes, *later)


class ExactDenoiser:
    """The posterior mean and the joint score of a Gaussian mixture, for any number of copies.

    Attributes:
        mixture: The distribution of the clean data.
        rotated: Whether the axes of any mode differ from those of the coordinates.
    """

    def __init__(self, mixture: GaussianMixture) -> None:
        self.mixture = mixture
        self.rotated = not mixture.is_diagonal
        means, variances, axes, weights = (
            part.detach().cpu().double() for part in (mixture.means, mixture.eigenvalues, mixture.axes, mixture.weights)
        )
        self._means = means.T.unsqueeze(-1).numpy()
        self._variances = variances.T.unsqueeze(-1).numpy()
        self._axes = axes.permute(1, 2, 0).unsqueeze(-1).numpy() if self.rotated else None
        self._log_weights = weights.log().unsqueeze(-1).numpy()
        # Mode by mode, for `constants`.
        self._by_mode = tuple(np.ascontiguousarray(part.numpy()) for part in (means, variances, axes))
        self._last: tuple[tuple[object, ...], _Level] | None = None
        self._fixed: tuple[_Layout, _Array, _Array | None] | None = None

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the exact posterior for y (B, k, d), float32 or float64, each chain independent of the others."""
        if y.shape[0] == 1:
            # numpy sums a single column in another order than several: use at least two chains.
            twice = self(torch.cat((y, y)), sigma.expand(2) if isinstance(sigma, Tensor) else sigma)
            return Posterior(twice.mean[:1], lambda: twice.score[:1])
        return self._estimate(y, sigma)[0]

    def density(self, y: Tensor, sigma: float) -> tuple[Posterior, Tensor]:
        """Return the exact posterior and the joint log density of all k copies (theory §3, fact 2).

        Args:
            y: The copies with shape (B, k, d), float32 or float64.
            sigma: Noise of one copy, positive.

        Returns:
            The posterior, and log p_{σ_eff}(ȳ) − Σ_i ‖y_i − ȳ‖²/(2σ²) − ((k−1)d/2) log(2πσ²) − (d/2) log k with shape
            (B,), each chain independent of the others.
        """
        if y.shape[0] == 1:
            twice, both = self.density(torch.cat((y, y)), sigma)
            return Posterior(twice.mean[:1], lambda: twice.score[:1]), both[:1]
        k, d = y.shape[1:]
        posterior, log_density = self._estimate(y, sigma)
        spread = (y - y.mean(1, keepdim=True)).square().sum((1, 2)) / (2 * sigma**2)
        constant = (k - 1) * d / 2 * math.log(2 * math.pi * sigma**2) + d / 2 * math.log(k)
        return posterior, log_density() - spread - constant

    def clean_score(self, x: Tensor) -> Tensor:
        """Return ∇ log p(x) of data with shape (B, d), float32 or float64, each independent of the others.

        Points have no density without noise: their score is infinite.
        """
        if len(x) == 1:
            return self.clean_score(torch.cat((x, x)))[:1]
        level, y = self._level(x.unsqueeze(1), 0.0), x.unsqueeze(1)
        if level.ops is _TORCH:
            score: Tensor = level.estimate(y.permute(1, 2, 0))[1]().mT
            return score
        with np.errstate(all="ignore"):
            return torch.from_numpy(level.estimate(y.numpy().transpose(1, 2, 0))[1]().T)

    def _estimate(self, y: Tensor, sigma: float | Tensor) -> tuple[Posterior, Callable[[], Tensor]]:
        """Return the posterior of at least two chains, and a function for log p_{σ_eff}(ȳ) with shape (B,)."""
        level = self._level(y, sigma)
        if level.ops is _TORCH:
            mean, score, log_density = level.estimate(y.permute(1, 2, 0))
            return Posterior(mean.mT, lambda: _joint_score(y, sigma, score().mT)), log_density
        mean, score, log_density = _quiet_estimate(level, y.numpy().transpose(1, 2, 0))
        posterior = Posterior(torch.from_numpy(mean.T), lambda: _joint_score(y, sigma, torch.from_numpy(score().T)))
        return posterior, lambda: torch.from_numpy(log_density())

    def draw(self, y: Tensor, sigma: float, noise: Noise) -> Tensor:
        """Draw x for y (B, k, d), float32 or float64; each chain uses its own first random numbers."""
        u, z = noise.uniform()[:, 0, 0].to(y), noise.normal()[:, 0].to(y)
        if y.shape[0] == 1:
            y, u, z = (torch.cat((part, part)) for part in (y, u, z))
            return self._draw(y, sigma, u, z)[:1]
        return self._draw(y, sigma, u, z)

    def _draw(self, y: Tensor, sigma: float, u: Tensor, z: Tensor) -> Tensor:
        level = self._level(y, sigma)
        if level.ops is _TORCH:
            drawn: Tensor = level.draw(y.permute(1, 2, 0), u, z.mT)
            return drawn.mT
        return torch.from_numpy(_quiet_draw(level, y.numpy().transpose(1, 2, 0), u.numpy(), z.numpy().T).T)

    def constants(self, k: int, noises: Sequence[float]) -> ModeConstants:
        """Return the constants of the formulas above at some noises, for loops over modes and axes.

        Args:
            k: Number of copies.
            noises: Noise of one copy, for one step or more.
        """
        means, variances, axes = self._by_mode
        total = variances + np.array([sigma**2 / k for sigma in noises])[:, None, None]
        log_weight = self._log_weights[:, 0] - 0.5 * np.log(total).sum(-1)
        log_weight -= log_weight.max(1, keepdims=True)
        return ModeConstants(means, axes, 0.5 / total, variances / total, log_weight)

    def _level(self, y: Tensor, sigma: float | Tensor) -> _Level:
        """Return the constants, cached while the noise is one constant number."""
        if isinstance(sigma, Tensor):
            return self._prepare(y, sigma.detach().cpu().double().numpy())
        key = (sigma, y.shape, y.dtype, y.device, y.requires_grad)
        if self._last is None or self._last[0] != key:
            self._last = (key, self._prepare(y, np.array([sigma], dtype=np.float64)))
        return self._last[1]

    def _prepare(self, y: Tensor, sigma: _Array) -> _Level:
        """Prepare the constants for copies y (B, k, d) at noises with shape (B,) or (1,), in float64."""
        chains, k = y.shape[:2]
        by_numpy = y.device.type == "cpu" and not y.requires_grad
        layout = _Layout(chains, y.dtype, y.device, by_numpy)
        if self._fixed is None or self._fixed[0] != layout:
            self._fixed = (layout, layout(self._means), None if self._axes is None else layout(self._axes))
        total = self._variances + sigma**2 / k
        log_weight = self._log_weights - 0.5 * np.log(total).sum(0)
        top = log_weight.max(0)
        return _Level(
            ops=_NUMPY if by_numpy else _TORCH,
            share=y.new_tensor(1 / k).numpy() if by_numpy else 1 / k,
            means=self._fixed[1],
            axes=self._fixed[2],
            half_precision=layout(0.5 / total),
            gain=layout(self._variances / total),
            spread=layout(np.sqrt(self._variances * (sigma**2 / k) / total)),
            # Only differences matter; the subtraction preserves float32 precision at tiny or huge noise.
            log_weight=layout(log_weight - top),
            log_scale=layout(top - 0.5 * len(self._means) * math.log(2 * math.pi)),
        )


@dataclass(frozen=True)
class _Layout:
    """Layout of constants: number of chains, dtype, device, and numpy or torch."""

    chains: int
    dtype: torch.dtype
    device: torch.device
    by_numpy: bool

    def __call__(self, constant: _Array) -> _Array:
        """Return a float64 array with shape (..., 1) or (..., B) as one with shape (..., B)."""
        wide = np.broadcast_to(constant, (*constant.shape[:-1], self.chains))
        if self.by_numpy:
            return np.ascontiguousarray(wide, dtype=np.float64 if self.dtype == torch.float64 else np.float32)
        return torch.tensor(wide, dtype=self.dtype, device=self.device)


# A diverging chain (r ≥ 2) becomes infinite and then NaN, which the job reports.
@np.errstate(all="ignore")
def _quiet_estimate(level: _Level, y: _Array) -> _Estimate:
    return level.estimate(y)


@np.errstate(all="ignore")
def _quiet_draw(level: _Level, y: _Array, u: _Array, z: _Array) -> _Array:
    return level.draw(y, u, z)


def _joint_score(y: Tensor, sigma: float | Tensor, score_of_mean: Tensor) -> Tensor:
    """Return the joint score with shape (B, k, d) from the score of ȳ with shape (B, d)."""
    residuals = (y.mean(1, keepdim=True) - y) / per_chain(sigma, y) ** 2
    return residuals + (score_of_mean / y.shape[1]).unsqueeze(1)
