"""Errors of a learned score at the states of chains, by level and by region of the plane."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from msd_engine.denoisers.target import Target
from msd_engine.events import ScoreErrors
from msd_engine.events.sampling import LOST
from msd_engine.events.scores.fields import REGIONS
from msd_engine.metrics.errors.regions import region_errors, regions, relative_error
from msd_engine.samplers.twin import Segment

# Moments of a level, chains and levels that are measured at most; draws that show where the data are.
_MOMENTS, _CHAINS, _LEVELS, _DRAWS = 4, 64, 32, 400


class ErrorsAlong:
    """Errors of the score that moved chains, against the exact one, from a few hundred of their states per level.

    The learned x̂ of a state is known from the step; the exact x̂ follows from ȳ (theory §3, fact 1), and a score is
    (x̂ − ȳ)/σ_eff².

    Args:
        target: The data, in the plane, in the coordinates of the chains.
        levels: Number of levels.
        steps_per_level: Steps of each level.
        k: Number of copies.
        trained: Least and largest σ_eff of the training.
    """

    def __init__(self, target: Target, levels: int, steps_per_level: int, k: int, trained: tuple[float, float]) -> None:
        self._target, self._trained = target, trained
        self._steps, self._root_k = steps_per_level, math.sqrt(k)
        self._levels = {round(level) for level in np.linspace(0, levels - 1, min(levels, _LEVELS)).tolist()}
        # By level: noise σ of a copy by the schedule, and noise, ȳ and learned x̂ of each moment.
        self._sigma: dict[int, float] = {}
        self._states: dict[int, list[tuple[float, Tensor, Tensor]]] = {}

    def note(self, segment: Segment, stride: int) -> None:
        """Keep some states of a segment: of each quarter of a level the first one.

        Args:
            segment: States of one level.
            stride: Number of steps between kept states of the chains.
        """
        if segment.level not in self._levels:
            return
        since = segment.steps - segment.level * self._steps
        first = (since * _MOMENTS) // self._steps != ((since - stride) * _MOMENTS) // self._steps
        self._sigma[segment.level] = segment.sigma
        kept = self._states.setdefault(segment.level, [])
        for place in np.flatnonzero(first):
            y, x_hat = (torch.tensor(path[place, :_CHAINS]).double() for path in (segment.path, segment.means))
            kept.append((float(segment.noises[place]), y.mean(1), x_hat))

    def measured(self) -> ScoreErrors:
        """Return the errors at the levels that the chains have come through."""
        level = sorted(self._states)
        rows = [self._at(one) for one in level]
        sigma_eff = np.array([self._sigma[one] for one in level]) / self._root_k
        errors, shares, by_region = (np.array(column) for column in zip(*rows, strict=True))
        return ScoreErrors(sigma_eff, np.array(level), errors, shares, by_region, self._trained)

    def _at(self, level: int) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the error, the share of the states by region and the errors by region at a level."""
        denoiser, at, learned, exact = self._target.denoiser(), [], [], []
        for noise, all_means, estimates in self._states[level]:
            lives = (torch.cat([all_means, estimates], 1).abs() < LOST).all(1)
            y_mean, tau = all_means[lives], noise / self._root_k
            at.append(y_mean)
            learned.append((estimates[lives] - y_mean) / tau**2)
            exact.append((denoiser(y_mean.unsqueeze(1), tau).mean - y_mean) / tau**2)
        where, score, truth = (torch.cat(parts).numpy() for parts in (at, learned, exact))
        if not len(where):
            none = np.full(len(REGIONS), math.nan)
            return math.nan, none, none
        region = self._regions(where, self._sigma[level] / self._root_k)
        shares = np.bincount(region, minlength=len(REGIONS)) / len(region)
        return relative_error(score, truth), shares, region_errors(score, truth, region, len(REGIONS))

    def _regions(self, at: np.ndarray, tau: float) -> np.ndarray:
        """Return the region of states (n, 2) among data with noise τ."""
        generator = torch.Generator().manual_seed(0)
        draws = self._target.sample(_DRAWS, generator)
        draws += tau * torch.randn(draws.shape, generator=generator, dtype=draws.dtype)
        log_p = (self._target.log_prob(points, tau).numpy() for points in (torch.from_numpy(at), draws))
        of_states, of_draws = log_p
        return regions(at, of_states, draws.numpy(), of_draws)
