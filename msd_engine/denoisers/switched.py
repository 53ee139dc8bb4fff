"""Two denoisers, one for large noise and one for small.

Balaji et al. (2022, arXiv:2211.01324) train an expert for every range of noise. Here the expert for large noise needs
no training: where σ_eff exceeds the distances between images, the posterior mean over the training images averages many
of them, and its error on unseen images is below that of a network (tests/benchmarks/exact_above.py). At small noise it
would only reproduce one of them.

Samples are best if it serves a little longer than the errors suggest: on MNIST, where they cross at σ_eff 2.5, the
Fréchet distance of one network is 7.5 with 2.5, 7.1 with 2 and 6.0 with 1.7 and less guidance, and samples stay as far
from the training images as held-out ones. A mixture of both with a smaller error than either between 1 and 4 gives
worse samples: a flow needs sharp estimates more than accurate ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from msd_engine.denoisers.posterior import Denoiser, Posterior, per_chain, tweedie


class SwitchedDenoiser:
    """One denoiser above a threshold of the noise, another at or below it.

    Args:
        above: Denoiser for noise of one copy above `sigma`.
        below: Denoiser for other noise.
        sigma: Threshold, as noise of one copy.
    """

    def __init__(self, above: Denoiser, below: Denoiser, sigma: float) -> None:
        self.above = above
        self.below = below
        self.sigma = sigma

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the posterior of the denoiser for the noise of each chain."""
        if not isinstance(sigma, Tensor):
            return (self.above if sigma > self.sigma else self.below)(y, sigma)
        above, below = self.above(y, sigma).mean, self.below(y, sigma).mean
        mean = torch.lerp(below, above, per_chain((sigma > self.sigma).to(above), above))
        return Posterior(mean, lambda: tweedie(mean, y, sigma))
