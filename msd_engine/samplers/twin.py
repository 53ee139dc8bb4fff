"""Chained Langevin dynamics of an exact denoiser, in the twin form (theory §3, facts 1 and 3).

An exact denoiser depends on the copies only through ȳ, so the mean of the chained update is a chain of its own,

    ȳ ← ȳ + r (x̂_1(ȳ; s/√k) − ȳ) + √(2ε) z̄,    r = ε/σ²,  z̄ the mean of the z_i,  s the noise that is told,

and the residuals e_i = y_i − ȳ are a data-independent AR(1), e_i ← (1 − r) e_i + √(2ε) (z_i − z̄). Driven by the same
numbers, y_i = ȳ + e_i equals the chain of `samplers.langevin` to rounding, with one evaluation per chain.

Until compiled code (`twin_numba`) is ready, numpy makes the same operations in the same order, slower but with the same
bits.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise
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

# Chains per tile, to fill the vector registers; the last tile is padded.
_LANES = (16, 32, 64)
# Numbers drawn in about two milliseconds: short enough to stop promptly, long enough to outweigh a call.
_SEGMENT_COMPILED, _SEGMENT_NUMPY = 800_000, 8_000
# Numbers of a mixture that are prepared at once for the noises of the next steps.
_PREPARED = 200_000

_Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Segment:
    """Consecutive kept states of all chains at one noise level, with their posterior means.

    Attributes:
        steps: Step numbers, int64, with shape (n,).
        level: Index of the noise level, from 0.
        sigma: Noise of one copy by the schedule.
        noises: Noise of one copy that the denoiser gets at each state, with shape (n,).
        path: The copies with shape (n, B, k, d), float32.
        means: x̂ of each state with shape (n, B, d), float32.
    """

    steps: NDArray[np.int64]
    level: int
    sigma: float
    noises: NDArray[np.float64]
    path: NDArray[np.float32]
    means: NDArray[np.float32]

    @property
    def noise(self) -> float:
        """Noise of one copy that the denoiser gets at the last state."""
        return float(self.noises[-1])

    @property
    def step(self) -> int:
        """Number of the last step."""
        return int(self.steps[-1])

    @property
    def y(self) -> Tensor:
        """The copies of the last state, with shape (B, k, d)."""
        return torch.from_numpy(self.path[-1])

    def y_at(self, step: int) -> Tensor:
        """Return the copies of the state at a kept step, with shape (B, k, d)."""
        return torch.from_numpy(self.path[int(np.searchsorted(self.steps, step))])

    def cut(self, wanted: NDArray[np.bool_]) -> Segment:
        """Return the states that a mask with shape (n,) selects, at least one."""
        steps, noises = self.steps[wanted], self.noises[wanted]
        return replace(self, steps=steps, noises=noises, path=self.path[wanted], means=self.means[wanted])

    @property
    def posterior(self) -> Posterior:
        """The posterior of the last state."""
        mean = torch.from_numpy(self.means[-1])
        return Posterior(mean, lambda: tweedie(mean, self.y, self.noise))


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
    """Walk all chains down a ladder, as `samplers.walk.walk` with `samplers.langevin`.

    Args:
        denoiser: The exact denoiser.
        y: Initial copies with shape (B, k, d), on the CPU.
        descent: The schedule, standing at each level.
        streams: Random numbers of shape (k, d) per chain.
        first: Number of the first step, for branched chains.
        every: Keep the states whose step number is a multiple of this.
        bound: Kept numbers are clipped at ± this; NaN stays NaN.

    Yields:
        The kept states in order, then the last state. The bits of one chain do not depend on the others.
    """
    walker = _Walker(denoiser, y, streams, bound)
    done, ladder, steps_per_level, k = first, descent.ladder, descent.steps_per_level, y.shape[1]
    # One array for all kept states, so that consumers can join neighbours without a copy.
    path, means = walker.allocate(len(range(done + -done % every, len(descent), every)) + 1)
    kept, given = 0, descent.noises(first)
    for rows in _rows(denoiser, k, descent, first, given):
        while done < rows.end:
            count = min(rows.end - done, max(every, walker.numbers_per_segment // y.numel()))
            steps = np.arange(done + -done % every, done + count, every)
            part = slice(kept, kept + len(steps))
            walker.walk(rows.since(done), descent.step_ratio, count, steps - done, path[part], means[part])
            # Segments of one level each.
            levels, given_there = steps // steps_per_level, rows.noises_at(steps)
            numbers = range(done // steps_per_level, (done + count - 1) // steps_per_level + 1)
            cuts = np.searchsorted(levels, range(numbers.start, numbers.stop + 1)).tolist()
            for level, (low, high) in zip(numbers, pairwise(cuts), strict=True):
                if high > low:
                    own, states = slice(low, high), slice(kept + low, kept + high)
                    yield Segment(steps[own], level, ladder[level], given_there[own], path[states], means[states])
            kept, done = part.stop, done + count
    last = next(given)
    walker.keep(denoiser.constants(k, [last]), path[kept:], means[kept:])
    yield Segment(np.array([done]), len(ladder) - 1, ladder[-1], np.array([last]), path[kept:], means[kept:])


@dataclass(frozen=True, eq=False)
class _Rows:
    """The mixture and the step at some successive steps.

    Attributes:
        first: Number of the first step.
        end: Number of the step after the last one.
        constants: The mixture at each noise; after the last noise it stays.
        span: Steps at one noise: one, or those of a level.
        within: Steps already made at the first noise.
        noises: Noise of one copy that the denoiser gets, by noise.
        scales: √(2ε) at each level.
        steps_per_level: Steps of a level.
        within_level: Steps already made at the first level.
    """

    first: int
    end: int
    constants: ModeConstants
    span: int
    within: int
    noises: _Array
    scales: _Array
    steps_per_level: int
    within_level: int

    def since(self, step: int) -> _Rows:
        """Return those from some step on."""
        row, within = divmod(self.within + step - self.first, self.span)
        level, within_level = divmod(self.within_level + step - self.first, self.steps_per_level)
        constants, noises, scales = self.constants.since(row), self.noises[row:], self.scales[level:]
        return replace(
            self,
            first=step,
            constants=constants,
            within=within,
            noises=noises,
            scales=scales,
            within_level=within_level,
        )

    def noises_at(self, steps: NDArray[np.int64]) -> _Array:
        """Return the noise of one copy that the denoiser gets at some steps."""
        return self.noises[(steps - self.first + self.within) // self.span]


def _rows(denoiser: ExactDenoiser, k: int, descent: Descent, first: int, given: Iterator[float]) -> Iterator[_Rows]:
    """Iterate over the rows of a descent: all together where each level has one noise, else level by level.

    Args:
        denoiser: The exact denoiser.
        k: Number of copies.
        descent: The schedule.
        first: Number of the first step.
        given: The noises of all steps from the first on, of which those of the steps are taken.
    """
    steps_per_level, total = descent.steps_per_level, len(descent)
    start, within = divmod(first, steps_per_level)
    scales = np.array([math.sqrt(2 * descent.step_ratio) * sigma for sigma in descent.ladder])
    if descent.residuals is None:
        deque(islice(given, total - first), maxlen=0)
        noises = np.array(descent.ladder[start:])
        constants = denoiser.constants(k, noises.tolist())
        yield _Rows(first, total, constants, steps_per_level, within, noises, scales[start:], steps_per_level, within)
        return
    ahead, done = max(1, _PREPARED // denoiser.mixture.means.numel()), first
    while done < total:
        level, within = divmod(done, steps_per_level)
        noises = np.fromiter(islice(given, min(steps_per_level - within, ahead)), np.float64)
        constants = denoiser.constants(k, _unsettled(noises).tolist())
        end = done + len(noises)
        yield _Rows(done, end, constants, 1, 0, noises, scales[level : level + 1], steps_per_level, within)
        done = end


def _unsettled(noises: _Array) -> _Array:
    """Return noises up to the first of the equal ones at the end."""
    others = np.flatnonzero(noises != noises[-1])
    return noises[: others[-1] + 2] if len(others) else noises[-1:]


class _Walker:
    """Chains with ȳ of shape (tiles, d, lanes) and residuals of shape (tiles, k·d, lanes)."""

    def __init__(self, denoiser: ExactDenoiser, y: Tensor, streams: ChainStreams, bound: float) -> None:
        self.chains, self.k, self.dim = y.shape
        self.bound = bound
        self.rotated = denoiser.rotated
        self.streams = streams
        self.compiled: Any = None
        self.lanes = next((lanes for lanes in _LANES if self.chains <= lanes), _LANES[-1])
        self.tiles = -(-self.chains // self.lanes)
        self.numbers = np.zeros(self.tiles * self.lanes, dtype=np.uint32)
        self.numbers[: self.chains] = streams.rows.words
        tiled = self._tiled(y.numpy())
        with np.errstate(all="ignore"):
            self.mean = np.ascontiguousarray(_sum(tiled) / self.k)
            residuals = (tiled - self.mean[:, None]).reshape(self.tiles, -1, self.lanes)
            self.residuals = np.ascontiguousarray(residuals)

    @property
    def numbers_per_segment(self) -> int:
        """Numbers drawn between two checks whether compiled code is ready."""
        if self.compiled is None:
            self.compiled = COMPILED.get()
        return _SEGMENT_NUMPY if self.compiled is None else _SEGMENT_COMPILED

    def _tiled(self, copies: NDArray[Any]) -> _Array:
        """Arrange numbers (B, k, d) as (tiles, k, d, lanes), in float64."""
        padded = np.zeros((self.tiles * self.lanes, self.k, self.dim))
        padded[: self.chains] = copies
        return padded.reshape(self.tiles, self.lanes, self.k, self.dim).transpose(0, 2, 3, 1)

    def allocate(self, states: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Allocate kept states: the copies with shape (n, B, k, d), and x̂ with shape (n, B, d)."""
        path = np.empty((states, self.chains, self.k, self.dim), dtype=np.float32)
        return path, np.empty((states, self.chains, self.dim), dtype=np.float32)

    def walk(
        self,
        rows: _Rows,
        ratio: float,
        steps: int,
        kept: NDArray[np.int64],
        path: NDArray[np.float32],
        means: NDArray[np.float32],
    ) -> None:
        """Make some steps.

        Args:
            rows: Mixture and scale of these steps.
            ratio: r = ε/σ².
            steps: Number of steps.
            kept: Indices of steps before which to keep the state, equally spaced.
            path: Output: these states, with shape (n, B, k, d).
            means: Output: x̂ of each, with shape (n, B, d).
        """
        if self.compiled is None:
            self._by_numpy(rows, ratio, steps, kept, path, means)
            return
        start, every = (int(kept[0]), int(kept[1] - kept[0]) if len(kept) > 1 else steps) if len(kept) else (-1, 1)
        spans = (rows.span, rows.within, rows.scales, rows.steps_per_level, rows.within_level)
        self._by_compiled(rows.constants, spans, ratio, steps, (start, every), path, means)
        self.streams.leave_out_normals(steps)

    def keep(self, constants: ModeConstants, path: NDArray[np.float32], means: NDArray[np.float32]) -> None:
        """Write the last state to `path` and its x̂ to `means`, each of one row, as `walk` does; walk no further."""
        if self.compiled is None:
            path[0], means[0] = self.state(constants)
        else:
            # A step of no length.
            self._by_compiled(constants, (1, 0, np.zeros(1), 1, 0), 0.0, 1, (0, 1), path, means)

    def _by_compiled(
        self,
        constants: ModeConstants,
        spans: tuple[int, int, _Array, int, int],
        ratio: float,
        steps: int,
        kept: tuple[int, int],
        path: NDArray[np.float32],
        means: NDArray[np.float32],
    ) -> None:
        seed, draw = self.streams.seed, self.streams.normals_drawn
        flat = path.reshape(len(path), self.chains, self.k * self.dim)
        state = (self.mean, self.residuals, flat, means, self.numbers)
        c = constants
        mixture = (c.means, c.axes, self.rotated, c.half_precision, c.gain, c.log_weight)
        key = (int(Stream.CHAIN_NORMAL), seed & 0xFFFFFFFF, seed >> 32)
        self.compiled.walk(*state, steps, *kept, draw, *mixture, *spans, ratio, self.bound, *key)

    @np.errstate(all="ignore")
    def state(self, constants: ModeConstants) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the current state with shape (B, k, d) and its first x̂ with shape (B, d), as `walk` keeps them."""
        copies = self.residuals.reshape(self.tiles, self.k, self.dim, self.lanes) + self.mean[:, None]
        path = copies.transpose(0, 3, 1, 2).reshape(-1, self.k, self.dim)[: self.chains]
        means = _estimate(constants, self.mean, self.rotated).transpose(0, 2, 1).reshape(-1, self.dim)[: self.chains]
        return self._clipped(path), self._clipped(means)

    def _clipped(self, values: _Array) -> NDArray[np.float32]:
        return np.clip(values.astype(np.float32), -self.bound, self.bound)

    # A diverging chain (r ≥ 2) becomes infinite and then NaN, which the job reports.
    @np.errstate(all="ignore")
    def _by_numpy(
        self,
        rows: _Rows,
        ratio: float,
        steps: int,
        kept: NDArray[np.int64],
        path: NDArray[np.float32],
        means: NDArray[np.float32],
    ) -> None:
        index = {int(step): place for place, step in enumerate(kept)}
        for step in range(steps):
            now = rows.constants.since((rows.within + step) // rows.span)
            scale = rows.scales[(rows.within_level + step) // rows.steps_per_level]
            x_hat = _estimate(now, self.mean, self.rotated)
            if step in index:
                path[index[step]], means[index[step]] = self.state(now)
            z = self._tiled(self.streams.normal().numpy())
            common = _sum(z) / self.k
            residuals = ((z - common[:, None]) * scale).reshape(self.tiles, -1, self.lanes)
            # In place, to keep the memory layout of compiled code.
            self.mean[:] = self.mean * (1 - ratio) + x_hat * ratio + common * scale
            self.residuals[:] = self.residuals * (1 - ratio) + residuals


def _sum(copies: _Array) -> _Array:
    """Return the sum over the second axis, in order."""
    total = copies[:, 0].copy()
    for i in range(1, copies.shape[1]):
        total += copies[:, i]
    return total


def _estimate(constants: ModeConstants, mean: _Array, rotated: bool) -> _Array:
    """Return x̂ of ȳ at the first noise, both with shape (tiles, d, lanes)."""
    modes, dim = constants.means.shape
    half_precision, gain, log_weight = constants.half_precision[0], constants.gain[0], constants.log_weight[0]
    logs, v = [], []
    for j in range(modes):
        centred = mean - constants.means[j, :, None]
        if rotated:
            centred = np.stack([_dot(constants.axes[j, :, a], centred) for a in range(dim)], 1)
        exponent = centred[:, 0] * centred[:, 0] * half_precision[j, 0]
        for a in range(1, dim):
            exponent = exponent + centred[:, a] * centred[:, a] * half_precision[j, a]
        v.append(centred)
        logs.append(log_weight[j] - exponent)
    largest = logs[0]
    for log in logs[1:]:
        largest = np.where(log > largest, log, largest)
    rho = [exp(log - largest) for log in logs]
    total, x_hat = rho[0], np.zeros_like(mean)
    for part in rho[1:]:
        total = total + part
    for j in range(modes):
        pulled = gain[j, :, None] * v[j]
        if rotated:
            pulled = np.stack([_dot(constants.axes[j, b], pulled) for b in range(dim)], 1)
        x_hat = x_hat + rho[j][:, None] * (constants.means[j, :, None] + pulled)
    return x_hat / total[:, None]


def _dot(row: _Array, columns: _Array) -> _Array:
    """Return Σ_b row_b columns_b with shape (tiles, lanes) for columns (tiles, d, lanes), summed in order."""
    total: _Array = row[0] * columns[:, 0]
    for b in range(1, len(row)):
        total = total + row[b] * columns[:, b]
    return total
