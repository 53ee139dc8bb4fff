"""Covariances of the noise: draws against the analytic C, spectra, whitening, and what changes no bit (theory §7)."""

from __future__ import annotations

import math

import pytest
import torch

from msd_engine.backend.errors import UserError
from msd_engine.data.images import ImageSet, load_images
from msd_engine.noise.chosen import space_of
from msd_engine.noise.covariances.measured import measured_space, power
from msd_engine.noise.space import Isotropic
from msd_engine.noise.spectral import LEAST_SHARE, Spectral, correlation, frequencies, power_of, rings
from msd_engine.specs import ExperimentSpec, ImagesSpec, NoiseSpec, SpecError

SHAPE = (2, 6, 9)
DIM = math.prod(SHAPE)
PICTURES = [
    NoiseSpec(covariance="power-law", gamma=-1.0),
    NoiseSpec(covariance="power-law", gamma=1.0),
    NoiseSpec(covariance="power-law", gamma=2.5),
    NoiseSpec(covariance="blur", blur=0.7),
]
NAMES = ["blue", "free field", "smooth", "blur"]


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("spec", PICTURES, ids=NAMES)
def test_the_covariance_of_many_draws_is_that_of_the_space(spec):
    n, space = 100_000, space_of(spec, SHAPE)
    draws = space.decode(normal(n, *SHAPE))
    expected = space.covariance(DIM)
    torch.testing.assert_close(expected.diagonal(), torch.ones(DIM, dtype=torch.float64), rtol=0, atol=1e-12)
    found = draws.flatten(1).T @ draws.flatten(1) / n
    error = (found - expected).abs() * math.sqrt(n) / (1 + expected.square()).sqrt()
    # Standard errors; one in 10⁹ exceeds six of them.
    assert error.max() < 6
    # Per frequency: the periodogram has the power as its mean, with at most twice its square as variance.
    seen = torch.fft.fft2(draws, norm="ortho").abs().square().mean((0, 1))
    assert ((seen / space.power - 1).abs() * math.sqrt(n * SHAPE[0] / 2)).max() < 6


@pytest.mark.parametrize("spec", PICTURES, ids=NAMES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 7, 12), (1, 28, 28), (2, 1, 5)])
def test_whitening_takes_colouring_back(spec, shape):
    space, z = space_of(spec, shape), normal(3, *shape)
    torch.testing.assert_close(space.encode(space.decode(z, 0.3), 0.3), z, rtol=0, atol=1e-5)
    if abs(spec.gamma) <= 1:
        single = z.float()
        torch.testing.assert_close(space.encode(space.decode(single)), single, rtol=0, atol=1e-5)
    assert space.decode(z.float()).dtype is torch.float32


@pytest.mark.parametrize("spec", PICTURES, ids=NAMES)
def test_root_and_log_determinant_belong_to_the_covariance(spec):
    space = space_of(spec, SHAPE)
    expected = space.covariance(DIM)
    root = space.decode(torch.eye(DIM, dtype=torch.float64).reshape(DIM, *SHAPE)).flatten(1)
    torch.testing.assert_close(root, root.T, rtol=0, atol=1e-12)
    torch.testing.assert_close(root @ root, expected, rtol=0, atol=1e-10)
    assert space.log_volume == pytest.approx(-0.5 * torch.linalg.slogdet(expected).logabsdet.item(), abs=1e-6)
    with pytest.raises(ValueError, match="but the data have 5"):
        space.covariance(5)


@pytest.mark.parametrize("gamma", [-1.0, 0.5, 1.0, 3.0])
def test_the_power_falls_as_a_power_of_the_frequency(gamma):
    height, width = 24, 32
    spectrum = power_of(space_of(NoiseSpec(covariance="power-law", gamma=gamma), (1, height, width)), height, width)
    kappa = frequencies(height, width)
    away = kappa > 0
    slope = torch.diff(spectrum[away].log()[kappa[away].argsort()])
    run = torch.diff(kappa[away].log().sort().values)
    apart = run > 1e-6
    wanted = torch.full_like(run[apart], -2 * gamma)
    torch.testing.assert_close(slope[apart] / run[apart], wanted, rtol=0, atol=1e-6)
    assert spectrum[0, 0] == spectrum[kappa == kappa[away].min()].max()
    assert spectrum.mean().item() == pytest.approx(1.0, abs=1e-14)


def test_the_free_field_of_the_paper_is_the_power_law_of_one():
    size, n = 12, 40_000
    kappa = frequencies(size, size)
    # The text leaves κ = 0 open: the convention of `power_law`.
    kappa[0, 0] = kappa[kappa > 0].min()
    real, imaginary = normal(n, size, size, seed=1), normal(n, size, size, seed=2)
    z = torch.complex(real, imaginary) / math.sqrt(2)
    sigma_n = kappa.pow(-2).mean().sqrt()
    field = math.sqrt(2) / sigma_n * torch.fft.ifft2(torch.fft.fft2(z) / kappa).real
    space = space_of(NoiseSpec(covariance="power-law", gamma=1.0), (1, size, size))
    # The same draw of the real part makes the same field, so the laws are equal.
    torch.testing.assert_close(field, space.decode(real), rtol=0, atol=1e-11)
    torch.testing.assert_close(field.square().mean((1, 2)).mean().item(), 1.0, rtol=0.02, atol=0)
    seen = torch.fft.fft2(field, norm="ortho").abs().square().mean(0)
    assert ((seen / space.power - 1).abs() * math.sqrt(n / 2)).max() < 6


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        (NoiseSpec(covariance="power-law", gamma=0.0), (3, 8, 8)),
        (NoiseSpec(covariance="blur", blur=0.0), (1, 7, 7)),
        (NoiseSpec(covariance="power-law", gamma=2.0), (1, 1, 1)),
        (NoiseSpec(covariance="ellipse", elongation=1.0), (2,)),
    ],
    ids=["no exponent", "no width", "one pixel", "a circle"],
)
def test_noise_that_is_white_changes_no_bit(spec, shape):
    space, x = space_of(spec, shape), normal(4, *shape, dtype=torch.float32)
    assert isinstance(space, Isotropic)
    assert space.encode(x) is x
    assert space.decode(x) is x


