"""The formulas of `philox` as one CUDA kernel, compiled by NVRTC, which comes with torch.

The intrinsics ending in ``_rn`` are single correctly rounded operations that the compiler may not fuse, so that the
numbers equal those of the CPU to the bit.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from msd_engine.backend import philox as formulas

_THREADS = 256


def _polynomial(x: str, coefficients: tuple[float, ...]) -> str:
    value = f"ADD(MUL({x}, {coefficients[0]!r}f), {coefficients[1]!r}f)"
    for coefficient in coefficients[2:]:
        value = f"ADD(MUL({value}, {x}), {coefficient!r}f)"
    return value


SOURCE = f"""
#define ADD __fadd_rn
#define MUL __fmul_rn

__device__ void normal_pair(unsigned a, unsigned b, float* z) {{
    float u = MUL(ADD(__uint2float_rn(a), 0.5f), {2.0**-32!r}f);
    int bits = __float_as_int(u);
    int exponent = (bits >> 23) - 127;
    float fraction = __int_as_float((bits & 0x7FFFFF) | 0x3F800000);
    bool large = fraction > 1.41421356f;
    float f = ADD(large ? MUL(fraction, 0.5f) : fraction, -1.0f);
    float e = __int2float_rn(large ? exponent + 1 : exponent);
    float square = MUL(f, f);
    float p = {_polynomial("f", formulas.LOG_POLYNOMIAL)};
    float tail = ADD(MUL(MUL(p, f), square), MUL(e, {formulas.LOG_2_LOW!r}f));
    float log = ADD(ADD(ADD(tail, -MUL(square, 0.5f)), f), MUL(e, {formulas.LOG_2_HIGH!r}f));
    float radius = __fsqrt_rn(MUL(log, -2.0f));
    unsigned quarter = (b + 0x20000000u) >> 30;
    float x = MUL(__int2float_rn((int)(b - (quarter << 30))), {formulas.QUARTER_TURN!r}f);
    square = MUL(x, x);
    float sine = ADD(MUL(MUL({_polynomial("square", formulas.SIN_POLYNOMIAL)}, square), x), x);
    float cosine = ADD(ADD(MUL(MUL({_polynomial("square", formulas.COS_POLYNOMIAL)}, square), square),
                           -MUL(square, 0.5f)), 1.0f);
    float first = quarter & 1 ? sine : cosine, second = quarter & 1 ? cosine : sine;
    z[0] = MUL(radius, (quarter + 1) & 2 ? -first : first);
    z[1] = MUL(radius, quarter & 2 ? -second : second);
}}

extern "C" __global__ void fill(float* out, const int* chains, const long long* offset, int draws, int rows, int count,
                                int first, int stream, int k0, int k1, int normal) {{
    long long blocks = (count + 3) / 4, total = (long long)draws * rows * blocks;
    long long start = (long long)blockIdx.x * blockDim.x + threadIdx.x, stride = (long long)gridDim.x * blockDim.x;
    for (long long place = start; place < total; place += stride) {{
        long long block = place % blocks, row = place / blocks % rows, draw = place / blocks / rows;
        unsigned c0 = block, c1 = first + offset[0] + draw, c2 = chains[row], c3 = stream, key0 = k0, key1 = k1;
        for (int round = 0; round < {formulas.ROUNDS}; ++round) {{
            unsigned high0 = __umulhi(c0, {formulas.MULTIPLIERS[0]}u), low0 = c0 * {formulas.MULTIPLIERS[0]}u;
            unsigned high1 = __umulhi(c2, {formulas.MULTIPLIERS[1]}u), low1 = c2 * {formulas.MULTIPLIERS[1]}u;
            c0 = high1 ^ c1 ^ key0;
            c1 = low1;
            c2 = high0 ^ c3 ^ key1;
            c3 = low0;
            key0 += {formulas.WEYL[0]}u;
            key1 += {formulas.WEYL[1]}u;
        }}
        float z[4];
        if (normal) {{
            normal_pair(c0, c1, z);
            normal_pair(c2, c3, z + 2);
        }} else {{
            unsigned words[4] = {{c0, c1, c2, c3}};
            for (int i = 0; i < 4; ++i) z[i] = MUL(__uint2float_rn(words[i] >> 8), {2.0**-24!r}f);
        }}
        float* line = out + (draw * rows + row) * count + 4 * block;
        int rest = count - 4 * (int)block;
        for (int i = 0; i < 4 && i < rest; ++i) line[i] = z[i];
    }}
}}
"""


@functools.lru_cache(maxsize=8)
def _kernel(device: torch.device) -> Any:
    with torch.cuda.device(device):
        # Newer releases have a public name for it.
        return getattr(torch.cuda, "_compile_kernel")(SOURCE, "fill")  # noqa: B009 - not in every stub


def fill(
    out: Tensor, chains: Tensor, offset: Tensor, *, first: int, stream: int, key: tuple[int, int], normal: bool
) -> None:
    """Fill a tensor with random numbers, without transfers between host and card.

    Args:
        out: Output with shape (draws, chains, count), float32, contiguous.
        chains: Number of each chain, int32, on the card.
        offset: Added to the number of the first draw; with shape (1,), int64, on the card, read when the kernel runs.
        first: Number of the first draw.
        stream: Last word of the counter.
        key: Two words.
        normal: Standard normal numbers, else uniform ones in [0, 1).
    """
    draws, rows, count = out.shape
    threads = draws * rows * ((count + 3) // 4)
    grid = max(1, min((threads + _THREADS - 1) // _THREADS, 65535))
    words = [_signed(word) for word in (first, stream, *key)]
    with torch.cuda.device(out.device):
        _kernel(out.device)(
            grid=(grid, 1, 1),
            block=(_THREADS, 1, 1),
            args=[out, chains, offset, draws, rows, count, *words, int(normal)],
        )


def _signed(word: int) -> int:
    """Return the signed number with the bits of a 32-bit word, for a C int."""
    word &= 0xFFFFFFFF
    return word - 2**32 if word >= 2**31 else word
