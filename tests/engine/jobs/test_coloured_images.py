"""Chains of images with coloured noise, by the exact posterior mean in the coordinates in which the noise is white."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from msd_engine.backend.streams import ChainStreams
from msd_engine.denoisers.empirical import EmpiricalDenoiser
from msd_engine.events import (
    Denoised,
    FilmFrame,
    Finished,
    GrowingCopies,
    ImageFrame,
    NoisyPicture,
    Samples,
    Verdicts,
)
from msd_engine.jobs.factory.loaded import loaded_images
from msd_engine.jobs.factory.parts import descent, learned_denoiser
from msd_engine.jobs.factory.spaces import coordinates
from msd_engine.jobs.pictures.denoise import denoise, rms
from msd_engine.jobs.pictures.growing import growing_copies
from msd_engine.jobs.pictures.pictures import show_copies
from msd_engine.jobs.sampling.chain_task import chain_task
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.noise.chosen import space_of
from msd_engine.noise.space import Isotropic
from msd_engine.specs import Branch, ExperimentSpec, ImagesSpec, UNetSpec

DIGITS = ExperimentSpec(data=ImagesSpec(name="digits", limit=200), network=UNetSpec()).replace_all(
    {"training.k": 2, "sampling.source": "exact", "sampling.sampler": "ddim", "sampling.eta": 0.7}
    | {"noise.process": "ddpm", "sampling.ladder": "report", "sampling.sigma_1": 60.0, "sampling.sigma_L": 0.05}
    | {"sampling.levels": 30, "sampling.steps_per_level": 1, "sampling.chains": 12}
)
COLOURED = DIGITS.replace_all({"noise.covariance": "power-law", "noise.gamma": 1.0})


class Always:
    """Every moment is due."""

    def due(self):
        return True


def done(events):
    events = list(events)
    assert isinstance(events[-1], Finished), events[-1]
    return events


def only(kind, events):
    return [event for event in events if isinstance(event, kind)][-1]


@pytest.mark.parametrize("covariance", ["power-law", "blur", "data"])
def test_chains_end_at_images_of_the_set_and_everything_that_is_told_is_decoded(covariance):
    spec = COLOURED.replace("noise.covariance", covariance)
    events = done(sample(spec, device="cpu", cadence=Always()))
    samples, frame = only(Samples, events), only(ImageFrame, events)
    images = loaded_images(spec.data)
    x = images.to_data(images.train).flatten(1)
    ends = torch.from_numpy(samples.x_hat).flatten(1)
    assert torch.cdist(ends, x).min(1).values.max().item() < 0.5
    np.testing.assert_allclose(frame.x_hat, samples.x_hat, atol=1e-5)
    np.testing.assert_allclose(frame.y, samples.y[:, 0], atol=1e-5)
    film = only(FilmFrame, events)
    np.testing.assert_allclose(film.copies, samples.y, atol=1e-5)
    # The noise that is left has the covariance of the space: white once encoded, coloured as it is told.
    assert only(Verdicts, events).spec_json == samples.spec_json


def test_a_chain_is_the_walk_of_the_encoded_set():
    # The copies of the first state, their noise σ₁ √C n around the mean image, are told in the coordinates of the data.
    events = done(sample(COLOURED.replace("sampling.chains", 400), device="cpu", cadence=Always()))
    film = next(event for event in events if isinstance(event, FilmFrame))
    assert film.step == 0
    space, sigma = coordinates(COLOURED), descent(COLOURED).ladder[0]
    residuals = torch.from_numpy(film.copies[:, 0] - film.copies[:, 1]).double() / (sigma * math.sqrt(2))
    seen = torch.fft.fft2(residuals, norm="ortho").abs().square().mean((0, 1))
    assert ((seen / space.power - 1).abs() * math.sqrt(len(residuals) / 2)).max() < 6
    # The first estimate is that of the encoded set.
    images = loaded_images(COLOURED.data)
    exact = EmpiricalDenoiser(space.encode(images.to_data(images.train)))
    mean = space.decode(exact(space.encode(torch.from_numpy(film.copies)), sigma).mean)
    expected = ((mean.clamp(-1, 1) + 1) * 127.5).numpy()
    np.testing.assert_allclose(film.x_hat.astype(float), expected, atol=1.0)


def test_no_exponent_gives_the_bits_of_isotropic_noise():
    plain, white = (
        only(Samples, done(sample(spec, device="cpu")))
        for spec in (DIGITS, COLOURED.replace_all({"noise.covariance": "power-law", "noise.gamma": 0.0}))
    )
    assert isinstance(coordinates(COLOURED.replace("noise.gamma", 0.0)), Isotropic)
    np.testing.assert_array_equal(plain.x_hat, white.x_hat)
    np.testing.assert_array_equal(plain.y, white.y)
    other = only(Samples, done(sample(COLOURED, device="cpu")))
    assert np.abs(other.y - plain.y).max() > 0.01


def test_a_branch_goes_on_from_a_told_state():
    whole = done(sample(COLOURED, device="cpu", cadence=Always()))
    film = [event for event in whole if isinstance(event, FilmFrame)]
    at = film[len(film) // 2]
    number, normals, uniforms = (int(part) for part in at.streams[3])
    start = Branch(at.copies[3], at.step, (number, normals, uniforms))
    branched = done(chain_task(COLOURED.replace("sampling.chains", 1), "draw", start=start, device="cpu"))
    np.testing.assert_allclose(only(Samples, branched).x_hat[0], only(Samples, whole).x_hat[3], atol=1e-3)


def smooth_copies(spec, k):
    """Return the copies of the denoise page in the coordinates of their noise, by hand."""
    images = loaded_images(spec.data)
    x = images.to_data(images.test[spec.denoise.index])
    space = space_of(spec.noise, spec.data.shape)
    n = ChainStreams(spec.denoise.seed, k, tuple(x.shape), block=1).normal()
    return x, space, space.encode(x) + spec.denoise.sigma * n


@pytest.mark.parametrize("covariance", ["power-law", "blur", "data"])
def test_a_picture_is_denoised_from_coloured_copies(covariance):
    spec = COLOURED.replace_all({"noise.covariance": covariance, "denoise.sigma": 0.7, "training.k": 3})
    found = only(Denoised, done(denoise(spec, device="cpu")))
    if covariance == "data":
        assert not np.array_equal(found.copies.x_hat, found.copies.y_mean)
        return
    x, space, u = smooth_copies(spec, 3)
    np.testing.assert_allclose(found.copies.y, space.decode(u).numpy(), atol=1e-5)
    training = loaded_images(spec.data)
    exact = EmpiricalDenoiser(space.encode(training.to_data(training.train)))
    x_hat = space.decode(exact(u.unsqueeze(0), 0.7).mean[0])
    np.testing.assert_allclose(found.copies.x_hat, x_hat.numpy(), atol=1e-4)
    assert found.error == pytest.approx(rms(x_hat - x), abs=1e-4)
    assert only(NoisyPicture, done(show_copies(spec))).y == pytest.approx(found.copies.y)
    (*_, grown) = [
        event for event in done(growing_copies(spec, (1, 3), (), device="cpu")) if isinstance(event, GrowingCopies)
    ]
    np.testing.assert_allclose(grown.estimates[-1].x_hat, found.copies.x_hat, atol=1e-4)


def test_a_network_denoises_coloured_copies(tmp_path):
    small = {"network.width": 8, "network.blocks": 0, "training.steps": 2, "training.seconds": 0.0, "training.batch": 8}
    spec = COLOURED.replace_all({**small, "sampling.source": "trained", "training.k": 1, "denoise.sigma": 0.7})
    done(train(spec, tmp_path / "run", device="cpu", threads=1))
    found = only(Denoised, done(denoise(spec, run_dir=tmp_path / "run", device="cpu")))
    _, space, u = smooth_copies(spec, 1)
    network = learned_denoiser(tmp_path / "run", torch.device("cpu"))
    x_hat = space.decode(network(u.unsqueeze(0), 0.7).mean[0])
    np.testing.assert_allclose(found.copies.x_hat, x_hat.numpy(), atol=1e-4)
    (*_, last) = denoise(spec.replace("noise.gamma", 2.0), run_dir=tmp_path / "run", device="cpu")
    assert "was trained with power-law noise" in last.text


def test_known_pixels_stay_known_under_coloured_noise():
    mask = np.zeros((8, 8), np.uint8)
    mask[4:] = 255
    spec = COLOURED.replace_all({"denoise.mask": mask.tobytes(), "sampling.chains": 3, "denoise.index": 1})
    drawn = only(Samples, done(chain_task(spec, "inpaint", device="cpu"))).x_hat
    images = loaded_images(spec.data)
    x = images.to_data(images.test[1]).numpy()
    np.testing.assert_allclose(drawn[:, :, :4], np.broadcast_to(x[:, :4], drawn[:, :, :4].shape), atol=1e-4)
    assert np.abs(drawn[:, :, 4:] - x[:, 4:]).max() > 0.1
