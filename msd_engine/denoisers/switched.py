"""Two denoisers, one for large noise and one for small.

Balaji et al. (2022, arXiv:2211.01324) train an expert for every range of noise. Here the expert for large noise needs
no training: where σ_eff swamps the distances between images, the posterior mean over the training images is spread over
many of them, and errs less on images that it has not seen than a network that trains elsewhere
(tests/benchmarks/exact_above.py). At small noise it would only repeat one of them.

Samples are best if it stays a little longer than the errors say: on MNIST, where they cross at σ_eff 2.5, the Fréchet
distance of one network is 7.5 with 2.5, 7.1 with 2 and 6.0 with 1.7 and less guidance, and samples stay as far from the
training images as held-out ones. A mixture of both that errs less than either between 1 and 4 gives worse samples: a
flow needs estimates that are sharp rather than near.
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
