"""The formulas of `philox` compiled for the CPU, bit for bit equal to numpy's and without the GIL.

The import loads numba and cached machine code, or compiles for seconds: see `compiled`.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir
import numpy as np
from numba import float32, int32, njit, types, uint32, uint64, void
from numba.extending import intrinsic

from msd_engine.backend import philox as formulas
from msd_engine.backend.compiled import options

_M0, _M1 = (uint64(m) for m in formulas.MULTIPLIERS)
_W0, _W1 = (uint32(w) for w in formulas.WEYL)
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = (np.float32(c) for c in formulas.LOG_POLYNOMIAL)
_S0, _S1, _S2 = (np.float32(c) for c in formulas.SIN_POLYNOMIAL)
_C0, _C1, _C2 = (np.float32(c) for c in formulas.COS_POLYNOMIAL)
_LOG_2_LOW, _LOG_2_HIGH = np.float32(formulas.LOG_2_LOW), np.float32(formulas.LOG_2_HIGH)
_QUARTER_TURN = np.float32(formulas.QUARTER_TURN)
_ROOT_2 = np.float32(1.41421356)
_HALF, _ONE, _TWO = np.float32(0.5), np.float32(1.0), np.float32(2.0)
_2_32, _2_24 = np.float32(2.0**-32), np.float32(2.0**-24)
# Blocks of four numbers per vector: sixteen words fill an AVX-512 register.
LANES = 16
_OPTIONS = options()


def bitcast(result: Any, llvm: Any) -> Any:
    """Return a function for compiled code that reinterprets the bits of a number as another type of the same width."""

    @intrinsic
    def cast(_typing: Any, value: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], llvm)

        return result(value), generate

    return cast


_as_uint32 = bitcast(types.uint32, llvmlite.ir.IntType(32))
_as_float32 = bitcast(types.float32, llvmlite.ir.FloatType())


@njit(inline="always")
def _philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    for _ in range(10):
        p0 = uint64(c0) * _M0
        p1 = uint64(c2) * _M1
        c0 = uint32(p1 >> uint64(32)) ^ c1 ^ k0
        c1 = uint32(p1)
        c2 = uint32(p0 >> uint64(32)) ^ c3 ^ k1
        c3 = uint32(p0)
        k0 = uint32(k0 + _W0)
        k1 = uint32(k1 + _W1)
    return c0, c1, c2, c3


@njit(inline="always")
def _normal_pair(a, b):  # type: ignore[no-untyped-def]
    u = (float32(a) + _HALF) * _2_32
    bits = int32(_as_uint32(u))
    exponent = (bits >> int32(23)) - int32(127)
    fraction = _as_float32(uint32((bits & int32(0x7FFFFF)) | int32(0x3F800000)))
    large = fraction > _ROOT_2
    f = (fraction * _HALF if large else fraction) - _ONE
    e = float32(exponent + int32(1) if large else exponent)
    square = f * f
    p = f * _L0 + _L1
    p = p * f + _L2
    p = p * f + _L3
    p = p * f + _L4
    p = p * f + _L5
    p = p * f + _L6
    p = p * f + _L7
    p = p * f + _L8
    log = p * f * square + e * _LOG_2_LOW - square * _HALF + f + e * _LOG_2_HIGH
    radius = np.sqrt(log * -_TWO)
    quarter = uint32(uint32(b + uint32(0x20000000)) >> uint32(30))
    rest = int32(uint32(b - uint32(quarter << uint32(30))))
    x = float32(rest) * _QUARTER_TURN
    square = x * x
    sine = ((square * _S0 + _S1) * square + _S2) * square * x + x
    cosine = ((square * _C0 + _C1) * square + _C2) * square * square - square * _HALF + _ONE
    odd = (quarter & uint32(1)) != uint32(0)
    first = sine if odd else cosine
    second = cosine if odd else sine
    first = -first if (quarter + uint32(1)) & uint32(2) else first
    second = -second if quarter & uint32(2) else second
    return radius * first, radius * second


@njit(inline="always")
def normal_lanes(z, block, draw, chains, offset, stream, k0, k1):  # type: ignore[no-untyped-def]
    """Compute one block of four numbers for several chains, one per lane.

    Args:
        z: Output with shape (4, lanes), float32.
        block: Index of the four numbers within a draw.
        draw: Number of the draw.
        chains: Numbers of the chains, uint32.
        offset: Index of the first of them.
        stream: Last word of the counter.
        k0: First word of the key.
        k1: Second word of the key.
    """
    for lane in range(z.shape[1]):
        w0, w1, w2, w3 = _philox(block, draw, chains[offset + lane], stream, k0, k1)
        z[0, lane], z[1, lane] = _normal_pair(w0, w1)
        z[2, lane], z[3, lane] = _normal_pair(w2, w3)


@njit(inline="always")
def _uniform_of(word):  # type: ignore[no-untyped-def]
    return float32(word >> uint32(8)) * _2_24


@njit(inline="always")
def _fill_short(out, chains, first, stream, k0, k1, lanes):  # type: ignore[no-untyped-def]
    """Fill short rows, many chains per vector."""
    draws, rows, count = out.shape
    z = np.empty((4, lanes), dtype=np.float32)
    numbers = np.zeros(lanes, dtype=np.uint32)
    for start in range(0, rows, lanes):
        width = min(lanes, rows - start)
        numbers[:width] = chains[start : start + width]
        for draw in range(draws):
            for block in range((count + 3) // 4):
                normal_lanes(z, uint32(block), uint32(first + uint32(draw)), numbers, 0, stream, k0, k1)
                for part in range(min(4, count - 4 * block)):
                    for lane in range(width):
                        out[draw, start + lane, 4 * block + part] = z[part, lane]


@njit(void(float32[:, :, ::1], uint32[::1], uint32, uint32, uint32, uint32), **_OPTIONS)
def fill_normal(out, chains, first, stream, k0, k1):  # type: ignore[no-untyped-def]
    """Fill an array with standard normal numbers.

    Args:
        out: Output with shape (draws, chains, count), float32.
        chains: Number of each chain, uint32.
        first: Number of the first draw.
        stream: Last word of the counter.
        k0: First word of the key.
        k1: Second word of the key.
    """
    draws, rows, count = out.shape
    if count < 4 * LANES:
        _fill_short(out, chains, first, stream, k0, k1, LANES)
        return
    whole = count // 4
    last = np.empty(4, dtype=np.float32)
    for draw in range(draws):
        number = uint32(first + uint32(draw))
        for row in range(rows):
            chain, line = chains[row], out[draw, row]
            for block in range(whole):
                w0, w1, w2, w3 = _philox(uint32(block), number, chain, stream, k0, k1)
                line[4 * block], line[4 * block + 1] = _normal_pair(w0, w1)
                line[4 * block + 2], line[4 * block + 3] = _normal_pair(w2, w3)
            if 4 * whole < count:
                w0, w1, w2, w3 = _philox(uint32(whole), number, chain, stream, k0, k1)
                last[0], last[1] = _normal_pair(w0, w1)
                last[2], last[3] = _normal_pair(w2, w3)
                line[4 * whole :] = last[: count - 4 * whole]


@njit(void(float32[:, :, ::1], uint32[::1], uint32, uint32, uint32, uint32), **_OPTIONS)
def fill_uniform(out, chains, first, stream, k0, k1):  # type: ignore[no-untyped-def]
    """Fill an array with numbers uniform in [0, 1); arguments as `fill_normal`."""
    draws, rows, count = out.shape
    last = np.empty(4, dtype=np.float32)
    for draw in range(draws):
        number = uint32(first + uint32(draw))
        for row in range(rows):
            chain, line = chains[row], out[draw, row]
            for block in range((count + 3) // 4):
                w0, w1, w2, w3 = _philox(uint32(block), number, chain, stream, k0, k1)
                last[0], last[1] = _uniform_of(w0), _uniform_of(w1)
                last[2], last[3] = _uniform_of(w2), _uniform_of(w3)
                rest = min(4, count - 4 * block)
                line[4 * block : 4 * block + rest] = last[:rest]
