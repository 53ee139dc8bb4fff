"""Training under coloured noise: the network sees pictures, everything between is in white coordinates."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.events import Finished, HeldOutLoss, Samples, StripFrame, SweepTable
from msd_engine.jobs.factory.forms import OUTPUTS
from msd_engine.jobs.factory.loaded import loaded_images
from msd_engine.jobs.factory.parts import learned_denoiser
from msd_engine.jobs.factory.spaces import coordinates, encoded_statistics
from msd_engine.jobs.factory.training import training
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.sweep.sweep import sweep
from msd_engine.jobs.training.train import train
from msd_engine.noise.process import Process
from msd_engine.noise.space import Isotropic
from msd_engine.noise.spectral import Spectral
from msd_engine.samplers.walk import walk
from msd_engine.specs import ExperimentSpec, ImagesSpec, SweepSpec, UNetSpec
from msd_engine.training.chance import Chance

CPU = torch.device("cpu")
SHAPE = (1, 8, 8)
WHITE = ExperimentSpec(data=ImagesSpec(name="digits"), network=UNetSpec(width=8, blocks=1)).replace_all(
    {"training.k": 1, "training.batch": 16, "training.steps": 3, "training.precision": "float32"}
    | {"training.form": "predict-n", "noise.process": "ddpm", "noise.law": "uniform-t"}
    | {"sampling.source": "trained", "sampling.sampler": "ddim", "sampling.ladder": "report"}
    | {"sampling.sigma_1": 150.0, "sampling.sigma_L": 0.01, "sampling.levels": 5, "sampling.steps_per_level": 1}
    | {"sampling.chains": 4, "sampling.guidance": 1.0}
)
COLOURED = WHITE.replace_all({"noise.covariance": "power-law", "noise.gamma": 1.0})


def trained(spec, folder):
    events = list(train(spec, folder, device="cpu", threads=1))
    assert isinstance(events[-1], Finished), events[-1]
    return events


def drawn(spec, folder, **options):
    events = list(sample(spec, run_dir=folder, device="cpu", **options))
    assert any(isinstance(event, Finished) for event in events), events[-1]
    return next(event for event in events if isinstance(event, Samples))


class Seen(torch.nn.Module):
    """Keeps what a network sees and returns a fixed output."""

    def __init__(self, out):
        super().__init__()
        self.out, self.y = out, None

    def forward(self, y, c):
        self.y = y
        return self.out


def denoiser(form, net, space, process=None):
    from msd_engine.noise.chosen import process_of

    process = process or process_of(COLOURED.noise)
    mean = torch.zeros(SHAPE)
    return LearnedDenoiser(net, OUTPUTS[form], 2, 1.0, mean, process, power=space.power, any_k=True)


def test_the_data_of_a_step_are_the_same_pictures_encoded_and_the_noise_is_the_same():
    plain, coloured = (training(spec, data_dir=None, device=CPU) for spec in (WHITE, COLOURED))
    space = coordinates(COLOURED)
    for step in range(2):
        rows = [parts.source.rows(step) for parts in (plain, coloured)]
        assert torch.equal(*rows)
        x, u = (parts.source.take(row, step) for parts, row in zip((plain, coloured), rows, strict=True))
        torch.testing.assert_close(space.decode(u), x, atol=1e-5, rtol=0)
    # Same seed: the white noise of a step does not depend on the covariance.
    torch.testing.assert_close(coloured.held_out.y - coloured.held_out.x[:, None],
                               plain.held_out.y - plain.held_out.x[:, None], atol=1e-4, rtol=1e-5)  # fmt: skip
    assert Chance(0, 2, CPU).noise(SHAPE, 0).shape == (2, *SHAPE)


@pytest.mark.parametrize("covariance", ["power-law", "blur", "data"])
def test_statistics_are_those_of_the_encoded_images(covariance):
    spec = COLOURED.replace("noise.covariance", covariance)
    images, space = loaded_images(spec.data), coordinates(spec)
    u = space.encode(images.to_data(images.train).double())
    mean, std = encoded_statistics(images, space)
    torch.testing.assert_close(mean.double(), u.mean(0), atol=1e-4, rtol=1e-4)
    assert std == pytest.approx((u - u.mean(0)).square().mean().sqrt().item(), rel=1e-4)


@pytest.mark.parametrize("form", ["predict-n", "predict-v", "plain", "preconditioned", "score"])
def test_the_network_sees_pictures_with_coloured_noise(form):
    space = coordinates(COLOURED)
    assert isinstance(space, Spectral)
    x, n = torch.rand(3, *SHAPE) * 2 - 1, torch.randn(3, 2, *SHAPE)
    sigma = torch.tensor([0.1, 1.0, 10.0])
    wide = sigma[:, None, None, None, None]
    net = Seen(torch.zeros(3, *SHAPE))
    made = denoiser(form, net, space)
    made(space.encode(x)[:, None] + wide * n, sigma)
    pictures = x[:, None] + wide * space.decode(n)
    # The scale is one number for each datum.
    ratio = (net.y * pictures).flatten(1).sum(1) / pictures.square().flatten(1).sum(1)
    torch.testing.assert_close(net.y, ratio[:, None, None, None, None] * pictures, atol=1e-4, rtol=1e-3)
    assert (ratio > 0).all()
    assert (ratio[1:] < ratio[:-1]).all()


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("form", ["predict-n", "predict-v", "plain"])
def test_the_target_of_each_form_gives_x_back_with_the_stated_loss(form, k):
    space = coordinates(COLOURED)
    x, n = torch.rand(3, *SHAPE) * 2 - 1, torch.randn(3, k, *SHAPE)
    sigma = torch.tensor([0.3, 1.0, 3.0])
    u = space.encode(x)
    y = u[:, None] + sigma[:, None, None, None, None] * n
    eff = (sigma / math.sqrt(k))[:, None, None, None]
    white = n.mean(1) * math.sqrt(k)
    velocity = (white - eff * u) / (1 + eff**2).sqrt()
    target = {"predict-n": white, "predict-v": velocity, "plain": x}[form]
    torch.testing.assert_close(denoiser(form, Seen(target), space)(y, sigma).mean, u, atol=1e-4, rtol=1e-4)
    # An output that is off by e costs ‖e‖² in its own units: n and v are white, x is a picture.
    off = torch.randn(3, *SHAPE)
    made = denoiser(form, Seen(target + off), space)
    error = (made(y, sigma).mean - u).square().flatten(1).sum(1) * made.weight(sigma, k)
    own = space.encode(off) if form == "plain" else off
    torch.testing.assert_close(error, own.square().flatten(1).sum(1), atol=1e-3, rtol=1e-3)


def test_the_plain_form_sees_the_states_of_a_process_of_preserved_variance():
    space = coordinates(COLOURED)
    net = Seen(torch.zeros(2000, *SHAPE))
    made = denoiser("plain", net, space)
    process: Process = made.process
    t = torch.full((2000,), 0.7)
    made(process.noise(t)[:, None, None, None, None] * torch.randn(2000, 2, *SHAPE), process.noise(t))
    assert net.y.var().item() == pytest.approx(process(0.7)[1] ** 2, rel=0.02)


def test_no_exponent_trains_and_draws_the_bits_of_isotropic_noise(tmp_path):
    flat = COLOURED.replace("noise.gamma", 0.0)
    losses, samples = [], []
    for name, spec in (("white", WHITE), ("flat", flat), ("coloured", COLOURED)):
        events = trained(spec, tmp_path / name)
        losses.append([event.loss for event in events if isinstance(event, HeldOutLoss)])
        samples.append(drawn(spec, tmp_path / name).x_hat)
    assert isinstance(learned_denoiser(tmp_path / "flat", CPU).space, Isotropic)
    assert losses[0] == losses[1] != losses[2]
    np.testing.assert_array_equal(samples[0], samples[1])
    assert np.abs(samples[0] - samples[2]).max() > 0.01


@pytest.mark.parametrize("sampler", ["ddim", "langevin", "predictor-corrector"])
@pytest.mark.parametrize("jump", [True, False])
def test_chains_of_a_trained_network_are_decoded_walks_in_white_coordinates(tmp_path, sampler, jump):
    from msd_engine.jobs.factory.chains import sampling

    spec = COLOURED.replace_all({"sampling.sampler": sampler, "sampling.jump": jump})
    trained(spec, tmp_path / "run")
    samples = drawn(spec, tmp_path / "run")
    chains = sampling(spec, run_dir=tmp_path / "run", device="cpu")
    *_, last = walk(chains.dynamics, chains.denoiser, chains.y, chains.descent, chains.streams)
    space = coordinates(spec)
    ends = last.posterior.mean if jump else last.y.mean(1)
    np.testing.assert_allclose(samples.x_hat, space.decode(ends).numpy(), atol=1e-5 * ends.abs().max().item())


def test_a_network_keeps_a_measured_spectrum_and_needs_no_images(tmp_path):
    spec = COLOURED.replace("noise.covariance", "data")
    frames = [event for event in trained(spec, tmp_path / "run") if isinstance(event, StripFrame)]
    loaded = learned_denoiser(tmp_path / "run", CPU)
    assert isinstance(loaded.space, Spectral)
    torch.testing.assert_close(loaded.space.power, coordinates(spec).power, rtol=1e-6, atol=0)
    # The strip is told as pictures.
    images = loaded_images(spec.data)
    shown = images.to_data(images.test[: len(frames[-1].clean)]).numpy()
    np.testing.assert_allclose(frames[-1].clean, shown, atol=1e-4)
    drawn(spec, tmp_path / "run", data_dir=tmp_path / "nothing")


@pytest.mark.long
def test_numbers_of_copies_are_compared_under_coloured_noise(tmp_path):
    """At the same σ_eff the exact error does not depend on k, and it is that of the encoded images."""
    plan = SweepSpec(base=COLOURED, ks=(1, 2), seeds=(0,), modes=("same-sigma-eff",))
    events = list(sweep(plan, tmp_path / "out", device="cpu", threads=1))
    assert isinstance(events[-1], Finished), events[-1]
    table = [event for event in events if isinstance(event, SweepTable)][-1]
    floors = {row.k: row.floor for row in table.rows}
    assert floors[1] == pytest.approx(floors[2], rel=1e-3)
    white = SweepSpec(base=WHITE, ks=(1, 2), seeds=(0,), modes=("same-sigma-eff",))
    others = [
        event for event in sweep(white, tmp_path / "white", device="cpu", threads=1) if isinstance(event, SweepTable)
    ]
    assert abs(others[-1].rows[0].floor / floors[1] - 1) > 0.1
