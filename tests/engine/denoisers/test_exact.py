"""The exact denoiser against an independent joint posterior, and the exact facts of theory §3."""

import math

import pytest
import torch
from mixtures import drawn_copies, random_mixture

from msd_engine.data.mixture import GaussianMixture
from msd_engine.data.shapes import mixture
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.posterior import tweedie
from msd_engine.specs import MixtureSpec


def joint_posterior(target, y, sigma):
    """The posterior mean from all k copies as one Gaussian vector of length kd, mode by mode, by plain solving."""
    chains, k, d = y.shape
    flat = y.reshape(chains, k * d)
    repeat = torch.eye(d, dtype=y.dtype).repeat(k, 1)
    log_weights, means = [], []
    for w, mu, cov in zip(target.weights, target.means, target.covariances, strict=True):
        total = repeat @ cov @ repeat.T + sigma**2 * torch.eye(k * d, dtype=y.dtype)
        centred = flat - mu.repeat(k)
        solved = torch.linalg.solve(total, centred.T).T
        quadratic = (centred * solved).sum(1)
        log_weights.append(w.log() - 0.5 * (quadratic + torch.logdet(total) + k * d * math.log(2 * math.pi)))
        means.append(mu + solved @ (repeat @ cov))
    log_joint = torch.stack(log_weights, 1)
    mean = (torch.softmax(log_joint, 1).unsqueeze(-1) * torch.stack(means, 1)).sum(1)
    return mean, torch.logsumexp(log_joint, 1)


