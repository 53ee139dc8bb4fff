"""The job that computes the ladder of a sampling before any chain is drawn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from msd_engine.events import Event, Finished, Ladder
from msd_engine.jobs.factory.parts import descent, evaluations, is_guided, uses_guidance
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.metrics.chains.ladders import settled, steps_needed, swelling
from msd_engine.samplers.descent import Descent
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence


def ladder_event(spec: ExperimentSpec, schedule: Descent, *, guided: bool, exact_above: bool) -> Ladder:
    """Return the event for a ladder.

    Args:
        spec: The experiment.
        schedule: Its descent.
        guided: Whether earlier weights guide its network.
        exact_above: Whether the exact posterior mean replaces it at large noise.

    Returns:
        Levels, steps, predicted s_T²/σ² and evaluations.
    """
    sampling = spec.sampling
    sigma = np.asarray(schedule.ladder, dtype=np.float64)
    steps = np.full(len(sigma), schedule.steps_per_level, dtype=np.int64)
    steps[len(schedule) // schedule.steps_per_level :] = 0
    alpha = (sampling.step_ratio if sampling.has_step else 0.0) * sigma**2
    if sampling.noiseless:
        alpha = np.full(len(sigma), sampling.epsilon)
    count, missing = evaluations(spec, schedule, guided=guided), uses_guidance(spec) and not guided
    needed = 0 if sampling.blows_up else steps_needed(sampling.sampler, schedule)
    tends = settled(sampling.sampler, sampling.step_ratio)
    of_network = evaluations(spec, schedule, guided=guided, exact_above=exact_above)
    return Ladder(sigma, alpha, steps, swelling(sampling.sampler, schedule), count, tends, needed, missing, of_network)


@reports_user_errors
def ladder(
    spec: ExperimentSpec, *, run_dir: Path | None = None, cadence: Cadence = NEVER, live: Live | None = None
) -> Iterator[Event]:
    """Compute the ladder of a sampling.

    Args:
        spec: The experiment; its sampling and the base s of its forward process are read.
        run_dir: Run folder of the network; None if it is not yet trained.
        cadence: Unused: there is one event.
        live: Unused: the job is over in a millisecond.

    Yields:
        One `Ladder` and `Finished`; or `Failed`.
    """
    del cadence, live
    begun_s = time.perf_counter()
    yield ladder_event(spec, descent(spec), guided=is_guided(spec, run_dir), exact_above=spec.begins_at_data)
    yield Finished(0, time.perf_counter() - begun_s, "")
