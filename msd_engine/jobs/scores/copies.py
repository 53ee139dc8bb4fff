"""The copies test of denoisers: change the copies of fixed draws, and measure how far x̂ moves.

Where the copies are shuffled, ȳ and so an exact x̂ stay the same (theory §3, fact 1). Without the last copy ȳ is the
mean of the others at the noise σ/√(k − 1). A copy x' + σ n_k of another datum moves ȳ by (x' − x)/k.

A network of one k gets the mean of the others in the place of a dropped copy: the same ȳ, but the noise of k copies.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.denoisers.posterior import Denoiser
from msd_engine.events.scores.copies import CHANGES
from msd_engine.jobs.factory.targets import target
from msd_engine.noise.copies import copies
from msd_engine.specs.scores.spec import ScoresSpec

_DRAWS, _SEED = 1000, 1


class CopiesTest:
    """Draws with their changed copies, at the noise of a comparison.

    Args:
        spec: The comparison, of points or a mixture, with at least two copies.

    Attributes:
        exact: Change of the exact x̂ over σ_eff, by change, with shape (3,).
    """

    def __init__(self, spec: ScoresSpec) -> None:
        known, k = target(spec.base), spec.base.training.k
        assert known is not None
        generator = torch.Generator().manual_seed(_SEED)
        x = known.sample(_DRAWS, generator)
        n = torch.randn(_DRAWS, k, *known.shape, generator=generator, dtype=x.dtype)
        self._sigma, self._unit = spec.sigma, spec.sigma_eff
        self._y = copies(x, spec.sigma, n)
        replaced = self._y.clone()
        replaced[:, -1] += x.roll(1, 0) - x
        # Moved round by one, no copy keeps its place.
        self._changed = {"shuffled": self._y.roll(1, 1), "dropped": self._y[:, :-1], "replaced": replaced}
        self.exact = self._measure(known.denoiser(), self._changed)

    def measure(self, denoiser: LearnedDenoiser) -> NDArray[np.float64]:
        """Return the changes of the x̂ of a network over σ_eff, by change, with shape (3,)."""
        changed = self._changed
        if not denoiser.any_k:
            others = changed["dropped"]
            changed = changed | {"dropped": torch.cat((others, others.mean(1, keepdim=True)), 1)}
        return self._measure(denoiser, changed)

    @torch.no_grad()
    def _measure(self, denoiser: Denoiser, changed: dict[str, Tensor]) -> NDArray[np.float64]:
        def x_hat(y: Tensor) -> Tensor:
            if isinstance(denoiser, LearnedDenoiser):
                y = y.float().to(denoiser.sigma_data.device)
            return denoiser(y, self._sigma).mean.cpu().double()

        before = x_hat(self._y)
        moved = [math.sqrt(float((x_hat(changed[name]) - before).square().mean())) for name in CHANGES]
        return np.array(moved) / self._unit
