"""The experiment on why chains died: the same few chains again, each time with one change."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.data.images import has_images
from msd_engine.events import (
    ChainReport,
    Event,
    Explained,
    Finished,
    Notice,
    Progress,
    Samples,
    Started,
    Tick,
    Trial,
    Verdicts,
)
from msd_engine.jobs.factory.chains import Sampling, sampling
from msd_engine.jobs.factory.parts import descent, is_guided
from msd_engine.jobs.factory.targets import images_of, is_of_images
from msd_engine.jobs.sampling.sample import chain_events
from msd_engine.jobs.sampling.verdicts import judged
from msd_engine.jobs.tools.background import in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.metrics.chains.ladders import settled, swelling
from msd_engine.metrics.errors.trials import helped, holm
from msd_engine.specs import ExperimentSpec, Live, SpecError
from msd_engine.specs.live import NEVER, Cadence

IMAGE_CHAINS, PLANE_CHAINS = 16, 256
"""Chains of each trial; those in the plane take milliseconds."""


def changes(spec: ExperimentSpec, run_dir: Path | None, data_dir: Path | None) -> tuple[Trial, ...]:
    """List the samplings of the experiment, without counts.

    Args:
        spec: The settings.
        run_dir: Run folder of the trained denoiser.
        data_dir: Where image sets are looked for.

    Returns:
        First the unchanged settings, then each applicable change: the exact score if its data are there, no guidance
        for guided chains, the actual noise, twice as many steps, and the next seed.
    """
    trained, wanted = spec.sampling.source == "trained", spec.sampling
    found = [Trial("", "as is")]
    if trained and (not is_of_images(spec) or has_images(images_of(spec).name, data_dir)):
        found.append(Trial("network", "exact score", {"sampling.source": "exact"}))
    if trained and is_guided(spec, run_dir):
        found.append(Trial("guidance", "w = 1", {"sampling.guidance": 1.0}))
    if getattr(wanted, "conditioning", "") == "scheduled" and "conditioning" in wanted.traits.own:
        found.append(Trial("conditioning", "actual noise", {"sampling.conditioning": "actual"}))
    found.append(Trial("steps", "T × 2", {"sampling.steps_per_level": 2 * wanted.steps_per_level}))
    found.append(Trial("seed", "another seed", {"sampling.seed": spec.with_next_seed().sampling.seed}))
    return tuple(trial for trial in found if _allowed(spec, trial))


def _allowed(spec: ExperimentSpec, trial: Trial) -> bool:
    try:
        spec.replace_all(dict(trial.values))
    except SpecError:
        return False
    return True


@reports_user_errors
def why(
    spec: ExperimentSpec,
    *,
    chains: int = 0,
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Find out by experiment why chains die.

    Args:
        spec: The settings.
        chains: Chains of each trial; 0 for 16 of images, 256 in the plane.
        run_dir: Run folder of the trained denoiser, where `sampling.source` is ``trained``.
        data_dir: Where image sets are looked for.
        device: Name of the device, or ``auto``.
        cadence: Decides when progress is worth reporting.
        live: Requests that may come meanwhile: pause.

    Yields:
        `Started`; then `Tick`, `Progress` and, after each sampling, `Explained`; last `Finished`, or `Failed`.
    """
    yield Started("why", describe_device(choose_device(device)), 0, 0, spec.to_json())
    count = chains or (IMAGE_CHAINS if is_of_images(spec) else PLANE_CHAINS)
    trials, began_s = changes(spec, run_dir, data_dir), time.perf_counter()
    specs = [spec.replace_all({**trial.values, "sampling.chains": count}) for trial in trials]
    costs = [one.sampling.evaluations for one in specs]
    done, planned, leftover = list[Trial](), len(trials), _leftover(spec)
    yield Explained(spec.to_json(), (), planned, leftover)
    for place, (trial, changed) in enumerate(zip(trials, specs, strict=True)):
        progress = _Progress(sum(costs[:place]), costs[place], sum(costs), began_s, trial.title)
        try:
            survived = yield from _survivors(changed, progress, run_dir, data_dir, device, cadence, live)
        except UserError as error:
            if not place:
                raise
            planned -= 1
            yield Notice(f"Not tried: {trial.title}. {error}")
        else:
            done.append(replace(trial, survived=survived, count=count))
        explained = tuple(done) if place < len(trials) - 1 else with_chances(done)
        yield Explained(spec.to_json(), explained, planned, leftover)
    text = Explained(spec.to_json(), explained, planned, leftover).text
    yield Finished(sum(costs), time.perf_counter() - began_s, text)


def _leftover(spec: ExperimentSpec) -> float:
    """Return the largest distance of s_T²/σ² from its limit over the levels by theory; NaN without a theory."""
    if spec.sampling.blows_up:
        return math.nan
    schedule = descent(spec)
    off = swelling(spec.sampling.sampler, schedule) - settled(spec.sampling.sampler, spec.sampling.step_ratio)
    return float(np.abs(off).max())


@dataclass(frozen=True)
class _Progress:
    """Places the progress of one sampling within the experiment."""

    before: int
    own: int
    total: int
    began_s: float
    title: str

    def of(self, event: Progress) -> Progress:
        step = self.before + self.own * event.step // max(event.total, 1)
        elapsed_s = time.perf_counter() - self.began_s
        left_s = elapsed_s * (self.total - step) / step if step else math.nan
        return Progress(step, self.total, event.rate, event.items_rate, elapsed_s, left_s, f"Why? Trying: {self.title}")


def _survivors(
    spec: ExperimentSpec,
    progress: _Progress,
    run_dir: Path | None,
    data_dir: Path | None,
    device: str,
    cadence: Cadence,
    live: Live | None,
) -> Generator[Event, None, int]:
    """Draw chains and return the number of survivors."""
    chains = yield from in_background(lambda _: sampling(spec, run_dir=run_dir, data_dir=data_dir, device=device))
    survived = 0
    for event in _judged(spec, chains, data_dir, cadence, live):
        match event:
            case Progress():
                yield progress.of(event)
            case Verdicts():
                survived = event.lived
            case ChainReport():
                # Data without modes have no ellipses.
                off = 0.0 if math.isnan(event.off) else event.off
                survived = round((event.alive - off) * spec.sampling.chains)
            case _:
                yield Tick()
    return survived


def _judged(
    spec: ExperimentSpec, chains: Sampling, data_dir: Path | None, cadence: Cadence, live: Live | None
) -> Iterator[Event]:
    for event in chain_events(spec, chains, cadence, live):
        yield event
        if isinstance(event, Samples) and is_of_images(spec):
            yield from judged(spec, event, data_dir, chains.device)


def with_chances(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Test each change against the unchanged settings, the first of the trials, with Holm's correction."""
    base, *others = trials
    chances = holm([helped(one.survived, one.count, base.survived, base.count) for one in others])
    return (base, *(replace(one, chance=chance) for one, chance in zip(others, chances, strict=True)))
