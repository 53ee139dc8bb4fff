"""Chains that nobody asked for: as many as soon move, so that a page opens with a picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from msd_engine.backend.device import wait_for
from msd_engine.events import Event
from msd_engine.jobs.factory.chains import Sampling, sampling
from msd_engine.jobs.factory.pace import threads_for
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence

FEWEST, MOST = 16, 64
STEP_S = 0.25
"""A step of all chains should take no longer: pictures then move several times in the first two seconds."""


@reports_user_errors
def sample_at_first_sight(
    spec: ExperimentSpec,
    *,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
    threads: int = 0,
) -> Iterator[Event]:
    """Draw the first chains of an experiment: at most `MOST`, and `FEWEST` on a slow machine.

    Args:
        spec: The experiment; `sampling.chains` is an upper bound.
        run_dir: Run folder of the trained denoiser.
        data_dir: As of `sample`.
        device: Name of the device, or ``auto``.
        cadence: As of `sample`.
        live: As of `sample`.
        threads: Fixed number of CPU threads; 0 for what MSD_THREADS says, else for as many as other programs leave
            free: on a busy machine two threads take many times as long as one.

    Yields:
        All of `sample`, with the number of chains in the spec of `Started`; chain i is chain i of the whole experiment.
    """
    few = spec.replace("sampling.chains", min(FEWEST, spec.sampling.chains))
    if few.begins_at_data:
        # Reading tens of thousands of images takes a second.
        chains = yield from in_background(lambda _: sampling(few, run_dir=run_dir, data_dir=data_dir, device=device))
    else:
        chains = sampling(few, run_dir=run_dir, data_dir=data_dir, device=device)
    threads_for(spec, chains.device, threads).begin()
    count = movable(step_seconds(chains, few), spec.sampling.chains)
    whole = spec.replace("sampling.chains", count)
    yield from sample(whole, run_dir=run_dir, data_dir=data_dir, device=device, cadence=cadence, live=live)


def movable(step_s: float, most: int) -> int:
    """Return how many chains take a step in `STEP_S`.

    Args:
        step_s: Seconds that a step of `FEWEST` chains takes.
        most: Largest number of chains.

    Returns:
        `FEWEST`, doubled as often as the time allows, up to `MOST` and `most`.
    """
    count = FEWEST
    while count < MOST and 2 * count * step_s <= FEWEST * STEP_S:
        count *= 2
    return min(count, most)


def step_seconds(chains: Sampling, spec: ExperimentSpec) -> float:
    """Time one step of chains at their last noise, where the network itself is asked; the first call is not timed."""
    for _ in range(2):
        begun_s = time.perf_counter()
        _ask(chains)
    return (time.perf_counter() - begun_s) * spec.sampling.traits.evaluations


def _ask(chains: Sampling) -> None:
    """Denoise the chains at their last noise."""
    chains.denoiser(chains.y, chains.descent.ladder[-1])
    wait_for(chains.device)
