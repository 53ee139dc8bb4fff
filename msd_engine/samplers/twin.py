"""Chained Langevin dynamics of an exact denoiser, by its twin (theory §3, facts 1 and 3).

An exact denoiser sees the copies only through ȳ, so the mean of the chained update is a chain of its own,

    ȳ ← ȳ + r (x̂_1(ȳ; σ/√k) − ȳ) + √(2ε) z̄,    r = ε/σ²,  z̄ the mean of the z_i,

and the residuals e_i = y_i − ȳ are a data-independent AR(1), e_i ← (1 − r) e_i + √(2ε) (z_i − z̄). Driven by the same
numbers, y_i = ȳ + e_i is the chain of `samplers.langevin` to rounding, in about half the time: only ȳ is simulated
step by step. A step of a few chains costs what calling a handful of numpy operations costs, so it is written for few.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.backend.streams import ChainStreams
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.posterior import Posterior, tweedie
from msd_engine.samplers.descent import Descent

# A stretch of so many steps takes about two milliseconds: short enough to be stopped, long enough to be worth a call.
_STRETCH_STEPS = 100

_Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stretch:
    """States of all chains that follow each other at one noise level, with their posterior means.

    Attributes:
        steps: Step numbers, int64, with shape (n,).
        level: Index of the noise level, from 0.
        sigma: Noise of one copy.
        path: The copies with shape (n, B, k, d), float32.
        means: x̂ of each state with shape (n, B, d), float32.
    """

    steps: NDArray[np.int64]
    level: int
    sigma: float
    path: NDArray[np.float32]
    means: NDArray[np.float32]

    @property
    def step(self) -> int:
        """Number of the last step."""
        return int(self.steps[-1])

    @property
    def y(self) -> Tensor:
        """The copies of the last state, with shape (B, k, d)."""
        return torch.from_numpy(self.path[-1])

    @property
    def posterior(self) -> Posterior:
        """The posterior of the last state."""
        mean = torch.from_numpy(self.means[-1])
        return Posterior(mean, lambda: tweedie(mean, self.y, self.sigma))


def walk(
    denoiser: ExactDenoiser,
    y: Tensor,
    descent: Descent,
    streams: ChainStreams,
    *,
    first: int = 0,
) -> Iterator[Stretch]:
    """Walk all chains down a ladder, as `samplers.walk.walk` does with `samplers.langevin`.

    Args:
        denoiser: The exact denoiser.
        y: Where the chains begin, with shape (B, k, d), on the CPU.
        descent: The ladder and the steps, standing at each level.
        streams: Random numbers of shape (k, d) per chain.
        first: Number of the step to begin with, for chains that branch off on the way.

    Yields:
        All states in order, the start first and the end last: one more than there are steps. The bits of one chain do
        not depend on the others.
    """
    chains, k = y.shape[:2]
    copies = y.numpy().astype(np.float64).transpose(1, 2, 0)
    # numpy adds up a single column in another order than several: two chains are the least.
    copies = np.repeat(copies, 2, axis=2) if chains == 1 else copies
    mean = copies.sum(0) / k
    residuals = copies - mean
    done, ladder, steps_per_level = first, descent.ladder, descent.steps_per_level
    # Where no step is left, the last level still gives x̂.
    for level in range(min(first // steps_per_level, len(ladder) - 1), len(ladder)):
        sigma = ladder[level]
        walker = _Walker(denoiser, copies.shape[2], k, sigma, descent.step_ratio)
        left = (level + 1) * steps_per_level - done
        while left:
            count = min(left, _STRETCH_STEPS)
            noise = _noise(streams, count, copies.shape[2])
            mean, residuals, path, x_hat = walker.walk(mean, residuals, noise)
            yield _stretch(done, level, sigma, path, x_hat, chains)
            done += count
            left -= count
    last = (mean + residuals)[None]
    yield _stretch(done, level, sigma, last, walker.estimate(mean)[None], chains)


class _Walker:
    """Makes the steps at one noise level; chains are the last axis of all arrays."""

    def __init__(self, denoiser: ExactDenoiser, chains: int, k: int, sigma: float, step_ratio: float) -> None:
        self._level = denoiser.level(chains, k, sigma)
        self._ratio = step_ratio
        self._scale = math.sqrt(2 * step_ratio) * sigma

    # A chain that blows up (r ≥ 2) overflows: it becomes infinite and then NaN, which the job reports.
    @np.errstate(all="ignore")
    def walk(self, mean: _Array, residuals: _Array, noise: _Array) -> tuple[_Array, _Array, _Array, _Array]:
        """Make as many steps as there is noise for.

        Args:
            mean: ȳ with shape (d, B).
            residuals: y_i − ȳ with shape (k, d, B).
            noise: z with shape (n, k, d, B).

        Returns:
            ȳ and the residuals after the last step, and for each state before a step the copies with shape
            (n, k, d, B) and x̂ with shape (n, d, B).
        """
        common = noise.sum(1) / noise.shape[1]
        apart = (noise - common[:, None]) * self._scale
        common *= self._scale
        path, x_hat = np.empty_like(noise), np.empty_like(common)
        estimate, ratio, keep = self._level.estimate_mean, self._ratio, 1 - self._ratio
        for n in range(len(noise)):
            np.add(residuals, mean, out=path[n])
            x_hat[n] = x = estimate(mean)
            mean = mean * keep + x * ratio + common[n]
            residuals = residuals * keep + apart[n]
        return mean, residuals, path, x_hat

    @np.errstate(all="ignore")
    def estimate(self, mean: _Array) -> _Array:
        """Return x̂ of ȳ, both with shape (d, B)."""
        x_hat: _Array = self._level.estimate_mean(mean)
        return x_hat


def _noise(streams: ChainStreams, count: int, columns: int) -> _Array:
    """Return the normal numbers of some steps with shape (count, k, d, columns)."""
    drawn = np.stack([streams.normal().numpy() for _ in range(count)]).astype(np.float64).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(drawn if drawn.shape[3] == columns else np.repeat(drawn, columns, axis=3))


@np.errstate(over="ignore", invalid="ignore")
def _stretch(done: int, level: int, sigma: float, path: _Array, x_hat: _Array, chains: int) -> Stretch:
    """Lay states out as they are told: chains first, float32."""
    return Stretch(
        steps=np.arange(done, done + len(path)),
        level=level,
        sigma=sigma,
        path=path[..., :chains].transpose(0, 3, 1, 2).astype(np.float32),
        means=x_hat[..., :chains].transpose(0, 2, 1).astype(np.float32),
    )
