"""The steps of `samplers.twin` compiled for the CPU: noise, posterior and both recursions in one pass.

Each chain fills one lane of a vector register; its arithmetic is that of `twin` operation by operation, so the bits are
the same.
"""

from __future__ import annotations

import llvmlite.ir
import numpy as np
from numba import float32, float64, int64, njit, types, uint32, void

from msd_engine.backend.compiled import options
from msd_engine.backend.philox_numba import bitcast, normal_lanes
from msd_engine.samplers import exponential

_P0, _P1, _P2 = exponential.EXP_NUMERATOR
_Q0, _Q1, _Q2, _Q3 = exponential.EXP_DENOMINATOR
_ROUNDING = exponential.ROUNDING
_LOG_2_HIGH, _LOG_2_LOW, _LOG2_E = exponential.LOG_2_HIGH, exponential.LOG_2_LOW, exponential.LOG2_E
_LEAST = exponential.LEAST_EXPONENT


_as_float64 = bitcast(types.float64, llvmlite.ir.DoubleType())
_as_int64 = bitcast(types.int64, llvmlite.ir.IntType(64))


@njit(inline="always")
def _exp(x):  # type: ignore[no-untyped-def]
    x = x if x > _LEAST else _LEAST  # noqa: FURB136 - NaN becomes the least
    shifted = x * _LOG2_E + _ROUNDING
    whole = shifted - _ROUNDING
    x = x - whole * _LOG_2_HIGH - whole * _LOG_2_LOW
    square = x * x
    odd = ((square * _P0 + _P1) * square + _P2) * x
    even = ((square * _Q0 + _Q1) * square + _Q2) * square + _Q3
    return (odd / (even - odd) * 2.0 + 1.0) * _as_float64((_as_int64(shifted) + int64(1023)) << int64(52))


@njit(inline="always")
def _modes(v, rho, mean, means, axes, rotated, half_precision, log_weight):  # type: ignore[no-untyped-def]
    """Write Qᵀ(ȳ − μ) to v (J, d, lanes) and the exponents of the responsibilities to rho (J, lanes)."""
    modes, dim = means.shape
    lanes = rho.shape[1]
    for j in range(modes):
        for a in range(dim):
            if rotated:
                for lane in range(lanes):
                    v[j, a, lane] = axes[j, 0, a] * (mean[0, lane] - means[j, 0])
                for b in range(1, dim):
                    for lane in range(lanes):
                        v[j, a, lane] += axes[j, b, a] * (mean[b, lane] - means[j, b])
            else:
                for lane in range(lanes):
                    v[j, a, lane] = mean[a, lane] - means[j, a]
        for lane in range(lanes):
            rho[j, lane] = v[j, 0, lane] * v[j, 0, lane] * half_precision[j, 0]
        for a in range(1, dim):
            for lane in range(lanes):
                rho[j, lane] += v[j, a, lane] * v[j, a, lane] * half_precision[j, a]
        for lane in range(lanes):
            rho[j, lane] = log_weight[j] - rho[j, lane]


@njit(inline="always")
def _responsibilities(rho, total):  # type: ignore[no-untyped-def]
    """Turn exponents into unnormalised responsibilities, and write their sum to `total`."""
    modes, lanes = rho.shape
    for lane in range(lanes):
        total[lane] = rho[0, lane]
    for j in range(1, modes):
        for lane in range(lanes):
            total[lane] = rho[j, lane] if rho[j, lane] > total[lane] else total[lane]  # noqa: FURB136
    for j in range(modes):
        for lane in range(lanes):
            rho[j, lane] = _exp(rho[j, lane] - total[lane])
    for lane in range(lanes):
        total[lane] = rho[0, lane]
    for j in range(1, modes):
        for lane in range(lanes):
            total[lane] += rho[j, lane]


@njit(inline="always")
def _estimate(x_hat, mean, means, axes, rotated, half_precision, gain, log_weight, v, rho, total):  # type: ignore[no-untyped-def]
    """Write x̂ of ȳ, both with shape (d, lanes), to `x_hat`; the last three arrays are scratch memory."""
    modes, dim = means.shape
    lanes = len(total)
    _modes(v, rho, mean, means, axes, rotated, half_precision, log_weight)
    _responsibilities(rho, total)
    for b in range(dim):
        for lane in range(lanes):
            x_hat[b, lane] = 0.0
    for j in range(modes):
        for a in range(dim):
            for lane in range(lanes):
                v[j, a, lane] = gain[j, a] * v[j, a, lane]
        for b in range(dim):
            if rotated:
                # Keep `total`: the last row of v holds the sum over the axes.
                for lane in range(lanes):
                    v[modes, b, lane] = axes[j, b, 0] * v[j, 0, lane]
                for a in range(1, dim):
                    for lane in range(lanes):
                        v[modes, b, lane] += axes[j, b, a] * v[j, a, lane]
                for lane in range(lanes):
                    x_hat[b, lane] += rho[j, lane] * (means[j, b] + v[modes, b, lane])
            else:
                for lane in range(lanes):
                    x_hat[b, lane] += rho[j, lane] * (means[j, b] + v[j, b, lane])
    for b in range(dim):
        for lane in range(lanes):
            x_hat[b, lane] = x_hat[b, lane] / total[lane]


@njit(inline="always")
def _clipped(value, bound):  # type: ignore[no-untyped-def]
    value = bound if value > bound else value  # noqa: FURB136 - NaN stays NaN
    return -bound if value < -bound else value  # noqa: FURB136


