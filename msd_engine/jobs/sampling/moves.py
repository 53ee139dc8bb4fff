"""The moves of one chain in the plane, step by step: drift and noise of each copy, accepted or rejected."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.events import ChainMoves, Event, Finished, Started, Tick
from msd_engine.jobs.factory.chains import Sampling, moments, sampling
from msd_engine.jobs.factory.targets import is_of_images
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tools.frames import shown
from msd_engine.samplers.descent import Stage, Tried
from msd_engine.samplers.twin import Segment
from msd_engine.specs import ExperimentSpec
from msd_engine.specs.live import NEVER, Cadence

MOST_STEPS = 20_000
_REPORTED = 500


@reports_user_errors
def moves(
    spec: ExperimentSpec,
    chain_number: int,
    *,
    run_dir: Path | None = None,
    cadence: Cadence = NEVER,
) -> Iterator[Event]:
    """Walk one chain of an experiment again and split each of its steps into drift and noise.

    Args:
        spec: The experiment.
        chain_number: Number of the chain, from 0.
        run_dir: Run folder of the trained denoiser if `sampling.source` is ``trained``.
        cadence: Decides when to report moves.

    Yields:
        `Started`; `Tick`s, and `ChainMoves` at due moments and for the rest; `Finished`, or `Failed`.
    """
    begun_s = time.perf_counter()
    if is_of_images(spec):
        raise UserError("Moves are shown in the plane: choose a mixture or points.")
    if spec.sampling.total_steps > MOST_STEPS:
        raise UserError(f"The moves of at most {MOST_STEPS:,} steps are kept: lower the steps per level.")
    if not spec.sampling.traits.has_drift:
        raise UserError(
            f"A step of the sampler {spec.sampling.sampler!r} draws anew and has no drift: choose Langevin."
        )
    chains = sampling(spec.replace("sampling.chains", 1), run_dir=run_dir, device="cpu", first_chain=chain_number)
    yield Started("moves", "CPU", spec.sampling.total_steps, 0, spec.to_json())
    kept: list[_Move] = []
    for move in _walked(chains):
        kept.append(move)
        if len(kept) >= _REPORTED or cadence.due():
            yield _event(kept, chains)
            kept = []
        else:
            yield Tick()
    if kept:
        yield _event(kept, chains)
    yield Finished(spec.sampling.total_steps, time.perf_counter() - begun_s, "Split every step of one chain.")


@dataclass(frozen=True, eq=False)
class _State:
    """A state of the chain, whichever code has walked to it."""

    step: int
    y: Tensor
    carried: tuple[Tensor, ...] = ()
    tried: Tried | None = None


class _Move(NamedTuple):
    """One move."""

    step: int
    y: Tensor
    drift: Tensor
    noise: Tensor
    accepted: bool


class _Quiet:
    """No noise, with the shape of the copies."""

    def __init__(self, y: Tensor) -> None:
        self._zeros = torch.zeros_like(y)

    def normal(self) -> Tensor:
        """Return zeros."""
        return self._zeros

    def uniform(self) -> Tensor:
        """Return zeros."""
        return self._zeros


def _walked(chains: Sampling) -> Iterator[_Move]:
    """Walk to the end and split each step."""
    first, before = chains.first, chains.before
    stages = chains.descent.stages(first)
    if before is not None:
        stages = chain(islice(before.descent.stages(), first), stages)
    for (now, after), stage in zip(pairwise(_states(chains)), stages, strict=True):
        drift = _drift(chains if before is None or now.step >= first else before, now, stage)
        accepted = now.tried is None or bool(now.tried.accepted)
        if now.tried is not None:
            noise = now.tried.proposed - now.y - drift
        elif stage.gain is not None and torch.equal(now.y, after.y):
            # The warm-up keeps no proposals.
            noise, accepted = torch.full_like(drift, torch.nan), False
        else:
            noise = after.y - now.y - drift
        yield _Move(now.step, now.y[0], drift[0], noise[0], accepted)


def _drift(chains: Sampling, now: _State, stage: Stage) -> Tensor:
    """Return what a step moves without its noise."""
    dynamics = chains.dynamics
    state = dynamics.init(now.y)
    if len(now.carried) == len(state) - 1:
        state = type(state)(now.y, *now.carried)
    split = getattr(dynamics, "drift", None)
    drift: Tensor
    if split is not None:
        drift = split(state, chains.denoiser, stage)
    else:
        drift = dynamics.step(state, chains.denoiser, stage, _Quiet(now.y))[0].y - now.y
    return drift


def _states(chains: Sampling) -> Iterator[_State]:
    for moment in moments(chains):
        if isinstance(moment, Segment):
            for step, y in zip(moment.steps, moment.path, strict=True):
                yield _State(int(step), torch.from_numpy(y))
        else:
            yield _State(moment.step, moment.y, moment.carried, moment.tried)


def _event(kept: list[_Move], chains: Sampling) -> ChainMoves:
    decode = chains.space.decode
    steps, *parts, accepted = zip(*kept, strict=True)
    y, drift, noise = (shown(decode(torch.stack(part))) for part in parts)
    return ChainMoves(np.array(steps, np.int64), y, drift, noise, np.array(accepted))
