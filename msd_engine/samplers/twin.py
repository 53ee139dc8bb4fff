"""Chained Langevin dynamics of an exact denoiser, by its twin (theory §3, facts 1 and 3).

An exact denoiser sees the copies only through ȳ, so the mean of the chained update is a chain of its own,

    ȳ ← ȳ + r (x̂_1(ȳ; σ/√k) − ȳ) + √(2ε) z̄,    r = ε/σ²,  z̄ the mean of the z_i,

and the residuals e_i = y_i − ȳ are a data-independent AR(1), e_i ← (1 − r) e_i + √(2ε) (z_i − z̄). Driven by the same
numbers, y_i = ȳ + e_i is the chain of `samplers.langevin` to rounding: only ȳ asks the denoiser.

The steps are compiled (`twin_numba`). Until that is ready numpy makes them, slower, with the same operations in the
same order: the bits are the same, so that nobody can see who computed a chain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.backend.compiled import CompiledModule
from msd_engine.backend.counter import Stream
from msd_engine.backend.streams import ChainStreams
from msd_engine.denoisers.exact import ExactDenoiser, ModeConstants
from msd_engine.denoisers.posterior import Posterior, tweedie
from msd_engine.samplers.descent import Descent
from msd_engine.samplers.exponential import exp

COMPILED = CompiledModule("msd_engine.samplers.twin_numba")

# Chains are computed side by side, so many that they fill the registers; the last ones are padded.
_LANES = (16, 32, 64)
# Numbers of all copies that are drawn in about two milliseconds: short enough to be stopped, worth a call.
_SEGMENT_COMPILED, _SEGMENT_NUMPY = 800_000, 8_000

_Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Segment:
    """Kept states of all chains that follow each other at one noise level, with their posterior means.

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
    every: int = 1,
    bound: float = math.inf,
) -> Iterator[Segment]:
    """Walk all chains down a ladder, as `samplers.walk.walk` does with `samplers.langevin`.

    Args:
        denoiser: The exact denoiser.
        y: Where the chains begin, with shape (B, k, d), on the CPU.
        descent: The ladder and the steps, standing at each level.
        streams: Random numbers of shape (k, d) per chain.
        first: Number of the step to begin with, for chains that branch off on the way.
        every: Keep the states whose step number is a multiple of this.
        bound: Kept numbers are clipped at ± this; NaN stays NaN.

    Yields:
        The kept states in order, and at last the end. The bits of one chain do not depend on the others.
    """
    walker = _Walker(denoiser, y, streams, bound)
    done, ladder, steps_per_level = first, descent.ladder, descent.steps_per_level
    # All kept states have one place in memory, so that those that follow each other are told without a copy.
    path, means = walker.room(len(range(done + -done % every, len(descent), every)) + 1)
    kept = 0
    # Where no step is left, the last level still gives x̂.
    for level in range(min(first // steps_per_level, len(ladder) - 1), len(ladder)):
        sigma, constants = ladder[level], denoiser.constants(y.shape[1], ladder[level])
        left = (level + 1) * steps_per_level - done
        while left:
            count = min(left, max(every, walker.numbers_per_segment // y.numel()))
            steps = np.arange(done + -done % every, done + count, every)
            here = slice(kept, kept + len(steps))
            walker.walk(constants, sigma, descent.step_ratio, count, steps - done, path[here], means[here])
            kept = here.stop
            if len(steps):
                yield Segment(steps, level, sigma, path[here], means[here])
            done += count
            left -= count
    path[kept], means[kept] = walker.state(constants)
    yield Segment(np.array([done]), level, sigma, path[kept:], means[kept:])


class _Walker:
    """Moves chains, of which ȳ has shape (tiles, d, lanes) and the residuals (tiles, k·d, lanes)."""

    def __init__(self, denoiser: ExactDenoiser, y: Tensor, streams: ChainStreams, bound: float) -> None:
        self.chains, self.k, self.dim = y.shape
        self.bound = bound
        self.turned = not denoiser.mixture.is_diagonal
        self.streams = streams
        self.compiled: Any = None
        self.lanes = next((lanes for lanes in _LANES if self.chains <= lanes), _LANES[-1])
        self.tiles = -(-self.chains // self.lanes)
        self.numbers = np.zeros(self.tiles * self.lanes, dtype=np.uint32)
        self.numbers[: self.chains] = streams.rows.words
        laid = self._laid(y.numpy())
        with np.errstate(all="ignore"):
            self.mean = np.ascontiguousarray(_sum(laid) / self.k)
            apart = (laid - self.mean[:, None]).reshape(self.tiles, -1, self.lanes)
            self.residuals = np.ascontiguousarray(apart)

    @property
    def numbers_per_segment(self) -> int:
        """Numbers that are drawn between two looks up; compiled code goes on as soon as it is ready."""
        if self.compiled is None:
            self.compiled = COMPILED.get()
        return _SEGMENT_NUMPY if self.compiled is None else _SEGMENT_COMPILED

    def _laid(self, copies: NDArray[Any]) -> _Array:
        """Lay numbers with shape (B, k, d) out with shape (tiles, k, d, lanes), in float64."""
        padded = np.zeros((self.tiles * self.lanes, self.k, self.dim))
        padded[: self.chains] = copies
        return padded.reshape(self.tiles, self.lanes, self.k, self.dim).transpose(0, 2, 3, 1)

    def room(self, states: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return arrays for kept states: the copies with shape (n, B, k, d), and x̂ with shape (n, B, d)."""
        path = np.empty((states, self.chains, self.k, self.dim), dtype=np.float32)
        return path, np.empty((states, self.chains, self.dim), dtype=np.float32)

    def walk(
        self,
        constants: ModeConstants,
        sigma: float,
        ratio: float,
        steps: int,
        kept: NDArray[np.int64],
        path: NDArray[np.float32],
        means: NDArray[np.float32],
    ) -> None:
        """Make some steps at one noise.

        Args:
            constants: The mixture at this noise.
            sigma: Noise of one copy.
            ratio: r = ε/σ².
            steps: How many steps.
            kept: Before which of them the states are kept, equally spaced.
            path: Takes these states, with shape (n, B, k, d).
            means: Takes x̂ of each, with shape (n, B, d).
        """
        scale = math.sqrt(2 * ratio) * sigma
        if self.compiled is None:
            self._by_numpy(constants, ratio, scale, steps, kept, path, means)
            return
        start, every = (int(kept[0]), int(kept[1] - kept[0]) if len(kept) > 1 else steps) if len(kept) else (-1, 1)
        seed, draw = self.streams.seed, self.streams.normals_drawn
        flat = path.reshape(len(kept), self.chains, self.k * self.dim)
        state = (self.mean, self.residuals, flat, means, self.numbers)
        c = constants
        mixture = (c.means, c.axes, self.turned, c.half_precision, c.gain, c.log_weight)
        key = (int(Stream.CHAIN_NORMAL), seed & 0xFFFFFFFF, seed >> 32)
        self.compiled.walk(*state, steps, start, every, draw, *mixture, ratio, scale, self.bound, *key)
        self.streams.leave_out_normals(steps)

    @np.errstate(all="ignore")
    def state(self, constants: ModeConstants) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the present state with shape (B, k, d) and its x̂ with shape (B, d), as `walk` keeps them."""
        copies = self.residuals.reshape(self.tiles, self.k, self.dim, self.lanes) + self.mean[:, None]
        path = copies.transpose(0, 3, 1, 2).reshape(-1, self.k, self.dim)[: self.chains]
        means = _estimate(constants, self.mean, self.turned).transpose(0, 2, 1).reshape(-1, self.dim)[: self.chains]
        return self._clipped(path), self._clipped(means)

    def _clipped(self, values: _Array) -> NDArray[np.float32]:
        return np.clip(values.astype(np.float32), -self.bound, self.bound)

    # A chain that blows up (r ≥ 2) overflows: it becomes infinite and then NaN, which the job reports.
    @np.errstate(all="ignore")
    def _by_numpy(
        self,
        constants: ModeConstants,
        ratio: float,
        scale: float,
        steps: int,
        kept: NDArray[np.int64],
        path: NDArray[np.float32],
        means: NDArray[np.float32],
    ) -> None:
        wanted = {int(step): place for place, step in enumerate(kept)}
        for step in range(steps):
            x_hat = _estimate(constants, self.mean, self.turned)
            if step in wanted:
                path[wanted[step]], means[wanted[step]] = self.state(constants)
            z = self._laid(self.streams.normal().numpy())
            common = _sum(z) / self.k
            apart = ((z - common[:, None]) * scale).reshape(self.tiles, -1, self.lanes)
            # In place, and so as compiled code takes them.
            self.mean[:] = self.mean * (1 - ratio) + x_hat * ratio + common * scale
            self.residuals[:] = self.residuals * (1 - ratio) + apart


def _sum(copies: _Array) -> _Array:
    """Return the sum over the second axis, one after the other."""
    total = copies[:, 0].copy()
    for i in range(1, copies.shape[1]):
        total += copies[:, i]
    return total


def _estimate(constants: ModeConstants, mean: _Array, turned: bool) -> _Array:
    """Return x̂ of ȳ, both with shape (tiles, d, lanes)."""
    modes, dim = constants.means.shape
    logs, v = [], []
    for j in range(modes):
        centred = mean - constants.means[j, :, None]
        if turned:
            centred = np.stack([_dot(constants.axes[j, :, a], centred) for a in range(dim)], 1)
        exponent = centred[:, 0] * centred[:, 0] * constants.half_precision[j, 0]
        for a in range(1, dim):
            exponent = exponent + centred[:, a] * centred[:, a] * constants.half_precision[j, a]
        v.append(centred)
        logs.append(constants.log_weight[j] - exponent)
    largest = logs[0]
    for log in logs[1:]:
        largest = np.where(log > largest, log, largest)
    rho = [exp(log - largest) for log in logs]
    total, x_hat = rho[0], np.zeros_like(mean)
    for part in rho[1:]:
        total = total + part
    for j in range(modes):
        pulled = constants.gain[j, :, None] * v[j]
        if turned:
            pulled = np.stack([_dot(constants.axes[j, b], pulled) for b in range(dim)], 1)
        x_hat = x_hat + rho[j][:, None] * (constants.means[j, :, None] + pulled)
    return x_hat / total[:, None]


def _dot(row: _Array, columns: _Array) -> _Array:
    """Return Σ_b row_b columns_b with shape (tiles, lanes) for columns (tiles, d, lanes), one after the other."""
    total: _Array = row[0] * columns[:, 0]
    for b in range(1, len(row)):
        total = total + row[b] * columns[:, b]
    return total