@njit(inline="always")
def _draw(z, common, numbers, offset, draw, scale, stream, k0, k1, block):  # type: ignore[no-untyped-def]
    """Write √(2ε) (z_i − z̄) of one step to z (k·d, lanes) and √(2ε) z̄ to common (d, lanes)."""
    count, lanes = z.shape
    dim = len(common)
    k = count // dim
    for number in range((count + 3) // 4):
        normal_lanes(block, uint32(number), draw, numbers, offset, stream, k0, k1)
        for part in range(min(4, count - 4 * number)):
            for lane in range(lanes):
                z[4 * number + part, lane] = float64(block[part, lane])
    for c in range(dim):
        for lane in range(lanes):
            common[c, lane] = z[c, lane]
        for i in range(1, k):
            for lane in range(lanes):
                common[c, lane] += z[i * dim + c, lane]
        for lane in range(lanes):
            common[c, lane] = common[c, lane] / k
        for i in range(k):
            for lane in range(lanes):
                z[i * dim + c, lane] = (z[i * dim + c, lane] - common[c, lane]) * scale
        for lane in range(lanes):
            common[c, lane] = common[c, lane] * scale


_ARRAY_2, _ARRAY_3 = float64[:, ::1], float64[:, :, ::1]


@njit(
    void(
        _ARRAY_3,
        _ARRAY_3,
        float32[:, :, ::1],
        float32[:, :, ::1],
        uint32[::1],
        int64,
        int64,
        int64,
        int64,
        _ARRAY_2,
        _ARRAY_3,
        types.boolean,
        _ARRAY_3,
        _ARRAY_3,
        _ARRAY_2,
        int64,
        int64,
        float64[::1],
        int64,
        int64,
        float64,
        float32,
        uint32,
        uint32,
        uint32,
    ),
    **options(),
)
def walk(  # type: ignore[no-untyped-def]
    mean, residuals, path, estimates, numbers, steps, first, every, draw, means, axes, rotated, half_precision, gain,
    log_weight, span, within, scales, steps_per_level, within_level, ratio, bound, stream, k0, k1,
):  # fmt: skip
    """Walk all chains for some steps.

    Args:
        mean: ȳ with shape (tiles, d, lanes), float64; changed in place.
        residuals: y_i − ȳ with shape (tiles, k·d, lanes), float64; changed in place.
        path: Output: copies of the kept states, with shape (kept, B, k·d).
        estimates: Output: x̂ of these states, with shape (kept, B, d).
        numbers: Number of each chain with shape (tiles · lanes,).
        steps: Number of steps.
        first: Index of the first kept state.
        every: Interval of kept states.
        draw: Number of the first draw.
        means: μ with shape (J, d).
        axes: Q with shape (J, d, d).
        rotated: Whether any Q differs from I.
        half_precision: (λ + τ²)⁻¹/2 at each of R noises, with shape (R, J, d); the last noise stays.
        gain: λ (λ + τ²)⁻¹ at each noise, with shape (R, J, d).
        log_weight: Log weights at each noise, with shape (R, J).
        span: Steps at one noise.
        within: Steps already made at the first noise.
        scales: √(2ε) at each level.
        steps_per_level: Steps of a level.
        within_level: Steps already made at the first level.
        ratio: r = ε/σ².
        bound: Kept states are clipped at ± this; NaN stays NaN.
        stream: Stream of the noise.
        k0: First word of the key.
        k1: Second word of the key.
    """
    tiles, dim, lanes = mean.shape
    chains, count = path.shape[1:]
    modes, keep, last_row = len(means), 1.0 - ratio, len(gain) - 1
    v, rho, total = np.empty((modes + 1, dim, lanes)), np.empty((modes, lanes)), np.empty(lanes)
    x_hat, common, z = np.empty((dim, lanes)), np.empty((dim, lanes)), np.empty((count, lanes))
    block, state = np.empty((4, lanes), dtype=np.float32), np.empty((count, lanes), dtype=np.float32)
    for tile in range(tiles):
        ours, rest, width = mean[tile], residuals[tile], min(lanes, chains - tile * lanes)
        kept, next_kept = 0, first
        for step in range(steps):
            row = min((within + step) // span, last_row)
            scale = scales[(within_level + step) // steps_per_level]
            precision, pulled, weights = half_precision[row], gain[row], log_weight[row]
            _estimate(x_hat, ours, means, axes, rotated, precision, pulled, weights, v, rho, total)
            if step == next_kept:
                for n in range(count):
                    for lane in range(lanes):
                        state[n, lane] = _clipped(float32(rest[n, lane] + ours[n % dim, lane]), bound)
                for lane in range(width):
                    for n in range(count):
                        path[kept, tile * lanes + lane, n] = state[n, lane]
                    for c in range(dim):
                        estimates[kept, tile * lanes + lane, c] = _clipped(float32(x_hat[c, lane]), bound)
                kept, next_kept = kept + 1, next_kept + every
            _draw(z, common, numbers, tile * lanes, uint32(draw + step), scale, stream, k0, k1, block)
            for c in range(dim):
                for lane in range(lanes):
                    ours[c, lane] = ours[c, lane] * keep + x_hat[c, lane] * ratio + common[c, lane]
            for n in range(count):
                for lane in range(lanes):
                    rest[n, lane] = rest[n, lane] * keep + z[n, lane]
