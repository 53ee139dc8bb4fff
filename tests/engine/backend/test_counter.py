"""Counter-based random numbers: the published answers, the laws, and the same bits whoever computes them."""

import math
import shutil
import subprocess

import numpy as np
import pytest
import torch

from msd_engine.backend import counter, philox_cuda
from msd_engine.backend.compiled import PHILOX
from msd_engine.backend.counter import Rows, Stream
from msd_engine.backend.philox import philox

ROWS = [0, 1, 5, 1_000_003, 2**32 - 1]
# Around the last draw of 32 bits, where the counter begins again.
FIRST = 2**32 - 2


# The test vectors of Random123, the library of the authors (kat_vectors, philox4x32 with 10 rounds).
@pytest.mark.parametrize(
    ("words", "key", "answer"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_published_answers(words, key, answer):
    for make in (lambda word: np.array([word], dtype=np.int64), lambda word: torch.tensor([word])):
        assert tuple(int(word[0]) for word in philox(tuple(make(word) for word in words), key)) == answer


@pytest.mark.parametrize("law", ["normal", "uniform"])
@pytest.mark.parametrize("count", [1, 2, 16, 63, 64, 301])
def test_numpy_compiled_code_and_torch_give_the_same_bits(law, count, monkeypatch):
    compiled = PHILOX.wait()
    rows, key = Rows(ROWS), 2**35 + 17
    by_compiled = rows.draw(law, key, Stream.TRAINING_NOISE, FIRST, count, draws=4)
    by_torch = rows.draw(law, key, Stream.TRAINING_NOISE, torch.tensor([FIRST]), count, draws=4)
    monkeypatch.setattr(counter.PHILOX, "get", lambda: None)
    by_numpy = rows.draw(law, key, Stream.TRAINING_NOISE, FIRST, count, draws=4)
    assert by_compiled.shape == (4, 5, count)
    assert compiled is not None
    assert torch.equal(by_compiled, by_numpy)
    assert torch.equal(by_compiled, by_torch)


def test_a_number_depends_on_its_place_alone():
    whole = Rows(range(40)).draw("normal", 3, Stream.CHAIN_NORMAL, 0, 130, draws=6)
    part = Rows([7, 31]).draw("normal", 3, Stream.CHAIN_NORMAL, 4, 20, draws=2)
    assert torch.equal(part, whole[4:, [7, 31], :20])


def test_streams_and_seeds_have_nothing_to_do_with_each_other():
    rows = Rows(range(4))
    drawn = [rows.draw("normal", seed, stream, 0, 25_000) for seed in (0, 1, 2**32) for stream in Stream]
    flat = torch.stack(drawn).flatten(1).double()
    correlation = torch.corrcoef(flat) - torch.eye(len(flat))
    # The largest of 105 pairs, each of standard error 1/√n.
    assert correlation.abs().max() < 5 / math.sqrt(flat.shape[1])


def test_normal_numbers_are_those_of_the_exact_formula():
    words = torch.arange(200_000)
    rows = Rows(range(2))
    z = rows.draw("normal", 11, Stream.CHAIN_NORMAL, 0, 400_000).double()
    word = philox((words[:100_000], words[:1] * 0, torch.tensor([[0], [1]]), words[:1] * 0), (11, 0))
    u, v = (word[0].double() + 0.5) * 2.0**-32, word[1].double() * 2.0**-32
    exact = torch.sqrt(-2 * torch.log(u)) * torch.cos(2 * math.pi * v)
    # Where u rounds to 1 the radius is small and carries the rounding of u, 2⁻²⁴, as its square.
    assert (z[0, :, ::4] - exact).abs().max() < math.sqrt(2 * 2.0**-23)
    assert (z[0, :, ::4] - exact).abs().mean() < 3e-7


def test_the_tails_are_those_of_a_normal_law():
    z = Rows(range(200)).draw("normal", 5, Stream.CHAIN_NORMAL, 0, 50_000).double()
    for bound in (0.5, 1.0, 2.0, 3.0, 4.0):
        share = math.erfc(bound / math.sqrt(2))
        found = (z.abs() > bound).double().mean().item()
        assert abs(found - share) < 5 * math.sqrt(share * (1 - share) / z.numel())
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3), (6, 15)):
        spread = (z**power).std().item() / math.sqrt(z.numel())
        assert abs((z**power).mean().item() - moment) < 5 * spread


HOST = """
#include <cmath>
#include <cstring>
struct Place { unsigned x; };
static Place blockIdx{0}, threadIdx{0}, blockDim{1}, gridDim{1};
#define __device__ static
#define __global__
static float __fadd_rn(float a, float b) { return a + b; }
static float __fmul_rn(float a, float b) { return a * b; }
static float __uint2float_rn(unsigned a) { return (float)a; }
static float __int2float_rn(int a) { return (float)a; }
static int __float_as_int(float a) { int i; memcpy(&i, &a, 4); return i; }
static float __int_as_float(int a) { float f; memcpy(&f, &a, 4); return f; }
static float __fsqrt_rn(float a) { return sqrtf(a); }
static unsigned __umulhi(unsigned a, unsigned b) { return (unsigned long long)a * b >> 32; }
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler, which plays the one of the card")
@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_the_kernel_of_the_card_gives_the_same_bits(law, tmp_path):
    import ctypes

    (tmp_path / "kernel.cpp").write_text(HOST + philox_cuda.SOURCE)
    command = ["g++", "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-o", "kernel.so", "kernel.cpp"]
    subprocess.run(command, cwd=tmp_path, check=True)
    library = ctypes.CDLL(str(tmp_path / "kernel.so"))
    rows = Rows(ROWS)
    for count in (2, 15, 64, 301):
        out = np.empty((3, len(ROWS), count), dtype=np.float32)
        chains, offset = rows.words.view(np.int32), np.array([FIRST], dtype=np.int64)
        places = (ctypes.c_void_p(array.ctypes.data) for array in (out, chains, offset))
        library.fill(*places, 3, len(ROWS), count, 1, 4, -5, 77, int(law == "normal"))
        wanted = rows.draw(law, (77 << 32) + 2**32 - 5, Stream.TRAINING_FLIPS, FIRST + 1, count, draws=3)
        assert np.array_equal(out, wanted.numpy())
