"""Distances between sets of features: identities that hold for any data."""

import numpy as np
import pytest
import torch

from msd_engine.data.images import ImageSet
from msd_engine.metrics.quality.distances import FrechetReference, centred_interval, kernel_distance, share
from msd_engine.metrics.quality.manifolds import NEAREST, overlap
from msd_engine.metrics.quality.nearest import nearest_in_pixels

RNG = np.random.default_rng(3)
A = RNG.normal(size=(400, 6))
B = RNG.normal(size=(300, 6)) * 1.5 + 0.5


def exactly(mean: np.ndarray, covariance: np.ndarray, n: int = 500) -> np.ndarray:
    """Points whose sample mean and sample covariance are the given ones, to rounding."""
    raw = np.random.default_rng(0).normal(size=(n, len(mean)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw, rowvar=False))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def test_the_frechet_distance_of_a_set_to_itself_is_zero() -> None:
    assert FrechetReference(A).distance(A) == pytest.approx(0.0, abs=1e-10)


def test_the_frechet_distance_of_commuting_gaussians_is_known() -> None:
    # With C_a = Q diag(a) Qᵀ and C_b = Q diag(b) Qᵀ: |μ_a − μ_b|² + Σ (√a − √b)².
    q, _ = np.linalg.qr(RNG.normal(size=(4, 4)))
    a, b = np.array([1.0, 4.0, 0.25, 9.0]), np.array([2.0, 1.0, 0.5, 3.0])
    shift = np.array([1.0, -2.0, 0.0, 0.5])
    first, second = exactly(np.zeros(4), q * a @ q.T), exactly(shift, q * b @ q.T)
    expected = np.square(shift).sum() + np.square(np.sqrt(a) - np.sqrt(b)).sum()
    assert FrechetReference(second).distance(first) == pytest.approx(expected, rel=1e-9)


def test_the_frechet_distance_is_symmetric_and_blind_to_order_and_rotation() -> None:
    there, back = FrechetReference(B).distance(A), FrechetReference(A).distance(B)
    assert there == pytest.approx(back, rel=1e-9)
    assert FrechetReference(B[::-1]).distance(A[RNG.permutation(len(A))]) == pytest.approx(there, rel=1e-9)
    q, _ = np.linalg.qr(RNG.normal(size=(6, 6)))
    assert FrechetReference(B @ q).distance(A @ q) == pytest.approx(there, rel=1e-9)


def test_the_interval_lies_about_the_value_and_shrinks_with_the_sample() -> None:
    reference = FrechetReference(B)
    many = np.random.default_rng(5).normal(size=(6400, 6))
    widths = []
    for some in (many[:100], many):
        value = reference.distance(some)
        found = centred_interval(value, list(reference.resampled(some, 100, np.random.default_rng(0))))
        assert found.low < found.value == value < found.high
        widths.append(found.high - found.low)
    # As 1/√n: a factor of 8, within the noise of 100 rounds.
    assert 4 < widths[0] / widths[1] < 16


WIDTHS = pytest.mark.parametrize("width", [np.inf, 1.5])


@WIDTHS
def test_the_kernel_distance_is_that_of_its_definition(width: float) -> None:
    def kernel(u: np.ndarray, v: np.ndarray) -> float:
        gaussian = np.exp(-np.square(u - v).sum() / (2 * width**2))
        return float((u @ v / len(u) + 1) ** 3 if np.isinf(width) else gaussian)

    a, b = A[:7], B[:5]
    within_a = np.mean([kernel(u, v) for i, u in enumerate(a) for j, v in enumerate(a) if i != j])
    within_b = np.mean([kernel(u, v) for i, u in enumerate(b) for j, v in enumerate(b) if i != j])
    across = np.mean([kernel(u, v) for u in a for v in b])
    assert kernel_distance(a, b, width).value == pytest.approx(within_a + within_b - 2 * across, rel=1e-10)