def noisy(target, sigma, k, n=40, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return drawn_copies(target.sample(n, generator), sigma, k, generator)


@pytest.mark.parametrize("k", [1, 2, 3, 8, 16])
@pytest.mark.parametrize("sigma", [0.2, 1.0, 10.0])
@pytest.mark.parametrize("dim", [1, 2, 4])
def test_the_mean_is_that_of_the_joint_posterior(k, sigma, dim):
    target = random_mixture(10 * k + dim, modes=5, dim=dim)
    y = noisy(target, sigma, k)
    denoiser = ExactDenoiser(target)
    mean, log_joint = joint_posterior(target, y, sigma)
    torch.testing.assert_close(denoiser(y, sigma).mean, mean, rtol=0, atol=1e-10)
    torch.testing.assert_close(denoiser.density(y, sigma)[1], log_joint, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("k", [1, 2, 8, 16])
@pytest.mark.parametrize("sigma", [0.1, 1.0, 10.0])
def test_the_score_is_the_gradient_of_the_joint_density(k, sigma):
    target = random_mixture(k)
    y = noisy(target, sigma, k)
    given = y.clone().requires_grad_()
    denoiser = ExactDenoiser(target)
    (by_fact_2,) = torch.autograd.grad(denoiser.density(given, sigma)[1].sum(), given)
    (by_joint_gaussian,) = torch.autograd.grad(joint_posterior(target, given, sigma)[1].sum(), given)
    posterior = denoiser(y, sigma)
    torch.testing.assert_close(posterior.score, by_fact_2, rtol=0, atol=1e-8)
    torch.testing.assert_close(posterior.score, by_joint_gaussian, rtol=0, atol=1e-8)
    torch.testing.assert_close(posterior.score, tweedie(posterior.mean, y, sigma), rtol=0, atol=1e-8)


def test_sufficiency():
    target = random_mixture(1)
    denoiser = ExactDenoiser(target)
    for k in (2, 5, 16):
        y = noisy(target, 2.0, k)
        one = denoiser(y.mean(1, keepdim=True), 2.0 / math.sqrt(k))
        torch.testing.assert_close(denoiser(y, 2.0).mean, one.mean, rtol=0, atol=1e-12)


def test_permuted_copies_have_the_same_mean_and_permuted_scores():
    target = random_mixture(3)
    y = noisy(target, 1.5, 7)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    denoiser = ExactDenoiser(target)
    posterior, permuted = denoiser(y, 1.5), denoiser(y[:, order], 1.5)
    torch.testing.assert_close(permuted.mean, posterior.mean, rtol=0, atol=1e-13)
    torch.testing.assert_close(permuted.score, posterior.score[:, order], rtol=0, atol=1e-12)


def test_a_tensor_of_noises_means_one_noise_per_chain():
    target = random_mixture(4)
    sigma = torch.linspace(0.2, 5.0, 12, dtype=torch.float64)
    y = drawn_copies(target.sample(12, torch.Generator().manual_seed(0)), sigma, 3, torch.Generator().manual_seed(1))
    denoiser = ExactDenoiser(target)
    together = denoiser(y, sigma)
    for i, one in enumerate(sigma.tolist()):
        alone = denoiser(y[i : i + 1], one)
        torch.testing.assert_close(together.mean[i], alone.mean[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(together.score[i], alone.score[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("target", [random_mixture(5), mixture(MixtureSpec(name="grid-25"))], ids=["full", "diagonal"])
def test_numpy_and_torch_compute_the_same_and_gradients_pass(target):
    denoiser = ExactDenoiser(target)
    y = noisy(target, 1.0, 4)
    given = y.clone().requires_grad_()
    posterior, traced = denoiser(y, 1.0), denoiser(given, 1.0)
    torch.testing.assert_close(traced.mean.detach(), posterior.mean, rtol=0, atol=1e-12)
    torch.testing.assert_close(traced.score.detach(), posterior.score, rtol=0, atol=1e-11)
    assert torch.autograd.gradcheck(lambda values: denoiser(values, 1.0).mean, given[:3].detach().requires_grad_())


@pytest.mark.parametrize("name", ["two-gaussians", "ncsn-toy", "ring-8", "grid-25"])
@pytest.mark.parametrize("k", [1, 3, 8, 16])
def test_the_bits_of_a_chain_do_not_depend_on_the_others(name, k):
    target = mixture(MixtureSpec(name=name))
    denoiser = ExactDenoiser(target)
    y = noisy(target, 1.0, k, n=100).float()
    lay = lambda part: part.permute(1, 2, 0).contiguous().permute(2, 0, 1)  # noqa: E731 - chains innermost
    for layout in (torch.Tensor.contiguous, lay):
        whole = denoiser(layout(y), 1.0)
        for count in (1, 2, 3, 7, 10, 64, 99):
            part = denoiser(layout(y[:count]), 1.0)
            assert torch.equal(part.mean, whole.mean[:count])
            assert torch.equal(part.score, whole.score[:count])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sigma", [1e-4, 1e-2, 1.0, 1e4])
@pytest.mark.parametrize("distance", [0.0, 1.0, 1e5])
def test_far_away_and_at_any_noise_everything_is_finite(dtype, sigma, distance):
    target = random_mixture(6)
    y = distance * torch.randn(20, 8, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    posterior = ExactDenoiser(target)(y.to(dtype), sigma)
    assert posterior.mean.dtype == posterior.score.dtype == dtype
    assert bool(torch.isfinite(posterior.mean).all())
    assert bool(torch.isfinite(posterior.score).all())


def test_float32_follows_float64():
    target = mixture(MixtureSpec(name="ncsn-toy"))
    denoiser = ExactDenoiser(target)
    for sigma in (0.01, 1.0, 300.0):
        y = noisy(target, sigma, 8).float()
        torch.testing.assert_close(
            denoiser(y, sigma).mean.double(), denoiser(y.double(), sigma).mean, rtol=1e-5, atol=1e-4
        )


def test_one_gaussian_has_the_textbook_posterior():
    # Prior N(0, s²), k copies at σ: x̂ = ȳ s²/(s² + σ²/k).
    denoiser = ExactDenoiser(GaussianMixture([1.0], [[0.0]], [[[4.0]]]))
    y = torch.tensor([[[1.0], [2.0], [6.0]]], dtype=torch.float64)
    assert denoiser(y, 3.0).mean.item() == pytest.approx(3.0 * 4.0 / (4.0 + 9.0 / 3), rel=1e-14)


# E‖x̂ − x‖² of theory §3 for k = 1, 2, 4, 8, 16; standard error at most .042.
MMSE = {
    1.0: [1.001, 0.666, 0.400, 0.222, 0.118],
    3.0: [2.995, 1.737, 1.386, 1.058, 0.720],
    10.0: [24.37, 17.81, 10.28, 4.549, 2.111],
}


@pytest.mark.parametrize("sigma", MMSE)
def test_the_least_error_is_that_of_the_theory_sheet(sigma):
    target = mixture(MixtureSpec(name="ncsn-toy"))
    denoiser = ExactDenoiser(target)
    generator = torch.Generator().manual_seed(0)
    for k, wanted in zip((1, 2, 4, 8, 16), MMSE[sigma], strict=True):
        x = target.sample(100_000, generator)
        error = (denoiser(drawn_copies(x, sigma, k, generator), sigma).mean - x).square().sum(1)
        own = error.std().item() / math.sqrt(len(x))
        assert abs(error.mean().item() - wanted) < 4 * math.hypot(own, 0.042)
