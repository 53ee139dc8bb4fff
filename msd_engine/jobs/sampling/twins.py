"""The job that walks chains of k copies beside their one-sample twins, and splits the copies into ȳ and residuals.

For an exact denoiser ȳ follows the one-sample chain at noise σ/√k with step ε/k, driven by the mean of the same z_i
(theory §3, fact 3): both agree to rounding. A network departs from it as far as it departs from sufficiency (fact 1).
The residuals y_i − ȳ know no data: for Langevin steps a first-order autoregression with factor 1 − r (fact 4).
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.denoisers.exact import ExactDenoiser
from msd_engine.denoisers.posterior import Noise
from msd_engine.events import Event, Finished, Split, Started, Tick, TwinSegment
from msd_engine.jobs.factory.chains import Sampling, sampling
from msd_engine.jobs.factory.targets import is_of_images
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tools.frames import shown, stride_of
from msd_engine.metrics.chains.ladders import settled
from msd_engine.metrics.chains.residuals import autocorrelation, expected_autocorrelation
from msd_engine.noise.chosen import space_of
from msd_engine.runs.run import Run
from msd_engine.samplers.walk import Moment, walk
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence

# States of the last level that are split: so many of each chain, and so many numbers in all.
_MOST_STATES, _MOST_NUMBERS = 4000, 8_000_000
_LAGS = 40


@reports_user_errors
def twins(
    spec: ExperimentSpec, *, run_dir: Path | None = None, cadence: Cadence = NEVER, live: Live | None = None
) -> Iterator[Event]:
    """Walk the chains of an experiment in the plane beside their one-sample twins, with the same noise.

    Args:
        spec: The experiment, with at least two copies and a sampler that needs x̂ alone.
        run_dir: Run folder of the trained denoiser, which must serve every k.
        cadence: Decides when to report states.
        live: Unused: the job takes a second.

    Yields:
        `Started`, `TwinSegment` at due moments, a `Tick` for other steps, `Split`, `Finished`; or `Failed`.
    """
    del live
    _check(spec, run_dir)
    begun_s = time.perf_counter()
    chains = sampling(spec, run_dir=run_dir, device="cpu")
    yield Started("twins", "CPU", spec.sampling.total_steps, 0, spec.to_json())
    pairs = _Pairs(spec, chains)
    for moment, other in pairs.walk():
        pairs.keep(moment, other)
        if cadence.due() and pairs.kept:
            yield pairs.segment()
        else:
            yield Tick()
    yield pairs.segment()
    yield pairs.split()
    text = f"The largest distance between ȳ and its one-sample twin was {pairs.largest:.2g}."
    yield Finished(spec.sampling.total_steps, time.perf_counter() - begun_s, text)


def _check(spec: ExperimentSpec, run_dir: Path | None) -> None:
    """Refuse chains without a twin."""
    sampling = spec.sampling
    if is_of_images(spec):
        raise UserError("Twins are drawn in the plane: choose a mixture or points.")
    if spec.branch is not None:
        raise UserError("Branched chains have no twin: end the branch first.")
    if spec.training.k == 1:
        raise UserError("With k = 1 a chain is its own one-sample twin: choose more copies.")
    if sampling.needs_exact or sampling.traits.absolute:
        raise UserError(f"Chains of the sampler {sampling.sampler!r} have no one-sample twin: choose Langevin.")
    if sampling.source == "trained" and run_dir is not None and not Run.open(run_dir).spec.serves_every_k:
        raise UserError(
            f"This network takes k = {spec.training.k} copies alone and so denoises no twin: train one that serves "
            "every k (network.fusion mean or set), or take the exact score."
        )


class _Shared:
    """Random numbers of many copies, kept for their means."""

    def __init__(self, streams: Noise, dtype: torch.dtype) -> None:
        self._streams, self._dtype = streams, dtype
        self.last = torch.empty(0)

    def normal(self) -> Tensor:
        """Return the next normal numbers."""
        self.last = self._streams.normal().to(self._dtype)
        return self.last

    def uniform(self) -> Tensor:
        """Return the next uniform numbers."""
        return self._streams.uniform().to(self._dtype)


class _Means:
    """√k times the mean of the numbers that many copies have just had: standard normal numbers for one."""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared

    def normal(self) -> Tensor:
        """Return the means with shape (B, 1, *event)."""
        last = self._shared.last
        return math.sqrt(last.shape[1]) * last.mean(1, keepdim=True)

    def uniform(self) -> Tensor:
        """Raise TypeError: chains with twins take no uniform numbers."""
        raise TypeError("Chains with twins take no uniform numbers.")


class _Pairs:
    """Chains and their twins."""

    def __init__(self, spec: ExperimentSpec, chains: Sampling) -> None:
        self.spec, self.chains = spec, chains
        self.k = chains.y.shape[1]
        self.largest = 0.0
        self.kept: list[tuple[int, Tensor, float]] = []
        self._stride = stride_of(len(chains.descent), *chains.y.shape)
        self._space = space_of(spec.noise, spec.data.shape)
        steps = chains.descent.steps_per_level
        # The second half of the last level, after the warm-up from the level before.
        count = min(steps - steps // 2, _MOST_STATES, max(2, _MOST_NUMBERS // chains.y.numel()))
        self._last: deque[Tensor] = deque(maxlen=count + 1)

    def walk(self) -> Iterator[tuple[Moment, Moment]]:
        """Walk both, the twins with the means of the numbers that their chains have just had."""
        chains = self.chains
        # Networks compute in single precision.
        dtype = torch.float64 if isinstance(chains.denoiser, ExactDenoiser) else torch.float32
        root, descent, y = math.sqrt(self.k), chains.descent, chains.y.to(dtype)
        narrow = replace(descent, ladder=tuple(sigma / root for sigma in descent.ladder), begins=descent.begins / root)
        shared = _Shared(chains.streams, dtype)
        many = walk(chains.dynamics, chains.denoiser, y, descent, shared)
        one = walk(chains.dynamics, chains.denoiser, y.mean(1, keepdim=True), narrow, _Means(shared))
        return zip(many, one, strict=True)

    def keep(self, moment: Moment, other: Moment) -> None:
        """Compare a state with that of its twin, and keep it if it is due."""
        away = (moment.y.mean(1) - other.y[:, 0]).norm(dim=1)
        # Chains that blow up are lost, not apart.
        away = away[torch.isfinite(away)]
        self.largest = max(self.largest, away.max().item() if len(away) else 0.0)
        if moment.step % self._stride == 0 or moment.step == len(self.chains.descent):
            self.kept.append((moment.step, other.y[:, 0], self.largest))
        self._last.append(moment.y)

    def segment(self) -> TwinSegment:
        """Return the kept states since the last segment."""
        steps, states, distances = zip(*self.kept, strict=True) if self.kept else ((), (), ())
        self.kept = []
        path = torch.stack(states) if states else torch.empty(0, len(self.chains.y), self.chains.y.shape[2])
        return TwinSegment(np.array(steps, np.int64), shown(self._space.decode(path)), np.array(distances, np.float64))

    def split(self) -> Split:
        """Return the split of the second half of the last level."""
        sampling, sigma = self.spec.sampling, self.chains.descent.ladder[-1]
        y = torch.stack(list(self._last)[1:]).double()
        y = y[:, torch.isfinite(y).flatten(2).all(2).all(0)]
        mean = y.mean(2)
        residuals = (y - mean.unsqueeze(2)).flatten(2)
        lags = np.arange(min(_LAGS, len(y) // 4) + 1)
        exact = sigma**2 * (1 - 1 / self.k)
        return Split(
            lags=lags,
            residuals=autocorrelation(residuals, len(lags), centred=True),
            expected=expected_autocorrelation(sampling.sampler, sampling.step_ratio, lags),
            means=autocorrelation(mean, len(lags)),
            thermometer=float(residuals.square().mean() / exact) if residuals.numel() else math.nan,
            predicted=settled(sampling.sampler, sampling.step_ratio),
        )
