"""Random mixtures and copies for the tests of the exact side."""

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
