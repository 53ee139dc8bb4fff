"""Two denoisers, one for large noise and one for small.

Balaji et al. (2022, arXiv:2211.01324) train an expert for every range of noise. Here the expert for large noise needs
no training: where σ_eff swamps the distances between images, the posterior mean over the training images is spread over
many of them, and errs less on images that it has not seen than a network that trains elsewhere
(tests/benchmarks/exact_above.py). At small noise it would only repeat one of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser, Posterior, per_chain, tweedie


class SwitchedDenoiser:
    """One denoiser above a noise, another one up to it.

    Args:
        above: Denoises where the noise of one copy is larger than `sigma`.
        below: Denoises elsewhere.
        sigma: Where they change over, as noise of one copy.
    """

    def __init__(self, above: Denoiser, below: Denoiser, sigma: float) -> None:
        self.above = above
        self.below = below
        self.sigma = sigma

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the posterior of the one whose noise it is.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy, a number or a tensor with shape (B,).

        Returns:
            The posterior, in the dtype and on the device of `y`.
        """
        if not isinstance(sigma, Tensor):
            return (self.above if sigma > self.sigma else self.below)(y, sigma)
        above, below = self.above(y, sigma).mean, self.below(y, sigma).mean
        mean = torch.lerp(below, above, per_chain((sigma > self.sigma).to(above), above))
        return Posterior(mean, lambda: tweedie(mean, y, sigma))
