"""How the detail of images is spread over scales, and blur found by it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from msd_engine.metrics.features.network import FeatureBatch
from msd_engine.metrics.features.spectra import EDGES, band_energies
from msd_engine.metrics.quality.support import RARE, Support, support_of


def wave(down: int, across: int, size: int = 32) -> Tensor:
    """One function of the cosine transform with unit mean square, as an image with shape (1, 1, size, size)."""
    place = (torch.arange(size) + 0.5) * math.pi / size
    image = torch.outer(torch.cos(down * place), torch.cos(across * place))
    return (image / image.square().mean().sqrt())[None, None]


def photographs(n: int, seed: int) -> Tensor:
    """Random fields whose amplitudes fall off as 1/f, each with a contrast of its own, with shape (n, 3, 32, 32)."""
    draws = torch.Generator().manual_seed(seed)
    place = torch.fft.fftfreq(64)
    falling = 1 / torch.hypot(place[:, None], place).clamp(min=1 / 64)
    noise = torch.fft.fft2(torch.randn(n, 3, 64, 64, generator=draws))
    x = torch.fft.ifft2(noise * falling).real[..., :32, :32]
    contrast = 0.1 * torch.exp(0.5 * torch.randn(n, 1, 1, 1, generator=draws))
    return (contrast * x / x.std()).clamp(-1, 1)


def blurred(x: Tensor, width: float) -> Tensor:
    places = torch.arange(-8, 9)
    weights = torch.exp(-(places.square() / (2 * width**2)))
    kernel = torch.outer(weights, weights) / weights.sum() ** 2
    padded = functional.pad(x, (8, 8, 8, 8), mode="reflect")
    return functional.conv2d(padded, kernel.expand(x.shape[1], 1, 17, 17), groups=x.shape[1])


def batch(x: Tensor) -> FeatureBatch:
    n = len(x)
    draws = torch.Generator().manual_seed(n)
    textures = torch.randn(n, 2, generator=draws)
    return FeatureBatch(
        torch.zeros(n, 2), torch.zeros(n, 0), textures, torch.randn(n, generator=draws), band_energies(x)
    )


def support() -> Support:
    return support_of(batch(photographs(1500, 0)), batch(photographs(1501, 1)), ())


def test_each_wave_is_in_the_band_of_its_frequency_and_the_mean_colour_in_none() -> None:
    flat = band_energies(torch.full((1, 3, 32, 32), 0.7))
    for down, across in ((0, 1), (3, 4), (8, 8), (16, 16), (20, 15), (31, 31)):
        (found,) = band_energies(wave(down, across)) - flat
        frequency = math.hypot(down, across) / 32
        places = [n for n in range(len(EDGES) - 1) if EDGES[n] < frequency <= EDGES[n + 1]]
        assert (found > 1).nonzero().flatten().tolist() == places
    assert torch.allclose(flat, band_energies(torch.zeros(1, 3, 32, 32)))


def test_blur_lowers_the_fine_bands_by_the_factor_of_its_width() -> None:
    x = photographs(200, 3)
    for width in (0.5, 1.0):
        fall = (band_energies(blurred(x, width)) - band_energies(x)).mean(0)
        assert bool((fall.diff() < 0).all())
        # A Gaussian of width w multiplies the energy at f half periods a pixel by exp(−(π f w)²).
        ends = [-((math.pi * edge * width) ** 2) for edge in EDGES[1:3]]
        assert ends[1] < float(fall[1]) < ends[0]


def test_blurred_and_noisy_images_lie_off_the_data_and_real_ones_do_not() -> None:
    where = support()
    assert where.bands is not None
    x = photographs(2000, 2)
    assert float(where.off(batch(x)).double().mean()) <= 5 * RARE
    assert float(where.off(batch(blurred(x, 1.0))).double().mean()) > 0.95
    assert (
        float(
            where.off(batch(x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(4)))).double().mean()
        )
        > 0.95
    )


def test_what_has_no_bands_is_judged_without_them() -> None:
    where = support()
    x = blurred(photographs(500, 2), 1.5)
    bare = FeatureBatch(*(getattr(batch(x), name) for name in ("features", "logits", "textures", "evidence")))
    assert float(where.off(bare).double().mean()) < 0.05
    assert len(batch(x)[:7].bands) == 7
    assert FeatureBatch.together([batch(x)[:7], batch(x)[7:]]).bands.equal(batch(x).bands)