def test_blur_is_a_gaussian_until_its_least_power():
    spectrum = power_of(space_of(NoiseSpec(covariance="blur", blur=1.5), (1, 40, 40)), 40, 40)
    kappa = frequencies(40, 40)
    expected = torch.exp(-((2 * math.pi * 1.5 * kappa) ** 2))
    share, wide = spectrum / spectrum.max(), expected > LEAST_SHARE
    torch.testing.assert_close(share[wide], expected[wide])
    torch.testing.assert_close(share[~wide], torch.full_like(share[~wide], LEAST_SHARE))
    # In a wide picture the correlation is that of a Gaussian kernel with itself: exp(−r²/4ℓ²).
    near = correlation(spectrum)[0, :4]
    wanted = torch.exp(-(torch.arange(4, dtype=torch.float64) ** 2) / (4 * 1.5**2))
    torch.testing.assert_close(near, wanted, rtol=0, atol=0.02)


def test_the_spectrum_of_shipped_pictures_is_noise():
    pictures = ImageSet.to_data(load_images(ImagesSpec(name="shapes")).train)
    space = measured_space(power(pictures), 3)
    white = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(space.encode(space.decode(white)), white, atol=1e-9, rtol=0)


def test_the_spectrum_of_the_data_is_measured():
    space = space_of(NoiseSpec(covariance="power-law", gamma=1.0), (2, 8, 8))
    pictures = 3.0 * space.decode(normal(4000, 2, 8, 8)) + 5.0
    found = power(pictures)
    assert found.mean().item() == pytest.approx(9.0, rel=0.03)
    measured = measured_space(found, 2)
    torch.testing.assert_close(measured.power, space.power, rtol=0.1, atol=0)
    with pytest.raises(UserError, match="all equal"):
        measured_space(power(torch.ones(5, 1, 4, 4)), 1)
    with pytest.raises(UserError, match="needs the pictures"):
        space_of(NoiseSpec(covariance="data"), (1, 4, 4))


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 135.0])
def test_the_ellipse_has_its_elongation_along_its_angle(angle):
    space = space_of(NoiseSpec(covariance="ellipse", elongation=3.0, angle=angle), (2,))
    matrix = space.covariance(2)
    variances, axes = torch.linalg.eigh(matrix)
    assert matrix.trace().item() == pytest.approx(2.0)
    assert (variances[1] / variances[0]).sqrt().item() == pytest.approx(3.0)
    along = torch.tensor([math.cos(math.radians(angle)), math.sin(math.radians(angle))], dtype=torch.float64)
    assert abs(along @ axes[:, 1]).item() == pytest.approx(1.0)
    with pytest.raises(UserError, match=r"have 3 dimensions: set noise.covariance to isotropic"):
        space_of(NoiseSpec(covariance="ellipse"), (3,))


def test_a_power_must_be_positive_and_symmetric():
    with pytest.raises(ValueError, match="must be positive and symmetric"):
        Spectral(torch.zeros(3, 3), 1)
    with pytest.raises(ValueError, match="must be positive and symmetric"):
        Spectral(torch.arange(1.0, 10.0).reshape(3, 3), 1)
    space = space_of(NoiseSpec(covariance="blur"), (1, 4, 6))
    with pytest.raises(ValueError, match="for pictures of 4×6 pixels"):
        space.decode(torch.zeros(1, 4, 7))


def test_rings_average_over_equal_frequencies():
    kappa, weights = rings(12, 12)
    torch.testing.assert_close(kappa, torch.arange(1, 7).double() / 12)
    torch.testing.assert_close(weights.sum((1, 2)), torch.ones(6).double())
    assert (weights[:, 0, 0] == 0).all()
    mean = (weights * frequencies(12, 12)).sum((1, 2))
    torch.testing.assert_close(mean, kappa, rtol=0, atol=0.25 / 12)


def test_fields_of_other_covariances_are_absent():
    spec = NoiseSpec(covariance="power-law", gamma=2.0, blur=3.0)
    assert spec.blur == NoiseSpec().blur
    assert spec.absent.keys() == {"blur", "elongation", "angle"}
    assert spec.colour == ("power-law", 2.0)
    assert NoiseSpec.from_json(spec.to_json()) == spec
    assert "gamma" not in NoiseSpec().model_dump()
    with pytest.raises(SpecError, match=r"must be 'isotropic' or 'ellipse' where data.kind is 'mixture'"):
        ExperimentSpec().replace("noise.covariance", "blur")
