"""Gaussian mixtures: density, score, draws, and the errors of wrong parameters."""

import math

import numpy as np
import pytest
import torch
from mixtures import random_mixture
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from msd_engine.backend.errors import UserError
from msd_engine.data.mixture import GaussianMixture
from msd_engine.data.shapes import mixture
from msd_engine.specs import MixtureSpec

NAMES = ["two-gaussians", "ncsn-toy", "ring-8", "grid-25"]


def by_torch(target, tau=0.0):
    noise = tau**2 * torch.eye(target.dim, dtype=target.means.dtype)
    return MixtureSameFamily(Categorical(target.weights), MultivariateNormal(target.means, target.covariances + noise))


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("tau", [0.0, 0.3, 20.0])
def test_the_density_is_that_of_torch_distributions(dim, tau):
    target = random_mixture(dim, dim=dim)
    x = 6 * torch.randn(3, 50, dim, dtype=torch.float64)
    torch.testing.assert_close(target.log_prob(x, tau), by_torch(target, tau).log_prob(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tau", [0.0, 0.7])
def test_the_score_is_the_gradient_of_the_density(seed, tau):
    target = random_mixture(seed, modes=1 + seed)
    x = (6 * torch.randn(100, 2, dtype=torch.float64)).requires_grad_()
    (gradient,) = torch.autograd.grad(target.log_prob(x, tau).sum(), x)
    torch.testing.assert_close(target.score(x.detach(), tau), gradient, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_draws_have_the_moments_of_the_mixture(name):
    target = mixture(MixtureSpec(name=name))
    x = target.sample(200_000, torch.Generator().manual_seed(1))
    error = 5 * target.std * math.sqrt(2) / math.sqrt(len(x))
    assert (x.mean(0) - target.mean).abs().max().item() < error
    assert math.sqrt(x.var(0).mean().item()) == pytest.approx(target.std, rel=0.01)


def test_draws_with_full_covariances_fall_under_the_density():
    # For z = whitened draws of one mode, |z|² has mean d.
    target = random_mixture(2, modes=1, dim=3)
    x = target.sample(100_000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.cov(x.T), target.covariances[0], rtol=0.05, atol=0.02)
    entropy = by_torch(target).component_distribution.entropy().item()
    assert -target.log_prob(x).mean().item() == pytest.approx(entropy, abs=0.02)


def test_float32_and_lists_and_arrays_mean_the_same():
    target = random_mixture(0)
    parts = (target.weights, target.means, target.covariances)
    x = torch.randn(10, 2, dtype=torch.float64)
    for other in (GaussianMixture(*(p.tolist() for p in parts)), GaussianMixture(*(np.asarray(p) for p in parts))):
        torch.testing.assert_close(other.log_prob(x), target.log_prob(x))
    single = GaussianMixture(*(p.float() for p in parts))
    assert single.log_prob(x.float()).dtype == single.sample(3, torch.Generator()).dtype == torch.float32
    torch.testing.assert_close(single.log_prob(x.float()).double(), target.log_prob(x), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(target.to(dtype=torch.float32).score(x.float()), single.score(x.float()))


def test_weights_are_scaled_to_one():
    target = GaussianMixture([2.0, 6.0], [[0.0], [1.0]], [[[1.0]], [[1.0]]])
    torch.testing.assert_close(target.weights, torch.tensor([0.25, 0.75], dtype=torch.float64))


@pytest.mark.parametrize(
    ("weights", "means", "covariances", "word"),
    [
        ([], [], [], "weights"),
        ([1.0], [[0.0, 0.0], [1.0, 1.0]], [[[1.0, 0.0], [0.0, 1.0]]], "means"),
        ([1.0], [0.0, 0.0], [[[1.0, 0.0], [0.0, 1.0]]], "means"),
        ([1.0], [[0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], "covariances"),
        ([-1.0], [[0.0]], [[[1.0]]], "positive"),
        ([1.0], [[math.nan]], [[[1.0]]], "finite"),
        ([1.0], [[0.0, 0.0]], [[[1.0, 0.5], [0.0, 1.0]]], "symmetric"),
        ([1.0], [[0.0, 0.0]], [[[1.0, 2.0], [2.0, 1.0]]], "mode 0 is not positive definite"),
    ],
)
def test_wrong_parameters_are_named(weights, means, covariances, word):
    with pytest.raises(ValueError, match=word):
        GaussianMixture(weights, means, covariances)


def test_the_named_mixtures():
    toy = mixture(MixtureSpec(name="ncsn-toy"))
    assert toy.weights.tolist() == [0.8, 0.2]
    assert toy.means.tolist() == [[5.0, 5.0], [-5.0, -5.0]]
    assert toy.covariances.tolist() == [[[1.0, 0.0], [0.0, 1.0]]] * 2
    assert mixture(MixtureSpec(name="two-gaussians")).weights.tolist() == [0.5, 0.5]
    assert len(mixture(MixtureSpec(name="ring-8")).weights) == 8
    assert len(mixture(MixtureSpec(name="grid-25")).weights) == 25


def test_custom_mixtures_are_built_or_refused_in_one_sentence():
    given = {"weights": (1.0, 3.0), "means": ((0.0,), (2.0,)), "covariances": (((1.0,),), ((4.0,),))}
    assert mixture(MixtureSpec(name="custom", **given)).weights.tolist() == [0.25, 0.75]
    given["covariances"] = (((1.0,),), ((-4.0,),))
    with pytest.raises(UserError, match="mode 1 is not positive definite"):
        mixture(MixtureSpec(name="custom", **given))
