"""The experiment on why chains die or miss the shares of the data: the same chains again, each time with one change."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

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
from msd_engine.events.causes import MOST_CHANCE, Drift, Fault, furthest
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
"""Chains of each sampling of an experiment on deaths; those in the plane take milliseconds."""

IMAGES_FOR_SHARES = 64
"""Chains of images of each sampling of an experiment on shares."""

_NOISY: Final = "noise left over"


def changes(
    spec: ExperimentSpec,
    run_dir: Path | None,
    data_dir: Path | None,
    fault: Fault = "deaths",
    *,
    noisy: bool = False,
) -> tuple[Trial, ...]:
    """List the samplings of the experiment, without counts.

    Args:
        spec: The settings.
        run_dir: Run folder of the trained denoiser.
        data_dir: Where image sets are looked for.
        fault: What is explained.
        noisy: Whether most dead chains have noise left over.

    Returns:
        First the unchanged settings, then each applicable change: the exact score if its data are there, no guidance
        for guided chains, the actual noise, twice as many steps; for deaths the next seed and, for noise left over, the
        last jump and half of the last noise; for shares half of the steps and twice the first noise.
    """
    trained, wanted = spec.sampling.source == "trained", spec.sampling
    found = [Trial("", "as is")]
    if trained and (not is_of_images(spec) or has_images(images_of(spec), data_dir)):
        found.append(Trial("network", "exact score", {"sampling.source": "exact"}))
    if trained and is_guided(spec, run_dir):
        found.append(Trial("guidance", "w = 1", {"sampling.guidance": 1.0}))
    if getattr(wanted, "conditioning", "") == "scheduled" and "conditioning" in wanted.traits.own:
        found.append(Trial("conditioning", "actual noise", {"sampling.conditioning": "actual"}))
    found.append(Trial("steps", "T × 2", {"sampling.steps_per_level": 2 * wanted.steps_per_level}))
    if fault == "shares":
        if wanted.steps_per_level > 1:
            found.append(Trial("drift", "T / 2", {"sampling.steps_per_level": wanted.steps_per_level // 2}))
        if wanted.method == "annealed":
            found.append(Trial("start", "σ₁ × 2", _ladder(spec, 2 * wanted.sigma_1, wanted.sigma_L)))
    else:
        if noisy and not wanted.jump:
            found.append(Trial("jump", "last jump", {"sampling.jump": True}))
        if noisy and wanted.method == "annealed":
            found.append(Trial("end", "σ_L / 2", _ladder(spec, wanted.sigma_1, wanted.sigma_L / 2)))
        found.append(Trial("seed", "another seed", {"sampling.seed": spec.with_next_seed().sampling.seed}))
    return tuple(trial for trial in found if _allowed(spec, trial))


def _ladder(spec: ExperimentSpec, first: float, last: float) -> dict[str, float | int]:
    """Return the fields of a longer ladder whose levels are as close as those of the spec."""
    wanted = spec.sampling
    span = math.log(wanted.sigma_1 / wanted.sigma_L)
    longer = math.log(first / last) / span if span > 0 else 1.0
    levels = 1 + math.ceil((wanted.levels - 1) * longer)
    return {"sampling.sigma_1": first, "sampling.sigma_L": last, "sampling.levels": levels}


def _allowed(spec: ExperimentSpec, trial: Trial) -> bool:
    try:
        spec.replace_all(dict(trial.values))
    except SpecError:
        return False
    return True


@dataclass(frozen=True)
class _Ends:
    """Ends of chains.

    Attributes:
        survived: Number of surviving chains.
        counted: Number of chains behind the shares.
        shares: Shares of the living chains in the classes or modes; empty for none.
        true_shares: Those of the data.
        names: Names of the classes; empty for modes.
        noisy: Whether most dead chains have noise left over.
    """

    survived: int = 0
    counted: int = 0
    shares: tuple[float, ...] = ()
    true_shares: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    noisy: bool = False

    def named(self, place: int) -> str:
        """Return the name of a class or mode."""
        return f"class {self.names[place]}" if self.names else f"mode {place + 1}"


@reports_user_errors
def why(
    spec: ExperimentSpec,
    *,
    chains: int = 0,
    fault: Fault = "deaths",
    run_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Find out by experiment why chains die, or why their classes or modes have other shares than those of the data.

    For shares the given seed chooses the class that is farthest off; all that is compared has the next seed, so that
    the choice favours no change.

    Args:
        spec: The settings.
        chains: Chains of each sampling; 0 for 256 in the plane, for 16 images, or 64 images for shares.
        fault: What is explained.
        run_dir: Run folder of the trained denoiser, where `sampling.source` is ``trained``.
        data_dir: Where image sets are looked for.
        device: Name of the device, or ``auto``.
        cadence: Decides when progress is worth reporting.
        live: Requests that may come meanwhile: pause.

    Yields:
        `Started`; then `Tick`, `Progress` and, after each sampling, `Explained`; last `Finished`, or `Failed`.
    """
    spec_json = spec.to_json()
    yield Started("why", describe_device(choose_device(device)), 0, 0, spec_json)
    usual = IMAGES_FOR_SHARES if fault == "shares" else IMAGE_CHAINS
    count = chains or (usual if is_of_images(spec) else PLANE_CHAINS)
    spec = spec.replace("sampling.chains", count)
    trials, leftover = changes(spec, run_dir, data_dir, fault), _leftover(spec)
    draw = _Drawing(spec, run_dir, data_dir, device, cadence, live)
    explained = Explained(spec_json, (), len(trials), leftover, fault, drawn=count)
    yield explained
    ends = yield from draw.ends(trials)
    found = None
    if fault == "shares":
        found = _drift(ends)
        if found is None:
            explained = replace(explained, planned=0, subject=_no_drift(ends, count))
            yield explained
            yield Finished(draw.done, draw.elapsed_s, explained.text)
            return
        draw.spec = spec.with_next_seed()
        explained = replace(explained, subject=_subject(ends, found, count))
        ends = yield from draw.ends(trials)
    elif ends.noisy:
        trials = changes(spec, run_dir, data_dir, fault, noisy=True)
    planned, done = len(trials), list[Trial]()
    for place, trial in enumerate(trials):
        try:
            if place:
                ends = yield from draw.ends(trials[place:])
        except UserError as error:
            planned -= 1
            yield Notice(f"Not tried: {trial.title}. {error}")
        else:
            good = ends.survived if found is None else _good(ends, found, count)
            done.append(replace(trial, survived=good, count=count))
        shown = tuple(done) if place < len(trials) - 1 else with_chances(done)
        explained = replace(explained, trials=shown, planned=planned)
        yield explained
    yield Finished(draw.done, draw.elapsed_s, explained.text)


