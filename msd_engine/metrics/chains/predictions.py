"""Theory of the ends of chains in a Gaussian mixture, where there is one.

* One Gaussian: every step is linear, so the variance of ȳ follows exactly from that of the chains' start.
* Modes nearly separate at the last noise: in each mode chains move as in a Gaussian from the level where the modes
  become nearly separate. Their arrival there is unknown; so this holds if the rest of the ladder forgets it, which a
  flow never does.
* Modes that overlap at the last noise: no mode has its own recursion. There the widths are those of exact draws,
  provided that the sampler keeps the correct law at every level and its first two levels forget the start.

The same last jump and the same measurement of draws from the modes then give the widths. In all other cases there is
no prediction, and NaN is returned.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.metrics.chains.ladders import noise_at_ends, variances
from msd_engine.samplers.descent import Descent
from msd_engine.samplers.registry import DYNAMICS
from msd_engine.specs.tables.samplers import Sampler

_Array = NDArray[np.float64]

# Modes are nearly separate if their means are at least the first number of joint standard deviations apart, and
# separate beyond the second.
_APART, _FAR = 2.25, 3.3
# Negligible relative error of a variance: 0.5 % of a standard deviation.
_TOLERANCE = 0.01
_DRAWS, _LEAST_DRAWS = 2**13, 2**9
# Number of cached results: another seed, for example, leaves the result unchanged.
_KEPT = 64


def predicted_std(
    mixture: GaussianMixture, sampler: Sampler, descent: Descent, k: int, start: float, counts: _Array, *, jump: bool
) -> float:
    """Predict the standard deviation of samples about the means of their modes.

    Args:
        mixture: The target, in float64 on the CPU.
        sampler: The dynamics.
        descent: The ladder and the steps.
        k: Number of copies.
        start: Variance along every axis of the shared start of the copies of a chain.
        counts: Number of samples in each mode, with shape (J,): sums of `GaussianMixture.responsibilities`.
        jump: Whether the samples are x̂ (else ȳ).

    Returns:
        The expected `within_std` of so many samples at the end of the ladder; NaN without a prediction.
    """
    of_modes = _variances_of(mixture, sampler, descent, k, start, jump)
    # Weighted as in `within_std`.
    freedom = np.where(counts > 1, counts - 1, 0.0)
    if of_modes is None or not freedom.any():
        return math.nan
    return math.sqrt(freedom @ of_modes(counts) / freedom.sum())


@functools.lru_cache(maxsize=_KEPT)
def _variances_of(
    mixture: GaussianMixture, sampler: Sampler, descent: Descent, k: int, start: float, jump: bool
) -> Callable[[_Array], _Array] | None:
    """Return a function from the counts of the modes to the variances of samples, both (J,); None without theory."""
    data, tau_squared = mixture.eigenvalues.numpy(), np.square(noise_at_ends(sampler, descent)) / k
    begun, gain = start + descent.ladder[0] ** 2 / k, np.square(data / (data + tau_squared[-1])) if jump else 1.0
    if len(data) == 1:
        alone = (gain * variances(sampler, descent, k, data[0], np.full(data.shape[1], begun))[-1:]).mean(1)
        return lambda _counts: alone
    if not DYNAMICS[sampler].LAW.separate:
        # The first copies do not tell the modes apart, whatever the last noise.
        return None
    right = variances(sampler, descent, k, data.ravel()).reshape(-1, *data.shape)
    if not np.isfinite(right).all():
        return None
    widest = np.array([np.linalg.eigvalsh(_covariance(mixture))[-1]])
    most = float(widest[0] + begun)
    distances = [_least_distance(mixture, level) for level in right]
    if distances[-1] >= _APART:
        first = max((level + 1 for level, distance in enumerate(distances) if distance < _APART), default=0)
        noise = next(descent.noises(first * descent.steps_per_level))
        low, high = _ends(sampler, replace(descent, ladder=descent.ladder[first:], begins=noise), k, data.ravel(), most)
        along = high.reshape(data.shape)
        if not _alike(low, high):
            return None
        if distances[-1] >= _FAR:
            far = (gain * along).mean(1)
            return lambda _counts: far
    else:
        along = data + tau_squared[-1]
        top = replace(descent, ladder=descent.ladder[:2])
        keeps = _alike(right, data + tau_squared[:, None, None])
        if not (keeps and _alike(*_ends(sampler, top, k, widest, most))):
            return None
    return _of_draws(mixture, along, tau_squared[-1], jump)


def _of_draws(mixture: GaussianMixture, along: _Array, tau_squared: float, jump: bool) -> Callable[[_Array], _Array]:
    """Return a function from the variances of ȳ along the axes of the modes, with shape (J, d), to those of samples."""
    modes, dim = along.shape
    count, tau = max(_LEAST_DRAWS, _DRAWS // modes), math.sqrt(tau_squared)
    z = torch.randn(count, dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # Exactly of mean 0 and covariance 1, which removes the draws' randomness in one Gaussian.
    z = z - z.mean(0)
    z = torch.linalg.solve_triangular(torch.linalg.cholesky(z.T @ z / count), z.T, upper=False).T
    half = mixture.axes * torch.from_numpy(np.sqrt(along))[:, None]
    y = (mixture.means[:, None] + z @ half.mT).flatten(0, 1)
    x = ExactDenoiser(mixture)(y[:, None], tau).mean if jump else y
    rho = mixture.responsibilities(y, tau)
    seeming = rho.reshape(modes, count, modes).mean(1).T

    def of_modes(counts: _Array) -> _Array:
        # How many chains are in each mode, so that so many seem to be.
        there = torch.linalg.lstsq(seeming, torch.from_numpy(counts)[:, None]).solution.clamp(min=0)
        part = rho * there.repeat_interleave(count, 0)
        part = part / part.sum(0).clamp(min=torch.finfo(part.dtype).tiny)
        found: _Array = (part * torch.cdist(x, part.T @ x).square()).sum(0).numpy() / dim
        return found

    return of_modes


def _ends(sampler: Sampler, descent: Descent, k: int, data: _Array, most: float) -> tuple[_Array, _Array]:
    """Return the last variances, with shape (m,), of chains that start with variance 0 and with the greatest one."""
    none = np.zeros(len(data))
    return variances(sampler, descent, k, data, none)[-1], variances(sampler, descent, k, data, none + most)[-1]


def _alike(found: _Array, wanted: _Array) -> bool:
    return bool((np.abs(found - wanted) <= _TOLERANCE * wanted).all())


def _covariance(mixture: GaussianMixture) -> _Array:
    centred = mixture.means - mixture.mean
    spread = mixture.covariances + centred[:, :, None] * centred[:, None, :]
    found: _Array = torch.einsum("j,jab->ab", mixture.weights, spread).numpy()
    return found


@np.errstate(invalid="ignore", divide="ignore")
def _least_distance(mixture: GaussianMixture, along: _Array) -> float:
    """Return the least distance of two modes, in units of the stds from `along`, with shape (J, d)."""
    means, axes = mixture.means.numpy(), mixture.axes.numpy()
    one, other = np.triu_indices(len(means), 1)
    between = means[one] - means[other]
    reach = np.linalg.norm(between, axis=1)
    schedule = between / reach[:, None]
    # √(uᵀ C u) along the unit vector u between two modes, for both of them.
    stds = [np.sqrt((np.square((schedule[:, None] @ axes[of])[:, 0]) * along[of]).sum(1)) for of in (one, other)]
    return float(np.nan_to_num(reach / (stds[0] + stds[1])).min())
