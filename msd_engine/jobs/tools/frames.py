"""What the sampling job reports about chains in the plane: their history and figures."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Hashable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.data.mixture import GaussianMixture
from msd_engine.denoisers.target import Target
from msd_engine.events import ChainReport, ChainSegment, Event, Modes
from msd_engine.events.chain_figures import exact_weight_error
from msd_engine.events.sampling import LOST
from msd_engine.jobs.tools.background import imported
from msd_engine.metrics.chains.acceptance import Acceptance
from msd_engine.metrics.chains.figures import (
    alive,
    effective_size,
    exact_distance,
    off_the_data,
    residual_inflation,
    sliced_distance,
    split_r_hat,
    stayed,
    within_std,
)
from msd_engine.metrics.chains.ladders import swelling
from msd_engine.metrics.chains.predictions import predicted_std
from msd_engine.metrics.errors.along import ErrorsAlong
from msd_engine.noise.chosen import space_of
from msd_engine.samplers.descent import Descent
from msd_engine.samplers.twin import Segment
from msd_engine.samplers.walk import Moment
from msd_engine.specs import ExperimentSpec

# The kept history of a job has at most this many bytes and this many states, but always its two ends.
_HISTORY_BYTES, _HISTORY_STATES = 48_000_000, 4000
_REPORT_EVERY_S = 0.2
# Number of data compared with samples; number of distances of exact draws, a tenth of a second each.
_DATA, _MOST_EXACT = 1000, 100
_EXACT: dict[Hashable, float] = {}
# Std within a mode and s_T²/σ²: without a theory, and past the wall, where they are infinite.
_UNKNOWN, _UNBOUNDED = (math.nan, math.nan), (math.inf, math.inf)


def shown(values: Tensor) -> NDArray[np.float32]:
    """Return numbers for events: float32, clipped at ±1e6 data units; NaN stays NaN.

    Args:
        values: A tensor of any shape, on any device.

    Returns:
        An array of the same shape that shares no memory with the tensor.
    """
    copied = values.detach().to("cpu", torch.float32, copy=True).numpy()
    # Not by torch: on a busy machine the second of two threads may start late.
    return np.ascontiguousarray(np.clip(copied, -LOST, LOST, out=copied))


def stride_of(total: int, chains: int, k: int, dim: int) -> int:
    """Return the number of steps between two kept states of a job.

    Args:
        total: Steps of the job.
        chains: Number of chains.
        k: Number of copies.
        dim: Numbers in one datum.

    Returns:
        The smallest stride that keeps the history within its bounds.
    """
    state_bytes = 4 * chains * (k + 1) * dim
    states = min(_HISTORY_STATES, max(2, _HISTORY_BYTES // state_bytes))
    return max(1, math.ceil(total / (states - 1)))


class PlaneFrames:
    """The history of chains in the plane, in segments, and their figures."""

    def __init__(
        self, spec: ExperimentSpec, target: Target | None, descent: Descent, errors: ErrorsAlong | None = None
    ) -> None:
        """Fix the stride of the history.

        Args:
            spec: The experiment.
            target: What the chains should draw from, if known.
            descent: The ladder and the steps.
            errors: Errors of the learned score along the chains; None for chains by another score.
        """
        self._errors = errors
        self._descent = descent
        self._space = space_of(spec.noise, spec.data.shape)
        self._spec = spec
        self._target = target
        self._total = spec.sampling.total_steps
        self._stride, self._level = 0, -1
        self._kept: list[Segment] = []
        self._waiting: list[Moment] = []
        self._last_level: list[NDArray[np.float32]] = []
        self._acceptance = Acceptance()
        self._next_report_s = time.perf_counter() + _REPORT_EVERY_S

    def begin(self) -> Iterator[Event]:
        """Report the target in the coordinates of the data."""
        if self._target is None:
            return
        (dim,), modes = self._target.shape, self._target.modes
        weights, means = (torch.zeros(0), torch.zeros(0, dim)) if modes is None else (modes.weights, modes.means)
        covariances = torch.zeros(0, dim, dim) if modes is None else modes.covariances
        decode = self._space.decode
        root = decode(torch.eye(dim, dtype=torch.float64))
        yield Modes(
            weights=weights.double().numpy(),
            means=decode(means.double()).numpy(),
            covariances=(root @ covariances.double() @ root).numpy(),
            noise=self._space.covariance(dim).numpy(),
        )

    def keep(self, moment: Moment | Segment) -> None:
        """Keep the states at multiples of the stride and at the end."""
        if not self._stride:
            chains, k, dim = moment.y.shape
            self._stride = stride_of(self._total, chains, k, dim)
        if isinstance(moment, Segment):
            if self._stride > 1:
                wanted = (moment.steps % self._stride == 0) | (moment.steps == self._total)
                if not wanted.all():
                    moment = moment.cut(wanted)
            if len(moment.steps):
                self._kept.append(moment)
        elif moment.step % self._stride == 0 or moment.step == self._total:
            # Leave it on the device until it is reported: copying each state would make a GPU wait at each step.
            self._waiting.append(moment)
        self._acceptance.count(moment)

    def due(self, moment: Moment | Segment) -> Iterator[Event]:
        """Report the states since the last segment and, a few times per second, the figures."""
        yield from self._segment()
        now_s = time.perf_counter()
        if self._target is not None and now_s >= self._next_report_s:
            yield self._report(moment, self._target, ended=False)
            self._next_report_s = now_s + _REPORT_EVERY_S

    def end(self, moment: Moment | Segment) -> Iterator[Event]:
        """Report the last segment and all figures."""
        yield from self._segment()
        if self._target is not None:
            # Needed for figures of mixing; the import takes about a second.
            yield from imported("arviz_stats.base.array")
            if self._target.modes is None:
                yield from imported("scipy.stats")
            if self._errors is not None:
                yield from imported("scipy.spatial")
            yield self._report(moment, self._target, ended=True)

    def _segment(self) -> Iterator[Event]:
        kept, self._kept = [*self._kept, *_segments(self._waiting)], []
        self._waiting = []
        if not kept:
            return
        self._note_level(kept)
        if self._errors is not None:
            for segment in kept:
                self._errors.note(segment, self._stride)
        if kept[0].path.shape[-1] != 2:
            return
        counts = [len(segment.steps) for segment in kept]
        yield ChainSegment(
            steps=np.concatenate([segment.steps for segment in kept]),
            level=np.repeat([segment.level for segment in kept], counts),
            sigma=np.repeat([segment.sigma for segment in kept], counts),
            noise=np.concatenate([segment.noises for segment in kept]),
            y=self._decoded([segment.path for segment in kept]),
            x_hat=self._decoded([segment.means for segment in kept]),
            total=self._total,
        )

    def _decoded(self, parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return states in the coordinates of the data."""
        whitened = torch.from_numpy(_joined(parts))
        decoded = self._space.decode(whitened)
        # In isotropic coordinates it is the same tensor, already clipped.
        return whitened.numpy() if decoded is whitened else shown(decoded)

    def _note_level(self, kept: list[Segment]) -> None:
        """Keep the states of the newest level for figures over several states."""
        newest = kept[-1].level
        if newest != self._level:
            self._level, self._last_level = newest, []
        self._last_level += [segment.path for segment in kept if segment.level == newest]

    # Many small operations: without autograd's bookkeeping they are faster.
    @torch.no_grad()
    def _report(self, moment: Moment | Segment, target: Target, *, ended: bool) -> ChainReport:
        # Figures are of few numbers in float64: the CPU computes them, on whichever device the chains are.
        y = moment.y.cpu()
        living = alive(y)
        means, modes = y[living].mean(1).double(), target.modes
        x = moment.posterior.mean.cpu()[living].to(means) if self._spec.sampling.jump else means
        tau = moment.noise / math.sqrt(y.shape[1])
        draws = self._draws(y, living) if ended else means.new_empty((0, *means.shape))
        # Those of the first draws in the same call.
        points = torch.cat([means, draws[0].to(means)]) if len(draws) else means
        shares = means.new_zeros(len(points), 0) if modes is None else modes.responsibilities(points, tau)
        rho, before = shares[: len(means)], shares[len(means) :]
        predicted, inflation = self._predictions(modes, rho.sum(0), bool(living.all())) if ended else _UNKNOWN
        weights = () if modes is None else tuple(modes.weights.tolist())
        distance, exact = self._distances(target, x, moment.noise) if ended and modes is None and len(x) else _UNKNOWN
        return ChainReport(
            step=moment.step,
            mode_weights=rho.mean(0).double().numpy(),
            true_weights=np.array(weights, np.float64),
            within_std=within_std(x, rho),
            predicted_std=predicted,
            residual_inflation=residual_inflation(y[living], moment.sigma),
            predicted_inflation=inflation,
            r_hat=split_r_hat(draws).numpy(),
            ess=effective_size(draws).numpy(),
            alive=living.double().mean().item(),
            stayed=math.nan if modes is None else stayed(before, rho),
            off=self._off(modes, x, tau) / len(y) if ended and modes is not None else math.nan,
            distance=distance,
            exact_distance=exact,
            acceptance=self._acceptance.share,
            step_ratio=self._acceptance.step_ratio,
            exact_weight_error=exact_weight_error(weights, len(x)) if ended and weights else math.nan,
            score_errors=self._errors.measured() if ended and self._errors is not None else None,
        )

    def _draws(self, y: Tensor, living: Tensor) -> Tensor:
        """Return ȳ of the kept states of the second half of the last level, with shape (n, B, d)."""
        level = torch.from_numpy(_joined(self._last_level)) if self._last_level else y.unsqueeze(0)
        # The first half of a level still depends on the previous level.
        settled = level[len(level) // 2 :]
        return (settled if bool(living.all()) else settled[:, living]).mean(2)

    def _off(self, target: GaussianMixture, x: Tensor, tau: float) -> int:
        """Count the samples off the data; without a jump they keep the noise τ of ȳ."""
        noise = 0.0 if self._spec.sampling.jump else tau
        return int(off_the_data(target, x, noise).sum())

    def _distances(self, target: Target, x: Tensor, noise: float) -> tuple[float, float]:
        """Return the distance of the samples to the data, and the bound for exact draws with the last jump's noise."""
        sampling = self._spec.sampling
        sigma = noise if sampling.jump else self._descent.ladder[-1]
        key = (self._spec.data, self._spec.noise, len(x), self._spec.training.k, sigma, sampling.jump)
        data = target.sample(_DATA, torch.Generator().manual_seed(0))
        if key not in _EXACT:
            if len(_EXACT) >= _MOST_EXACT:
                _EXACT.clear()
            _EXACT[key] = exact_distance(target, data, *key[2:5], jump=sampling.jump)
        return sliced_distance(x, data), _EXACT[key]

    def _predictions(self, target: GaussianMixture | None, counts: Tensor, all_live: bool) -> tuple[float, float]:
        """Return the predicted std within a mode and s_T²/σ² of the final states; NaN without a theory."""
        sampling, k = self._spec.sampling, self._spec.training.k
        if not all_live:
            return _UNBOUNDED if sampling.blows_up else _UNKNOWN
        std = math.nan
        # Theory speaks of chains of one setting.
        if target is not None and self._spec.branch is None:
            start = target.std**2 if sampling.start == "gaussian" else sampling.start_width**2 / 3
            std = predicted_std(target, sampling.sampler, self._descent, k, start, counts.numpy(), jump=sampling.jump)
        known = k > 1 and not sampling.noiseless and self._spec.branch is None
        return std, float(swelling(sampling.sampler, self._descent)[-1]) if known else math.nan


def _segments(moments: list[Moment]) -> Iterator[Segment]:
    """Copy states to the CPU, all of one noise together."""
    for _, group in itertools.groupby(moments, key=lambda moment: (moment.level, moment.sigma)):
        together = list(group)
        yield Segment(
            steps=np.array([moment.step for moment in together]),
            level=together[0].level,
            sigma=together[0].sigma,
            noises=np.array([moment.noise for moment in together]),
            path=shown(torch.stack([moment.y for moment in together])),
            means=shown(torch.stack([moment.posterior.mean for moment in together])),
        )


def _joined(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Concatenate arrays; return a view if they are adjacent parts of one array."""
    whole = parts[0].base
    if (
        isinstance(whole, np.ndarray)
        and whole.flags.c_contiguous
        and whole.shape[1:] == parts[0].shape[1:]
        and all(part.base is whole for part in parts)
    ):
        # Parts of one array that follow each other.
        first, last = ((part.ctypes.data - whole.ctypes.data) // whole.strides[0] for part in (parts[0], parts[-1]))
        if last + len(parts[-1]) - first == sum(map(len, parts)):
            return whole[first : last + len(parts[-1])]
    return np.concatenate(parts)