def _drift(ends: _Ends) -> Drift | None:
    """Return the class that is farthest off, beyond chance; None for none."""
    if not ends.counted or len(ends.shares) != len(ends.true_shares):
        return None
    found = furthest(ends.shares, ends.true_shares, ends.counted)
    return found if found.chance <= MOST_CHANCE else None


def _good(ends: _Ends, found: Drift, count: int) -> int:
    """Return the number of good chains, as if all lived."""
    return found.good(round(ends.shares[found.place] * count), count) if ends.counted else 0


def _no_drift(ends: _Ends, count: int) -> str:
    if not ends.counted or not ends.shares:
        return "There are no shares to explain: no chain survived, or the data have no classes."
    return f"Among {count} chains no share differs from that of the data by more than chance: draw more chains."


def _subject(ends: _Ends, found: Drift, count: int) -> str:
    """Say what is counted."""
    name, wanted = ends.named(found.place), found.share * count
    if found.over:
        return f"Chains outside {name}, of which the data have {count - wanted:.1f} in {count}:"
    return f"Chains inside {name}, of which the data have {wanted:.1f} in {count}:"


def _leftover(spec: ExperimentSpec) -> float:
    """Return the largest distance of s_T²/σ² from its limit over the levels by theory; NaN without a theory."""
    if spec.sampling.blows_up:
        return math.nan
    schedule = descent(spec)
    off = swelling(spec.sampling.sampler, schedule) - settled(spec.sampling.sampler, spec.sampling.step_ratio)
    return float(np.abs(off).max())


class _Drawing:
    """Draws the chains of an experiment and reports its progress.

    Attributes:
        spec: The settings without a change.
        done: Evaluations for one chain of all finished samplings.
    """

    def __init__(
        self,
        spec: ExperimentSpec,
        run_dir: Path | None,
        data_dir: Path | None,
        device: str,
        cadence: Cadence,
        live: Live | None,
    ) -> None:
        self.spec, self.done = spec, 0
        self._run_dir, self._data_dir, self._device = run_dir, data_dir, device
        self._cadence, self._live = cadence, live
        self._began_s = time.perf_counter()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._began_s

    def ends(self, left: Sequence[Trial]) -> Generator[Event, None, _Ends]:
        """Draw chains with the first of the changes that are left, and return their ends."""
        specs = [self.spec.replace_all(dict(trial.values)) for trial in left]
        own, total = specs[0].sampling.evaluations, self.done + sum(one.sampling.evaluations for one in specs)
        run_dir, data_dir, device = self._run_dir, self._data_dir, self._device
        chains = yield from in_background(
            lambda _: sampling(specs[0], run_dir=run_dir, data_dir=data_dir, device=device)
        )
        found = _Ends()
        for event in _judged(specs[0], chains, data_dir, self._cadence, self._live):
            match event:
                case Progress():
                    step = self.done + own * event.step // max(event.total, 1)
                    left_s = self.elapsed_s * (total - step) / step if step else math.nan
                    text = f"Why? Trying: {left[0].title}"
                    yield Progress(step, total, event.rate, event.items_rate, self.elapsed_s, left_s, text)
                case Verdicts():
                    found = _of_images(event)
                case ChainReport():
                    found = _of_points(event, specs[0].sampling.chains)
                case _:
                    yield Tick()
        self.done += own
        return found


def _of_images(event: Verdicts) -> _Ends:
    dead = list(event.dead.values())
    noisy = 2 * dead.count(_NOISY) > len(dead)
    shares = tuple(event.shares.tolist()) if event.class_names else ()
    return _Ends(event.lived, event.lived, shares, tuple(event.real_shares.tolist()), event.class_names, noisy)


def _of_points(event: ChainReport, chains: int) -> _Ends:
    # Data without modes have no ellipses.
    off = 0.0 if math.isnan(event.off) else event.off
    survived = round((event.alive - off) * chains)
    shares = tuple(event.mode_weights.tolist()) if event.alive else ()
    return _Ends(survived, round(event.alive * chains), shares, tuple(event.true_weights.tolist()), noisy=off > 0)


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
