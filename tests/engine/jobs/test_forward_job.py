"""The job of the noise page: a datum under two noises by one white draw, and what it tells about both."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from msd_engine.backend.streams import ChainStreams
from msd_engine.events import Failed, Finished, Started, Tick
from msd_engine.events.noise import Forward, NoiseDraws
from msd_engine.jobs.factory.loaded import loaded_images, loaded_power
from msd_engine.jobs.noise.draws import draw_noise
from msd_engine.jobs.noise.forward import TIMES, forward
from msd_engine.noise.chosen import process_of, space_of
from msd_engine.noise.spectral import power_of
from msd_engine.specs import ExperimentSpec, ImagesSpec, MixtureSpec, NoiseSpec, UNetSpec

PICTURES = ExperimentSpec(
    data=ImagesSpec(name="digits"),
    network=UNetSpec(),
    noise=NoiseSpec(process="vp", covariance="power-law", gamma=1.0),
).replace_all({"training.k": 3, "denoise.seed": 5, "denoise.index": 2, "denoise.time": 0.3})
POINTS = ExperimentSpec(
    data=MixtureSpec(name="two-moons"), noise=NoiseSpec(process="ddpm", covariance="ellipse")
).replace_all({"training.k": 1, "denoise.time": 1.0})


def frame(spec):
    first, reported, last = (event for event in forward(spec) if not isinstance(event, Tick))
    assert isinstance(first, Started)
    assert isinstance(last, Finished)
    assert isinstance(reported, Forward)
    return reported


def test_a_picture_is_shown_under_both_noises_of_one_white_draw():
    reported, (alpha, sigma) = frame(PICTURES), process_of(PICTURES.noise)(0.3)
    assert (reported.alpha, reported.sigma) == (alpha, sigma)
    assert reported.sigma_eff == pytest.approx(sigma / math.sqrt(3))
    images = loaded_images(PICTURES.data)
    x = images.to_data(images.test[2])
    np.testing.assert_array_equal(reported.x, x.numpy())
    white = ChainStreams(5, 3, (1, 8, 8)).normal()
    scale = math.hypot(alpha, reported.sigma_eff)
    for side, space in zip(reported.sides, (None, space_of(PICTURES.noise, (1, 8, 8))), strict=True):
        noise = white if space is None else space.decode(white)
        expected = (alpha * x + sigma * noise).mean(0) / scale
        np.testing.assert_allclose(side.y, expected.numpy(), atol=1e-5)
        assert side.strip.shape == (TIMES, 1, 8, 8)
        np.testing.assert_allclose(side.strip[0], x.numpy(), atol=1e-6)
    assert reported.available == len(images.test)


def test_the_noise_of_each_copy_is_a_draw_of_msd_noise():
    one = PICTURES.replace_all({"training.k": 1, "denoise.time": 1.0, "noise.process": "exploding"})
    reported = frame(one)
    (draws,) = [
        event for event in draw_noise(one.noise, (1, 8, 8), 4, 5, device="cpu") if isinstance(event, NoiseDraws)
    ]
    noise = (reported.sides[1].y * reported.scale - reported.x) / reported.sigma
    np.testing.assert_allclose(noise[0], draws.noise[0], atol=1e-5)
    assert draws.log_det == pytest.approx(reported.sides[1].log_det)


def test_spectra_and_correlations_are_those_of_the_data_and_of_the_covariance():
    reported = frame(PICTURES)
    np.testing.assert_allclose(reported.spectrum.frequency, np.arange(1, 5) / 8)
    found = loaded_power(PICTURES.data, None)
    # The two neighbours of κ = 0 along each axis, and the four on the diagonals, rounded to the same ring.
    ring = [(0, 1), (0, 7), (1, 0), (7, 0), (1, 1), (1, 7), (7, 1), (7, 7)]
    expected = np.mean([found[place].item() for place in ring])
    assert reported.spectrum.power[0] == pytest.approx(expected)
    white, coloured = reported.sides
    np.testing.assert_allclose(white.power, np.ones(4), rtol=1e-14)
    np.testing.assert_allclose(white.autocovariance, [1, 0, 0, 0, 0], atol=1e-15)
    matrix = space_of(PICTURES.noise, (1, 8, 8)).covariance(64).reshape(8, 8, 8, 8)
    np.testing.assert_allclose(coloured.correlation, matrix[4, 4].numpy(), atol=1e-12)
    np.testing.assert_allclose(coloured.autocovariance, matrix[0, 0, 0, :5].numpy(), atol=1e-12)
    assert white.log_det == 0
    assert coloured.log_det == pytest.approx(torch.linalg.slogdet(matrix.reshape(64, 64)).logabsdet.item() / 64)
    ratio = reported.alpha**2 * reported.spectrum.power / (reported.sigma_eff**2 * coloured.power)
    np.testing.assert_allclose(reported.signal_to_noise(coloured), ratio)
    assert np.isinf(frame(PICTURES.replace("denoise.time", 0.0)).signal_to_noise(coloured)).all()


def test_noise_like_the_data_hides_all_their_frequencies_alike():
    reported = frame(PICTURES.replace("noise.covariance", "data"))
    ratio = reported.signal_to_noise(reported.sides[1])
    assert np.ptp(ratio) < 1e-3 * ratio.max()
    assert np.ptp(reported.signal_to_noise(reported.sides[0])) > ratio.max()


def test_a_cloud_ends_in_the_ellipse():
    reported = frame(POINTS)
    assert reported.x.shape == (500, 2)
    assert reported.available == 0
    matrix = space_of(POINTS.noise, (2,)).covariance(2).numpy()
    np.testing.assert_array_equal(reported.sides[1].covariance, matrix)
    np.testing.assert_allclose(np.cov(reported.sides[1].y.T), matrix, atol=0.3)
    np.testing.assert_allclose(np.cov(reported.sides[0].y.T), np.eye(2), atol=0.3)
    begin = frame(POINTS.replace("denoise.time", 0.0))
    np.testing.assert_array_equal(begin.sides[1].y, begin.x)
    assert begin.noise == 0


def test_bad_requests_fail_with_a_sentence():
    (*_, last) = forward(PICTURES.replace("denoise.index", 10**6))
    assert isinstance(last, Failed)
    assert "numbered from 0" in last.text
    three = ((2.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    solid = MixtureSpec(name="custom", weights=(1.0,), means=((0.0, 0.0, 0.0),), covariances=(three,))
    (*_, last) = forward(ExperimentSpec(data=solid))
    assert isinstance(last, Failed)
    assert "3 dimensions" in last.text
    (*_, last) = draw_noise(NoiseSpec(), (3, 1024, 1024), 10**4, 0)
    assert isinstance(last, Failed)
    assert "do not fit into memory" in last.text


def test_eight_of_ten_waves_emerge_between_the_told_times():
    reported, power = frame(PICTURES), loaded_power(PICTURES.data, None)
    for side, noise in zip(
        reported.sides, (PICTURES.noise.replace("covariance", "isotropic"), PICTURES.noise), strict=True
    ):
        spectrum = power_of(space_of(noise, (1, 8, 8)), 8, 8)
        for t, share in zip(side.emerging, (0.1, 0.9), strict=True):
            alpha, sigma = process_of(PICTURES.noise)(t)
            seen = alpha**2 * power > sigma**2 / 3 * spectrum
            # Of 64 waves, of which two or four have the same power.
            assert float((~seen).double().mean()) == pytest.approx(share, abs=2.5 / 64)
    assert all(math.isnan(t) for t in frame(POINTS).sides[1].emerging)
