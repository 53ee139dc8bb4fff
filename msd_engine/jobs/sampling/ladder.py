"""The ladder job: what a sampling would go through, before any chain is drawn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from msd_engine.events import Event, Finished, Ladder
from msd_engine.jobs.factory.parts import asks_exact_above, asks_guidance, descent, evaluations, is_guided
from msd_engine.jobs.tools.guard import told
from msd_engine.metrics.chains.ladders import settled, steps_needed, swelling
from msd_engine.samplers.descent import Descent
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence


def told_ladder(spec: ExperimentSpec, way: Descent, *, guided: bool, exact_above: bool) -> Ladder:
    """Return what is told of a ladder.

    Args:
        spec: The experiment.
        way: Its way down the ladder.
        guided: Whether its network is guided by an earlier self.
        exact_above: Whether the images answer in its place at large noise.

    Returns:
        Levels, steps, predicted s_T²/σ² and evaluations.
    """
    asked = spec.sampling
    sigma = np.asarray(way.ladder, dtype=np.float64)
    steps = np.full(len(sigma), way.steps_per_level, dtype=np.int64)
    steps[len(way) // way.steps_per_level :] = 0
    alpha = (asked.step_ratio if asked.has_step else 0.0) * sigma**2
    count, missing = evaluations(spec, way, guided=guided), asks_guidance(spec) and not guided
    needed = 0 if asked.has_wall and asked.step_ratio >= 2 else steps_needed(asked.sampler, way)
    tends = settled(asked.sampler, asked.step_ratio)
    of_network = evaluations(spec, way, guided=guided, exact_above=exact_above)
    return Ladder(sigma, alpha, steps, swelling(asked.sampler, way), count, tends, needed, missing, of_network)


@told
def ladder(
    spec: ExperimentSpec, *, run_dir: Path | None = None, cadence: Cadence = NEVER, live: Live | None = None
) -> Iterator[Event]:
    """Tell the ladder of a sampling.

    Args:
        spec: The experiment; its sampling and the base s of its forward process are read.
        run_dir: Folder of the network that would be sampled from; None where it is still to be trained.
        cadence: Unused: there is one event.
        live: Unused: the job is over in a millisecond.

    Yields:
        One `Ladder` and `Finished`; or `Failed`.
    """
    del cadence, live
    begun_s = time.perf_counter()
    yield told_ladder(spec, descent(spec), guided=is_guided(spec, run_dir), exact_above=asks_exact_above(spec))
    yield Finished(0, time.perf_counter() - begun_s, "")
