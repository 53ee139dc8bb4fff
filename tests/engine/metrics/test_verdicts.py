"""Verdicts on the ends of chains: bounds from the data, constructed dead images, and distances of pairs."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from msd_engine.data.images import ImageSet, load_images
from msd_engine.events import Samples, Verdicts
from msd_engine.jobs.sampling.sample import sample
from msd_engine.metrics.quality.verdicts import (
    data_statistics,
    mean_pair_distance,
    pair_distances,
    spatial_variance,
    verdicts,
)
from msd_engine.specs import ImagesSpec, load_preset


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return load_images(ImagesSpec()).train


def judge(x: Tensor, digits: Tensor, y: Tensor | None = None) -> list[str]:
    return list(verdicts(x, x[:, None] if y is None else y, data_statistics(digits)))


def test_real_images_live(digits: Tensor) -> None:
    judged = judge(ImageSet.to_data(digits), digits)
    # By construction fewer than one in two hundred lie beyond each bound.
    assert judged.count("alive") >= 0.99 * len(digits)


def test_the_held_out_images_live_too(digits: Tensor) -> None:
    assert judge(ImageSet.to_data(load_images(ImagesSpec()).test), digits).count("alive") >= 290


def test_each_way_to_die_is_named(digits: Tensor) -> None:
    x = ImageSet.to_data(digits[:7])
    x[0] = 0.3
    x[1] = 0.3 + 0.01 * torch.randn(1, 8, 8, generator=torch.Generator().manual_seed(0))
    x[2] = torch.where(x[2] > 0, 1.0, -1.0)
    x[3, 0, 0, 0] = math.nan
    x[4] *= 50
    x[5] = math.inf
    names = ["monochrome", "monochrome", "saturated", "blew up", "blew up", "blew up", "alive"]
    assert judge(x, digits) == names


@pytest.mark.parametrize(
    ("spread", "name"), [(1.5, "blew up"), (3.0, "noise left over"), (20.0, "noise left over"), (26.0, "blew up")]
)
def test_noise_of_an_earlier_level_is_not_a_blow_up(digits: Tensor, spread: float, name: str) -> None:
    noise = torch.randn(4, 200, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    real = ImageSet.to_data(digits[:4])
    far = real + 30 * torch.sign(torch.randn(real.shape, generator=torch.Generator().manual_seed(1)))
    statistics = data_statistics(digits)
    for x, expected in ((far, name), (real, "alive")):
        y = x[:, None] + spread * noise
        assert verdicts(x, y, statistics, noise=(25.0, 1.0)) == [expected] * 4
        assert verdicts(x, y, statistics) == ["alive" if x is real else "blew up"] * 4
    off = torch.tensor([True, False, True, False])
    judged = verdicts(real, real[:, None] + spread * noise, statistics, off, noise=(25.0, 1.0))
    assert judged == [{"blew up": "off the data"}.get(name, name), "alive"] * 2


def test_one_colour_is_monochrome_whatever_the_colour() -> None:
    images = torch.randint(0, 256, (40, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    colours = torch.rand(20, 3, 1, 1, generator=torch.Generator().manual_seed(1)).mul(1.8).sub(0.9)
    assert judge(colours.expand(20, 3, 8, 8), images) == ["monochrome"] * 20
    assert spatial_variance(colours.expand(20, 3, 8, 8)).max() < 1e-12


def test_the_bounds_follow_the_contrast_of_the_data(digits: Tensor) -> None:
    faint = (digits.float() / 4 + 96).round().to(torch.uint8)
    ratio = data_statistics(faint).least_variance / data_statistics(digits).least_variance
    assert ratio == pytest.approx(1 / 16, rel=0.05)
    assert "monochrome" not in judge(ImageSet.to_data(faint), faint)[:50]
    assert judge(ImageSet.to_data(faint), digits).count("monochrome") > 1400


def test_copies_that_blew_up_count_even_where_the_sample_is_finite(digits: Tensor) -> None:
    x = ImageSet.to_data(digits[:2])
    y = torch.stack((x[:1].repeat(3, 1, 1, 1), x[1:].repeat(3, 1, 1, 1)))
    y[1, 2, 0, 0, 0] = 2e6
    assert judge(x, digits, y) == ["alive", "blew up"]
    assert verdicts(x, y, None) == ["alive", "blew up"]


def test_pair_distances_are_those_of_all_pairs() -> None:
    x = torch.randn(9, 3, 4, 4, generator=torch.Generator().manual_seed(0)) + 100
    known = [(x[i].double() - x[j].double()).norm() for i in range(9) for j in range(i + 1, 9)]
    torch.testing.assert_close(pair_distances(x).double(), torch.stack(known), rtol=1e-4, atol=1e-4)
    assert mean_pair_distance(x) == pytest.approx(float(torch.stack(known).mean()), rel=1e-5)
    assert math.isnan(mean_pair_distance(x[:1]))
    # E‖x − x'‖² = 2 d for standard normal data.
    wide = torch.randn(500, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    assert mean_pair_distance(wide) == pytest.approx(math.sqrt(2 * 768), rel=0.01)


def small(**fields: object):
    few = {"sampling.chains": 8, "sampling.levels": 12, "sampling.steps_per_level": 3}
    return load_preset("digits-exact").replace_all({f"sampling.{name}": value for name, value in fields.items()} | few)


def ends(spec, **where) -> tuple[Samples, Verdicts]:
    events = list(sample(spec, **where))
    (samples,), (found,) = ([each for each in events if isinstance(each, kind)] for kind in (Samples, Verdicts))
    return samples, found


def test_the_job_reports_how_each_chain_ended() -> None:
    spec = small()
    samples, found = ends(spec)
    assert found.verdict == ("alive",) * 8
    assert (found.lived, found.dead) == (8, {})
    assert (found.k, found.step_ratio, found.levels) == (spec.training.k, spec.sampling.step_ratio, 12)
    assert found.mean_distance == pytest.approx(mean_pair_distance(torch.from_numpy(samples.x_hat)))
    assert found.data_mean_distance < found.data_largest_distance
    assert found.spatial_variance.min() > found.least_variance


def test_too_few_small_steps_leave_noise_and_are_not_reported_as_blown_up() -> None:
    found = ends(small(step_ratio=0.006, sigma_L=2.0, jump=False))[1]
    assert found.lived < 8
    assert set(found.dead.values()) == {"noise left over"}


def test_chains_past_the_wall_are_reported_as_dead() -> None:
    spec = small()
    wild = spec.replace_all({"sampling.step_ratio": 3.0, "sampling.steps_per_level": 60})
    found = ends(wild)[1]
    assert found.lived == 0
    assert set(found.dead.values()) == {"blew up"}
    assert math.isnan(found.mean_distance)
