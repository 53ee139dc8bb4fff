"""Random mixtures and copies for the tests of the exact side."""

import math

import torch

from msd_engine.data.mixture import GaussianMixture
from msd_engine.noise.copies import copies


def random_mixture(seed, *, modes=4, dim=2, spread=4.0, dtype=torch.float64):
    """Return a mixture with full covariances."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(modes, generator=generator, dtype=dtype) + 0.1
    means = spread * torch.randn(modes, dim, generator=generator, dtype=dtype)
    root = torch.randn(modes, dim, dim, generator=generator, dtype=dtype)
    return GaussianMixture(weights, means, root @ root.mT + 0.1 * torch.eye(dim, dtype=dtype))


def drawn_copies(x, sigma, k, generator):
    """Return k noisy copies of every datum."""
    n = torch.randn((len(x), k, *x.shape[1:]), generator=generator, dtype=x.dtype)
    return copies(x, sigma, n)


def settled_std(target, sigma, k, step_ratio, *, jump):
    """Return the std within a mode of Langevin chains that have settled at one noise, for modes apart.

    In one mode with variance λ along an axis ȳ is an AR(1) process: with τ² = σ²/k its factor is 1 − h,
    h = rτ²/(λ + τ²), and its noise has variance 2rτ². Its variance is (λ + τ²)/(1 − h/2), and the jump
    x̂ = μ + λ/(λ + τ²) (ȳ − μ) shrinks it by (λ/(λ + τ²))². With r = 0 this is exact sampling.
    """
    variance = target.eigenvalues.double()
    total = variance + sigma**2 / k
    stationary = total / (1 - step_ratio * sigma**2 / k / total / 2)
    if jump:
        stationary = stationary * (variance / total).square()
    return math.sqrt((target.weights.double() @ stationary.mean(1)).item())
