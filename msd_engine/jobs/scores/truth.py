"""The truth of a comparison of scores: density, score and regions in the plane, and draws of noisy data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.denoisers.learned import LearnedDenoiser
from msd_engine.events import ScoreTruth
from msd_engine.events.scores.fields import REGIONS
from msd_engine.jobs.factory.targets import target
from msd_engine.jobs.sampling.field import cell_centres, exact_score, log_density
from msd_engine.metrics.errors.regions import region_errors, regions, relative_error
from msd_engine.noise.copies import matched_copies
from msd_engine.noise.space import Isotropic
from msd_engine.specs.scores.spec import ScoresSpec

SIDE = 45
"""Cells of the grid each way."""

_DRAWS, _SHOWN, _SEED = 4000, 500, 0
# Share of the width of the draws that is shown beyond them.
_MARGIN = 0.25
# Depths of the contours under the peak of the log density.
_DEPTHS = (1.0, 3.0, 6.0, 10.0)


@dataclass(frozen=True, eq=False)
class Truth:
    """The exact side of a comparison.

    Attributes:
        event: What is shown of it.
        sigma: Noise of one copy.
        y: Copies whose mean is at the cells of the grid, then copies of draws, with shape (n·n + draws, k, 2), float32.
        score: The exact scores of their means, float64, with shape (n·n + draws, 2).
    """

    event: ScoreTruth
    sigma: float
    y: Tensor
    score: NDArray[np.float64]

    def errors(self, learned: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the error at each of `PLACES` with shape (4,), of learned scores with the shape of `score`."""
        cells = SIDE**2
        by_region = region_errors(learned[:cells], self.score[:cells], self.event.region, len(REGIONS))
        return np.array([relative_error(learned[cells:], self.score[cells:]), *by_region])


def truth_of(spec: ScoresSpec) -> Truth:
    """Compute the exact side of a comparison.

    Raises:
        UserError: A custom mixture is not valid.
    """
    known = target(spec.base)
    if known is None:
        raise UserError("Images have no exact score: choose points or a mixture.")
    k, tau = spec.base.training.k, spec.sigma_eff
    generator = torch.Generator().manual_seed(_SEED)
    x = known.sample(_DRAWS, generator)
    drawn = matched_copies(x, spec.sigma, k, generator)
    means = drawn.mean(1)
    bounds = _bounds(means)
    at = cell_centres(bounds, SIDE, SIDE)
    log_p = log_density(known, at.float(), tau, Isotropic())
    everywhere = torch.cat((at, means))
    region = regions(
        at.numpy(), log_p.numpy(), means.numpy(), log_density(known, means.float(), tau, Isotropic()).numpy()
    )
    score = exact_score(known, everywhere, tau)
    n = torch.randn(len(at), k, 2, generator=generator, dtype=at.dtype)
    # Residuals like those of real copies: they carry no information, but the network was trained with some.
    y = torch.cat((at.unsqueeze(1) + spec.sigma * (n - n.mean(1, keepdim=True)), drawn)).float()
    event = ScoreTruth(
        sigma=spec.sigma,
        sigma_eff=tau,
        bounds=bounds,
        points=at.float().numpy(),
        log_density=log_p.reshape(SIDE, SIDE).float().numpy(),
        score=score[: len(at)].float().numpy(),
        region=region,
        contours=_contours(bounds, log_p.reshape(SIDE, SIDE).numpy()),
        data=x[:_SHOWN].float().numpy(),
    )
    return Truth(event, spec.sigma, y, score.double().numpy())


@torch.no_grad()
def learned_scores(denoiser: LearnedDenoiser, truth: Truth) -> NDArray[np.float64]:
    """Return the learned scores at all points of the truth, float64, with shape (n·n + draws, 2)."""
    device = denoiser.sigma_data.device
    y = truth.y.to(device)
    return denoiser.score(y, torch.full((len(y),), truth.sigma, device=device)).cpu().double().numpy()


def _bounds(means: Tensor) -> tuple[float, float, float, float]:
    """Return a square part of the plane around draws with shape (n, 2)."""
    low, high = means.amin(0), means.amax(0)
    middle, half = (low + high) / 2, float((high - low).max()) * (0.5 + _MARGIN)
    x, y = middle.tolist()
    return x - half, x + half, y - half, y + half


def _contours(bounds: tuple[float, float, float, float], log_p: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    # Imported here: it is needed once.
    from contourpy import contour_generator

    x_min, x_max, y_min, y_max = bounds
    centres = (np.arange(SIDE) + 0.5) / SIDE
    lines: Any = contour_generator(x_min + (x_max - x_min) * centres, y_min + (y_max - y_min) * centres, log_p)
    return tuple(
        line.astype(np.float32)
        for depth in _DEPTHS
        for line in lines.lines(float(log_p.max()) - depth)
        if len(line) > 1
    )
