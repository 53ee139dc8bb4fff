"""Philox4x32-10 and Box–Muller: random numbers as a function of a key and a counter, with no state between them.

Philox (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") turns a counter of four 32-bit words into
four random ones by ten rounds of multiplications. Two words a, b make two normal numbers,

    z = √(−2 ln u) (cos 2πv, sin 2πv),   u = (a + ½) 2⁻³²,  v = b 2⁻³²,

with logarithm, sine and cosine as the single-precision polynomials of the Cephes library. Every operation is one
correctly rounded operation of float32, in one order: numpy, torch, the compiled code of `philox_numba` and the kernel
of `philox_cuda` give the same bits.

The formulas here are written once for arrays of numpy and tensors of torch; both hold the words as int64.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

# A numpy array or a tensor.
Array = Any

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
LOG_POLYNOMIAL = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
LOG_2_LOW, LOG_2_HIGH = -2.12194440e-4, 0.693359375
SIN_POLYNOMIAL = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
COS_POLYNOMIAL = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
QUARTER_TURN = 1.4629180792671596e-9
"""π/2 over 2³⁰: from a 32-bit fraction of a turn to radians."""

_WORD = 0xFFFFFFFF


@dataclass(frozen=True)
class Operations:
    """The few operations that numpy and torch spell differently.

    Attributes:
        library: numpy or torch.
    """

    library: ModuleType

    def cast(self, a: Array, kind: str) -> Array:
        """Convert numbers to ``float32``, ``int32`` or ``int64``, rounding to nearest."""
        dtype = getattr(self.library, kind)
        return a.astype(dtype) if self.library is np else a.to(dtype)

    def bits(self, a: Array, kind: str) -> Array:
        """Read the bits of float32 as int32, or the reverse."""
        return a.view(getattr(self.library, kind))

    def where(self, condition: Array, a: Array, b: Array) -> Array:
        """Choose from `a` where the condition holds, else from `b`."""
        return self.library.where(condition, a, b)

    def sqrt(self, a: Array) -> Array:
        """Return the square root, correctly rounded; torch's own float32 root on a CPU is not."""
        if self.library is np:
            return np.sqrt(a)
        # Imported where it is used: without torch the formulas are compiled seconds sooner.
        from msd_engine.backend.device import widest_float

        return a.to(widest_float(a.device)).sqrt().float()


def philox(counter: tuple[Array, Array, Array, Array], key: tuple[int, int]) -> tuple[Array, Array, Array, Array]:
    """Turn counters into random words.

    Args:
        counter: Four arrays of int64 that broadcast together, each word from 0 to 2³² − 1.
        key: Two words.

    Returns:
        Four arrays of int64 with words from 0 to 2³² − 1.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        p0, p1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        # The upper half of a product: int64 shifts its sign in, the mask takes it out again.
        c0, c1, c2, c3 = ((p1 >> 32) & _WORD) ^ c1 ^ k0, p1 & _WORD, ((p0 >> 32) & _WORD) ^ c3 ^ k1, p0 & _WORD
        k0, k1 = (k0 + WEYL[0]) & _WORD, (k1 + WEYL[1]) & _WORD
    return c0, c1, c2, c3


def uniform(ops: Operations, word: Array) -> Array:
    """Turn words into numbers uniform in [0, 1), float32: multiples of 2⁻²⁴."""
    return ops.cast(word >> 8, "float32") * np.float32(2.0**-24).item()


def normal_pair(ops: Operations, a: Array, b: Array) -> tuple[Array, Array]:
    """Turn two words into two independent standard normal numbers, float32."""
    u = (ops.cast(a, "float32") + 0.5) * 2.0**-32
    radius = ops.sqrt(_log(ops, u) * -2.0)
    cosine, sine = _cos_sin(ops, b)
    return radius * cosine, radius * sine


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    value = x * coefficients[0] + coefficients[1]
    for coefficient in coefficients[2:]:
        value = value * x + coefficient
    return value


def _log(ops: Operations, u: Array) -> Array:
    """Return ln u for u in (0, 1]."""
    bits = ops.bits(u, "int32")
    exponent = (bits >> 23) - 127
    fraction = ops.bits((bits & 0x7FFFFF) | 0x3F800000, "float32")
    large = fraction > 1.41421356
    f = ops.where(large, fraction * 0.5, fraction) - 1.0
    e = ops.cast(ops.where(large, exponent + 1, exponent), "float32")
    square = f * f
    tail = _polynomial(f, LOG_POLYNOMIAL) * f * square + e * LOG_2_LOW
    return tail - square * 0.5 + f + e * LOG_2_HIGH


def _cos_sin(ops: Operations, word: Array) -> tuple[Array, Array]:
    """Return cosine and sine of 2π word/2³²."""
    quarter = ((word + 0x20000000) >> 30) & 3
    # From −π/4 to π/4 about the nearest quarter turn; the signed 32 bits of the difference.
    rest = ((word - (quarter << 30) + 0x80000000) & _WORD) - 0x80000000
    x = ops.cast(rest, "float32") * QUARTER_TURN
    square = x * x
    sine = _polynomial(square, SIN_POLYNOMIAL) * square * x + x
    cosine = _polynomial(square, COS_POLYNOMIAL) * square * square - square * 0.5 + 1.0
    odd = (quarter & 1) == 1
    first, second = ops.where(odd, sine, cosine), ops.where(odd, cosine, sine)
    return ops.where(((quarter + 1) & 2) == 2, -first, first), ops.where(quarter >= 2, -second, second)
