"""Guidance of a denoiser by its earlier self."""

import shutil

import pytest
import torch

from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.guided import GuidedDenoiser
from msd_engine.events import Finished, Ladder, Notice, Samples
from msd_engine.jobs.factory.chains import sampling
from msd_engine.jobs.factory.parts import evaluations, guided_between, is_guided
from msd_engine.jobs.sampling.ladder import ladder
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.training.train import EARLIER_SHARE, train
from msd_engine.runs.layout import EARLIER
from msd_engine.runs.run import Run
from msd_engine.samplers.walk import walk
from msd_engine.specs import load_preset


def gaussian(mean: float, variance: float) -> ExactDenoiser:
    return ExactDenoiser(
        GaussianMixture(torch.ones(1), torch.full((1, 2), mean), variance * torch.eye(2).expand(1, 2, 2))
    )


@pytest.fixture
def y():
    return torch.randn(5, 3, 2, generator=torch.Generator().manual_seed(0))


def test_of_two_gaussians_the_guided_mean_is_known(y):
    """Posterior means of Gaussians are linear: μ + λ/(λ + τ²) (ȳ − μ), so that the guided one is linear too."""
    sigma, w = 0.7, 1.6
    found = GuidedDenoiser(gaussian(1.0, 2.0), gaussian(-0.5, 3.0), w, (0.1, 5.0))(y, sigma)
    tau2 = sigma**2 / 3

    def mean(mu, variance):
        return mu + variance / (variance + tau2) * (y.mean(1) - mu)

    expected = w * mean(1.0, 2.0) + (1 - w) * mean(-0.5, 3.0)
    torch.testing.assert_close(found.mean, expected)
    torch.testing.assert_close(found.score, (expected[:, None] - y) / sigma**2)


def test_a_guide_is_followed_between_two_noises_alone(y):
    late, early = gaussian(1.0, 2.0), gaussian(-0.5, 3.0)
    guided = GuidedDenoiser(late, early, 1.6, (0.5, 2.0))
    for sigma in (0.4, 3.0):
        assert torch.equal(guided(y, sigma).mean, late(y, sigma).mean)
    sigmas = torch.tensor([0.4, 0.6, 1.0, 1.9, 3.0])
    each = torch.cat([guided(y[i : i + 1], sigma.item()).mean for i, sigma in enumerate(sigmas)])
    torch.testing.assert_close(guided(y, sigmas).mean, each)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    spec = load_preset("ncsn-toy").replace_all(
        {
            "training.steps": 40,
            "training.seconds": 0.0,
            "training.k": 2,
            "training.batch": 32,
            "sampling.source": "trained",
            "sampling.levels": 4,
            "sampling.steps_per_level": 3,
            "sampling.chains": 6,
            "sampling.guidance": 1.5,
        }
    )
    folder = tmp_path_factory.mktemp("guided") / "run"
    assert isinstance(list(train(spec, folder))[-1], Finished)
    return spec, folder


def drawn(spec, folder):
    return [event for event in sample(spec, run_dir=folder) if isinstance(event, (Samples, Notice))]


def ladder_of(job):
    (reported,) = [event for event in job if isinstance(event, Ladder)]
    return reported


def test_training_keeps_the_weights_of_an_early_moment(trained):
    spec, folder = trained
    run = Run.open(folder)
    early, late = run.load_earlier(), run.load_weights()
    assert (early.step, late.step) == (EARLIER_SHARE * 40, 40)
    assert any(not torch.equal(early.tensors[name], late.tensors[name]) for name in late.tensors)
    short = folder.parent / "short"
    list(train(spec.replace("training.steps", early.step), short))
    # The schedule knows the budget; what is compared is that these are weights of the average, of the same shapes.
    assert Run.open(short).load_weights(early.tensors).step == early.step


def test_chains_of_a_run_are_guided_by_its_earlier_self(trained):
    spec, folder = trained
    (guided,) = drawn(spec, folder)
    (plain,) = drawn(spec.replace("sampling.guidance", 1.0), folder)
    assert abs(guided.x_hat - plain.x_hat).max() > 1e-4
    (again,) = drawn(spec, folder)
    assert (guided.x_hat == again.x_hat).all()


def test_evaluations_count_both_selves(trained):
    spec, folder = trained
    chains = sampling(spec, run_dir=folder)
    wanted = []

    def counted(denoiser):
        return lambda y, sigma: wanted.append(sigma) or denoiser(y, sigma)

    guided = chains.denoiser
    assert isinstance(guided, GuidedDenoiser)
    assert guided.between == guided_between(spec)
    guided.late, guided.early = counted(guided.late), counted(guided.early)
    for _ in walk(chains.dynamics, guided, chains.y, chains.descent, chains.streams):
        pass
    assert len(wanted) == evaluations(spec, chains.descent, guided=is_guided(spec, folder))
    assert spec.sampling.evaluations < len(wanted) < 2 * spec.sampling.evaluations


@pytest.fixture(scope="module")
def young(trained):
    _, folder = trained
    young = folder.parent / "young"
    shutil.copytree(folder, young)
    (young / EARLIER).unlink()
    return young


def test_a_run_without_an_earlier_self_samples_without_guidance_and_says_so(trained, young):
    spec, folder = trained
    notice, plain = drawn(spec, young)
    assert "no earlier self" in notice.text
    (expected,) = drawn(spec.replace("sampling.guidance", 1.0), folder)
    assert (plain.x_hat == expected.x_hat).all()


def test_one_count_of_evaluations_is_reported_before_and_while_chains_are_drawn(trained, young):
    spec, folder = trained
    plain = spec.sampling.evaluations
    for run, guided in ((folder, True), (young, False)):
        before, while_drawn = ladder_of(ladder(spec, run_dir=run)), ladder_of(sample(spec, run_dir=run))
        assert before.evaluations == while_drawn.evaluations
        assert (before.evaluations > plain) == guided
        assert before.guidance_missing == while_drawn.guidance_missing == (not guided)
    # A run that is still to be trained will have its earlier self; without guidance none is missed.
    assert ladder_of(ladder(spec)).evaluations == ladder_of(ladder(spec, run_dir=folder)).evaluations
    unguided = ladder_of(ladder(spec.replace("sampling.guidance", 1.0), run_dir=young))
    assert (unguided.evaluations, unguided.guidance_missing) == (plain, False)