@WIDTHS
def test_the_jackknife_in_closed_form_is_the_one_by_hand(width: float) -> None:
    a, b = A[:40], B[:30]
    found, variance = kernel_distance(a, b, width), 0.0
    for some, without in ((a, lambda i: (np.delete(a, i, axis=0), b)), (b, lambda i: (a, np.delete(b, i, axis=0)))):
        values = np.array([kernel_distance(*without(i), width).value for i in range(len(some))])
        variance += (len(some) - 1) / len(some) * np.square(values - values.mean()).sum()
    half = 1.959964 * np.sqrt(variance)
    assert found.high - found.value == pytest.approx(half, rel=1e-8)
    assert found.value - found.low == pytest.approx(half, rel=1e-8)


@WIDTHS
def test_the_kernel_distance_of_equal_laws_averages_to_zero(width: float) -> None:
    draws = np.random.default_rng(11)
    pairs = (draws.normal(size=(2, 50, 6)) for _ in range(200))
    found = [kernel_distance(a, b, width).value for a, b in pairs]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(len(found))


def test_equal_sets_overlap_wholly_and_distant_ones_not_at_all() -> None:
    same = overlap(A, A)
    assert (same.precision, same.recall, same.coverage) == (1.0, 1.0, 1.0)
    # Each ball holds exactly k of the set's own vectors, its centre among them.
    assert same.density == pytest.approx(1.0)
    far = overlap(A + 1e3, A)
    assert (far.precision, far.recall, far.density, far.coverage) == (0.0, 0.0, 0.0, 0.0)
    assert overlap(A[: NEAREST + 2], A[: NEAREST + 2]).precision == 1.0


def test_overlap_is_blind_to_order_and_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert overlap(A[::-1], B[::-1]) == overlap(A, B)
    assert capsys.readouterr().out == ""


def test_few_of_the_modes_lower_recall_and_not_precision() -> None:
    modes = np.array([[-20.0] * 6, [20.0] * 6])
    real = np.concatenate([A[:200] + mode for mode in modes])
    found = overlap(A[200:] + modes[0], real)
    assert found.precision > 0.7
    assert found.recall <= 0.5
    assert found.coverage <= 0.5


def test_a_share_has_an_interval_inside_zero_and_one() -> None:
    for hits in (0, 3, 10):
        found = share(hits, 10)
        assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert share(0, 10).high > 0
    wide, narrow = share(30, 40), share(3000, 4000)
    assert (wide.high - wide.low) > 5 * (narrow.high - narrow.low)


def test_the_nearest_images_are_those_of_a_full_search() -> None:
    draws = torch.Generator().manual_seed(0)
    train = torch.randint(0, 256, (5300, 1, 4, 4), generator=draws, dtype=torch.uint8)
    x = ImageSet.to_data(train[[17, 5200]]) + 0.01
    *_, (distance, index) = nearest_in_pixels(x, train, 3)
    whole = (x.flatten(1)[:, None] - ImageSet.to_data(train).flatten(1)).square().mean(2).sqrt()
    expected, places = whole.topk(3, largest=False)
    torch.testing.assert_close(distance, expected, atol=1e-3, rtol=1e-3)
    assert torch.equal(index, places)
    assert index[:, 0].tolist() == [17, 5200]


def test_a_training_image_itself_is_at_no_distance_and_nan_is_grey() -> None:
    train = torch.full((3, 1, 2, 2), 255, dtype=torch.uint8)
    *_, (distance, index) = nearest_in_pixels(torch.ones(1, 1, 2, 2), train, 8)
    assert distance.shape == index.shape == (1, 3)
    assert float(distance.max()) == pytest.approx(0.0, abs=1e-3)
    *_, (distance, _) = nearest_in_pixels(torch.full((1, 1, 2, 2), torch.nan), train, 1)
    assert float(distance) == pytest.approx(1.0)
