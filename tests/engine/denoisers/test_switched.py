"""Two denoisers for large and small noise, and the exact posterior mean in the place of a network at large noise."""

import math

import pytest
import torch

from msd_engine.data.folder import candidates
from msd_engine.data.images import has_images
from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.guided import GuidedDenoiser
from msd_engine.denoisers.switched import SwitchedDenoiser
from msd_engine.events import Finished, Notice, Samples
from msd_engine.jobs.factory.chains import sampling
from msd_engine.jobs.factory.parts import evaluations, guided_between, handover, is_guided
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import train
from msd_engine.samplers.walk import walk
from msd_engine.specs import BEGUN, ExperimentSpec, ImagesSpec, load_preset


def gaussian(mean: float, variance: float) -> ExactDenoiser:
    return ExactDenoiser(
        GaussianMixture(torch.ones(1), torch.full((1, 2), mean), variance * torch.eye(2).expand(1, 2, 2))
    )


def test_each_noise_has_its_denoiser():
    y = torch.randn(5, 3, 2, generator=torch.Generator().manual_seed(0))
    above, below = gaussian(1.0, 2.0), gaussian(-0.5, 3.0)
    both = SwitchedDenoiser(above, below, 1.0)
    for sigma, expected in ((0.5, below), (1.0, below), (1.5, above)):
        assert torch.equal(both(y, sigma).mean, expected(y, sigma).mean)
        assert torch.equal(both(y, sigma).score, expected(y, sigma).score)
    sigmas = torch.tensor([0.4, 0.6, 1.0, 1.9, 3.0])
    found = both(y, sigmas)
    each = [both(y[i : i + 1], sigma.item()) for i, sigma in enumerate(sigmas)]
    torch.testing.assert_close(found.mean, torch.cat([one.mean for one in each]))
    torch.testing.assert_close(found.score, torch.cat([one.score for one in each]))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    spec = load_preset("digits-30s").replace_all(
        {
            "network.width": 8,
            "training.steps": 30,
            "training.seconds": 0.0,
            "training.k": 2,
            "training.batch": 16,
            "training.evaluate_every": 30,
            "sampling.sampler": "ode",
            "sampling.source": "trained",
            "sampling.levels": 6,
            "sampling.steps_per_level": 2,
            "sampling.chains": 3,
            "sampling.guidance": 1.5,
            "sampling.exact_above": 1.0,
        }
    )
    folder = tmp_path_factory.mktemp("switched") / "run"
    assert isinstance(list(train(spec, folder))[-1], Finished)
    return spec, folder


def counted(denoiser, seen):
    return lambda y, sigma: seen.append(sigma) or denoiser(y, sigma)


def test_chains_begin_with_the_images_and_end_with_the_network(trained):
    spec, folder = trained
    chains = sampling(spec, run_dir=folder)
    both = chains.denoiser
    assert isinstance(both, SwitchedDenoiser)
    assert both.sigma == handover(spec) == math.sqrt(2)
    guided = both.below
    assert isinstance(guided, GuidedDenoiser)
    large, late, early = [], [], []
    both.above = counted(both.above, large)
    guided.late, guided.early = counted(guided.late, late), counted(guided.early, early)
    for _ in walk(chains.dynamics, both, chains.y, chains.descent, chains.streams):
        pass
    assert large
    assert late
    assert min(large) > handover(spec) >= max(late)
    low, high = guided_between(spec)
    assert high == handover(spec)
    assert early == [sigma for sigma in late if low < sigma < high]
    assert len(large) + len(late) + len(early) == evaluations(spec, chains.descent, guided=is_guided(spec, folder))


def drawn(spec, folder, **where):
    return [event for event in sample(spec, run_dir=folder, **where) if isinstance(event, (Samples, Notice))]


def test_above_every_level_nothing_changes(trained):
    spec, folder = trained
    never = spec.replace("sampling.exact_above", spec.sampling.sigma_1)
    assert spec.begins_at_data
    assert not never.begins_at_data
    (plain,) = drawn(never, folder)
    (default,) = drawn(spec.replace("sampling.exact_above", 1e4), folder)
    notice, mixed = drawn(spec, folder)
    assert BEGUN in notice.text
    assert ExperimentSpec.from_json(mixed.spec_json).begun == BEGUN
    assert not ExperimentSpec.from_json(plain.spec_json).begun
    assert (plain.x_hat == default.x_hat).all()
    assert abs(plain.x_hat - mixed.x_hat).max() > 1e-3


def test_a_chain_is_the_same_whatever_the_number_of_chains(trained):
    spec, folder = trained
    _, three = drawn(spec, folder)
    _, one = drawn(spec.replace("sampling.chains", 1), folder)
    assert (three.x_hat[:1] == one.x_hat).all()


def test_without_the_images_the_network_is_asked_at_all_noises(trained, monkeypatch):
    """A pretrained network may be sampled where its images are not; the chains say what they miss."""
    spec, folder = trained
    spec = spec.replace("sampling.guidance", 1.0)
    (expected,) = drawn(spec.replace("sampling.exact_above", 1e4), folder)
    monkeypatch.setattr("msd_engine.jobs.factory.chains.has_images", lambda name, data_dir: False)
    notice, plain = drawn(spec, folder)
    assert "not on this machine" in notice.text
    assert not ExperimentSpec.from_json(plain.spec_json).begun
    assert (plain.x_hat == expected.x_hat).all()


@pytest.mark.parametrize("name", ["mnist", "cifar-10"])
def test_images_are_found_by_any_of_their_files(name, tmp_path):
    assert not has_images(ImagesSpec(name=name), tmp_path)
    for folder in candidates(name, tmp_path)[:1]:
        folder.mkdir(parents=True)
        (folder / ("train-images-idx3-ubyte.gz" if name == "mnist" else "test_batch.bin")).write_bytes(b"")
    assert has_images(ImagesSpec(name=name), tmp_path)
