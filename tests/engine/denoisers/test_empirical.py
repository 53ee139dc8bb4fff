"""The exact denoiser of a set of images: the mixture of point masses that it is, its limits, and exact draws."""

import math

import pytest
import torch
from torch import Tensor

from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.empirical import EmpiricalDenoiser
from msd_engine.denoisers.exact import ExactDenoiser

K, SHAPE, D = 3, (1, 2, 3), 6


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def images(n: int = 40, seed: int = 1) -> Tensor:
    return normal(n, *SHAPE, seed=seed)


def noisy(x: Tensor, count: int, sigma: float, seed: int = 2) -> Tensor:
    """Copies of some of the images, with shape (count, K, *SHAPE)."""
    chosen = x[torch.arange(count) % len(x)]
    return chosen[:, None] + sigma * normal(count, K, *SHAPE, seed=seed)


def mixture_of(x: Tensor, width: float) -> GaussianMixture:
    n = len(x)
    covariances = (width**2 * torch.eye(D, dtype=torch.float64)).expand(n, D, D)
    return GaussianMixture(torch.full((n,), 1 / n, dtype=torch.float64), x.flatten(1), covariances)


def chain_task(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    """The posterior mean from the distances themselves, in float64."""
    y_mean = y.double().flatten(2).mean(1)
    squares = (y_mean[:, None] - x.double().flatten(1)).square().sum(-1)
    rho = (-squares * y.shape[1] / (2 * sigma**2)).softmax(1)
    return (rho @ x.double().flatten(1)).reshape(len(y), *x.shape[1:])


class Even:
    """Numbers for draws: the uniform ones evenly spread over the chains, so that each share is hit to within one."""

    def __init__(self, count: int) -> None:
        self._count = count

    def uniform(self) -> Tensor:
        spread = (torch.arange(self._count, dtype=torch.float64) + 0.5) / self._count
        return spread.reshape(-1, *(1 for _ in (K, *SHAPE))).expand(self._count, K, *SHAPE)

    def normal(self) -> Tensor:
        return normal(self._count, K, *SHAPE, seed=5)


@pytest.mark.parametrize("sigma", [0.05, 0.5, 2.0, 30.0])
@pytest.mark.parametrize("width", [0.2, 0.7])
def test_it_is_the_exact_denoiser_of_the_same_mixture(sigma: float, width: float) -> None:
    x = images()
    y = noisy(x, 9, sigma)
    found = EmpiricalDenoiser(x, width=width)(y, sigma)
    known = ExactDenoiser(mixture_of(x, width))(y.flatten(2), sigma)
    torch.testing.assert_close(found.mean.flatten(1), known.mean, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(found.score.flatten(2), known.score, rtol=1e-8, atol=1e-9 / sigma**2)


@pytest.mark.parametrize("sigma", [0.01, 0.3, 1.0, 3.0, 100.0])
def test_points_are_the_limit_of_narrow_modes(sigma: float) -> None:
    x = images()
    y = noisy(x, 9, sigma)
    found = EmpiricalDenoiser(x)(y, sigma)
    known = ExactDenoiser(mixture_of(x, 1e-7))(y.flatten(2), sigma)
    torch.testing.assert_close(found.mean.flatten(1), known.mean, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("sigma", [0.02, 0.2, 0.6, 1.0, 4.0, 50.0])
def test_float32_keeps_its_digits_at_every_noise(sigma: float) -> None:
    # As many pixels as a colour image has, far from the origin, with neighbours that are almost the same.
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(30, 3, 16, 16, generator=generator, dtype=torch.float64)
    near = base[:, None] + 0.02 * torch.randn(30, 5, 3, 16, 16, generator=generator, dtype=torch.float64)
    x = (near.flatten(0, 1) + 5).float()
    y = (x[:40, None] + sigma * torch.randn(40, 4, 3, 16, 16, generator=generator)).float()
    found = EmpiricalDenoiser(x)(y, sigma).mean
    # ȳ itself is known to rounding only, which at small noise moves the shares.
    tolerance = 3e-5 + 2e-6 / sigma
    torch.testing.assert_close(found.double(), chain_task(x, y, sigma), rtol=0, atol=tolerance)
    assert found.dtype == torch.float32


def test_many_images_that_are_almost_the_same_are_distinguished_at_small_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    sigma = 1e-3
    cluster = torch.randn(1, 200, generator=generator) * 3
    x = torch.cat(
        (cluster + 1e-4 * torch.randn(60, 200, generator=generator), torch.randn(20, 200, generator=generator) + 9)
    )
    y = x[:8, None] + sigma * torch.randn(8, 2, 200, generator=generator)
    found = EmpiricalDenoiser(x)(y, sigma).mean
    expected = chain_task(x, y, sigma)
    spread = x[:60].double().std(0).mean()
    assert (found.double() - expected).abs().mean() < 0.05 * spread


def test_sufficiency_the_copies_count_through_their_mean_alone() -> None:
    x, sigma = images(), 0.8
    denoiser = EmpiricalDenoiser(x)
    y = noisy(x, 7, sigma)
    one = denoiser(y.mean(1, keepdim=True), sigma / math.sqrt(K)).mean
    torch.testing.assert_close(denoiser(y, sigma).mean, one, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(denoiser(y.flip(1), sigma).mean, one, rtol=1e-12, atol=1e-12)


def test_without_noise_it_finds_the_image_and_with_all_noise_it_gives_the_mean() -> None:
    x = images()
    denoiser = EmpiricalDenoiser(x)
    near, far = denoiser(noisy(x, 40, 1e-6), 1e-6).mean, denoiser(noisy(x, 5, 1e8), 1e8).mean
    torch.testing.assert_close(near, x, rtol=0, atol=1e-14)
    torch.testing.assert_close(far, x.mean(0).expand(5, *SHAPE), rtol=0, atol=1e-6)


def test_half_way_between_two_images_both_count_the_same() -> None:
    x = images(2)
    y = x.mean(0).expand(1, K, *SHAPE)
    torch.testing.assert_close(EmpiricalDenoiser(x)(y, 0.3).mean[0], x.mean(0))


@pytest.mark.parametrize("sigma", [0.05, 0.4, 1.5, 20.0])
def test_tiles_do_not_matter_and_a_chain_is_the_same_to_the_bit_in_any_company(sigma: float) -> None:
    x = images(300).float()
    y = noisy(x, 21, sigma).float()
    denoiser = EmpiricalDenoiser(x, tile=8)
    whole = denoiser(y, sigma).mean
    for count in (1, 3, 8, 20):
        assert torch.equal(denoiser(y[:count], sigma).mean, whole[:count])
    # Other neighbours in the tile, of which some ask for all images and some for few.
    company = torch.cat((y[:4], 50 * y[4:8]))
    assert torch.equal(denoiser(company, sigma).mean[:4], whole[:4])
    torch.testing.assert_close(EmpiricalDenoiser(x, tile=5)(y, sigma).mean, whole, rtol=1e-4, atol=1e-4)
    assert denoiser(y[:0], sigma).mean.shape == (0, *SHAPE)


def test_each_chain_may_have_a_noise_of_its_own() -> None:
    x = images()
    denoiser = EmpiricalDenoiser(x)
    sigma = torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64)
    y = noisy(x, 3, 1.0)
    together = denoiser(y, sigma)
    for row in range(3):
        alone = denoiser(y[row : row + 1], sigma[row].item())
        torch.testing.assert_close(together.mean[row], alone.mean[0])
        torch.testing.assert_close(together.score[row], alone.score[0])


def test_a_chain_that_has_blown_up_stays_lost_and_harms_no_other() -> None:
    x = images(50).float()
    y = noisy(x, 4, 0.5).float()
    lost = y.clone()
    lost[1], lost[2] = math.nan, math.inf
    denoiser = EmpiricalDenoiser(x)
    mean = denoiser(lost, 0.5).mean
    assert mean[1].isnan().all()
    assert not mean[2].isfinite().any()
    assert torch.equal(mean[[0, 3]], denoiser(y, 0.5).mean[[0, 3]])


@pytest.mark.parametrize("sigma", [0.3, 1.2])
def test_draws_choose_each_image_by_its_share(sigma: float) -> None:
    x = images(30)
    denoiser = EmpiricalDenoiser(x)
    count = 4000
    y = noisy(x, 1, sigma).expand(count, K, *SHAPE)
    drawn = denoiser.draw(y, sigma, Even(count))
    found = denoiser.nearest(drawn)
    assert found[0].max() < 1e-12
    shares = found[1].flatten().bincount(minlength=30) / count
    squares = (y[0].mean(0) - x).flatten(1).square().sum(1)
    rho = (-squares * K / (2 * sigma**2)).softmax(0)
    torch.testing.assert_close(shares.double(), rho, rtol=0, atol=1.5 / count)


def test_draws_from_wide_modes_have_the_posterior_mean_and_variance() -> None:
    x, sigma, width, count = images(3), 1.0, 0.6, 20_000
    denoiser = EmpiricalDenoiser(x, width=width)
    y = noisy(x, 1, sigma).expand(count, K, *SHAPE)
    drawn = denoiser.draw(y, sigma, Even(count))
    # The law of total variance over the modes.
    tau_squared = sigma**2 / K + width**2
    squares = (y[0].mean(0) - x).flatten(1).square().sum(1)
    rho = (-squares / (2 * tau_squared)).softmax(0)
    centres = x.flatten(1) + width**2 / tau_squared * (y[0].mean(0) - x).flatten(1)
    mean = rho @ centres
    variance = D * width**2 * sigma**2 / K / tau_squared + rho @ (centres - mean).square().sum(1)
    torch.testing.assert_close(denoiser(y[:1], sigma).mean[0].flatten(), mean)
    error = 5 * math.sqrt(variance / count)
    torch.testing.assert_close(drawn.mean(0).flatten(), mean, rtol=0, atol=error)
    assert (drawn.flatten(1) - mean).square().sum(1).mean() == pytest.approx(variance.item(), rel=0.05)


def test_nearest_images_are_found_with_their_distances() -> None:
    x = images(500).float()
    wanted = normal(70, *SHAPE, seed=9).float()
    distances, indices = EmpiricalDenoiser(x).nearest(wanted, 3)
    known = torch.cdist(wanted.flatten(1).double(), x.flatten(1).double()).sort(dim=1)
    assert torch.equal(indices, known.indices[:, :3])
    torch.testing.assert_close(distances.double(), known.values[:, :3], rtol=1e-5, atol=1e-6)
    itself, index = EmpiricalDenoiser(x).nearest(x[7:8])
    assert index.item() == 7
    assert itself.item() == 0


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one image"):
        EmpiricalDenoiser(torch.zeros(0, *SHAPE))
    with pytest.raises(ValueError, match="expects"):
        EmpiricalDenoiser(images())(normal(2, K, 5), 1.0)
