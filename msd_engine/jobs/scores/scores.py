"""The job that trains several objectives side by side and compares their scores with the exact one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from msd_engine.backend.device import describe_device
from msd_engine.events import (
    Event,
    Finished,
    Notice,
    Progress,
    ScoreCurves,
    ScoreFields,
    ScoreRow,
    ScoreTable,
    Started,
    Tick,
)
from msd_engine.events.scores.copies import CHANGES, CopiesTested
from msd_engine.events.scores.table import PLACES, Spread
from msd_engine.jobs.factory.pace import threads_for
from msd_engine.jobs.factory.training import training, training_device
from msd_engine.jobs.scores.copies import CopiesTest
from msd_engine.jobs.scores.truth import SIDE, Truth, learned_scores, truth_of
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tools.work_clock import WorkClock
from msd_engine.metrics.errors.nearest import verdict
from msd_engine.metrics.errors.student import interval, quantile
from msd_engine.specs import Live
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.scores.contenders import CONTENDERS, Contender
from msd_engine.specs.scores.spec import ScoresSpec
from msd_engine.training.trainer import DivergedError, Trainer

# Measurements of a training, and most steps between two.
_MEASUREMENTS, _MOST_BETWEEN = 25, 100
_PAUSE_POLL_S = 0.05


@reports_user_errors
def scores(
    spec: ScoresSpec,
    *,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
    threads: int = 0,
) -> Iterator[Event]:
    """Train objectives side by side and compare the scores that they learn.

    Of each seed all contenders have the same first weights and data, and take turns of a few steps, so that the load
    of the machine meets all of them alike.

    Args:
        spec: The comparison.
        device: Name of the device, or ``auto``.
        cadence: Decides when to report progress and fields.
        live: Requests during the job: pause.
        threads: Fixed number of threads of the CPU; 0 for MSD_THREADS, or else one.

    Yields:
        `Started`, `ScoreTruth`; for each step at least a `Tick`; `Progress` at due moments; `ScoreFields` and
        `ScoreCurves` at about 25 steps of each seed, the same for all contenders, and `CopiesTested` for two copies or
        more; `ScoreTable` after each seed; at the end `Finished` with the verdict, or `Failed`.
    """
    first = spec.child(spec.contenders[0], spec.seeds[0])
    chosen = training_device(first, device)
    threads_for(first, chosen, threads).begin()
    yield Started("scores", describe_device(chosen), spec.total_steps, 0, spec.to_json())
    truth = truth_of(spec)
    yield truth.event
    test = CopiesTest(spec) if spec.base.training.k > 1 else None
    race = _Race(spec, truth, test, chosen, cadence, live or Live())
    for seed in spec.seeds:
        yield from race.run(seed)
    yield Finished(spec.total_steps, race.elapsed_s, race.table().text)


@dataclass(eq=False)
class _Runner:
    """One contender in training.

    Attributes:
        contender: Its name.
        trainer: Performs its steps.
        seconds: Seconds of training so far.
        failed: Whether its training has diverged.
        scores: Its last measured scores, as `learned_scores` returns them.
    """

    contender: Contender
    trainer: Trainer
    seconds: float = 0.0
    failed: bool = False
    scores: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))


class _Race:
    """Trains and measures the contenders, seed by seed."""

    def __init__(
        self,
        spec: ScoresSpec,
        truth: Truth,
        test: CopiesTest | None,
        device: torch.device,
        cadence: Cadence,
        live: Live,
    ) -> None:
        self.spec = spec
        self.elapsed_s = 0.0
        self._truth = truth
        self._test = test
        self._device = device
        self._cadence = cadence
        self._live = live
        self._done = 0
        self._attempted = 0
        self._seconds = dict.fromkeys(spec.contenders, 0.0)
        self._steps = dict.fromkeys(spec.contenders, 0)
        total = spec.base.training.steps
        between = min(max(1, total // _MEASUREMENTS), _MOST_BETWEEN)
        self._moments = np.array([*range(0, total, between), total])
        # By contender, seed, place and moment; NaN before the measurement, and after a failure.
        self._errors = np.full((len(spec.contenders), len(spec.seeds), len(PLACES), len(self._moments)), np.nan)
        # The same by change of the copies.
        self._moved = np.full((len(spec.contenders), len(spec.seeds), len(CHANGES), len(self._moments)), np.nan)
        self._failed = dict.fromkeys(spec.contenders, 0)
        # By number of seeds; two are the fewest with an interval.
        self._quantiles = np.array([math.nan, math.nan, *(quantile(seeds) for seeds in range(1, len(spec.seeds)))])

    def run(self, seed: int) -> Iterator[Event]:
        """Train all contenders with one seed."""
        runners = [
            _Runner(one, training(self.spec.child(one, seed), data_dir=None, device=self._device).trainer)
            for one in self.spec.contenders
        ]
        yield from self._measured(runners, seed, 0)
        for number, count in enumerate(np.diff(self._moments).tolist(), start=1):
            for runner in runners:
                yield from self._advance(runner, count)
            yield from self._measured(runners, seed, number)
        self._done += 1
        yield self.table()

    def _advance(self, runner: _Runner, count: int) -> Iterator[Event]:
        """Do some steps of one contender; a training that diverges stands still from then on."""
        clock = WorkClock()
        for _ in range(count):
            if self._live.paused:
                while not self._live.wait_while_paused(_PAUSE_POLL_S):
                    yield Tick()
                clock.lap()
            self._attempted += 1
            if not runner.failed:
                try:
                    runner.trainer.advance(runner.seconds)
                    self._steps[runner.contender] += 1
                except DivergedError as error:
                    runner.failed = True
                    self._failed[runner.contender] += 1
                    yield Notice(f"{CONTENDERS[runner.contender].title}: {error}")
            seconds = clock.lap()
            runner.seconds += seconds
            self._seconds[runner.contender] += seconds
            self.elapsed_s += seconds
            yield from self._moment()
            clock.lap()
        if not runner.failed:
            runner.trainer.drain()
            seconds = clock.lap()
            self._seconds[runner.contender] += seconds
            self.elapsed_s += seconds

    def _moment(self) -> Iterator[Event]:
        if not self._cadence.due():
            yield Tick()
            return
        done, total = self._attempted, self.spec.total_steps
        rate = done / self.elapsed_s if self.elapsed_s else math.nan
        left_s = (total - done) / rate if rate else math.nan
        yield Progress(done, total, rate, rate * self.spec.base.training.batch, self.elapsed_s, left_s)

    def _measured(self, runners: Sequence[_Runner], seed: int, moment: int) -> Iterator[Event]:
        for place, runner in enumerate(runners):
            if not runner.failed:
                runner.scores = learned_scores(runner.trainer.averaged, self._truth)
                at = place, self.spec.seeds.index(seed), slice(None), moment
                self._errors[at] = self._truth.errors(runner.scores)
                if self._test is not None:
                    self._moved[at] = self._test.measure(runner.trainer.averaged)
            yield Tick()
        cells = np.stack([runner.scores[: SIDE**2] for runner in runners]).astype(np.float32)
        yield ScoreFields(seed, int(self._moments[moment]), self.spec.contenders, cells)
        yield self._curves()
        if self._test is not None:
            ends = self._over_seeds(self._moved)
            yield CopiesTested(self.spec.contenders, self._moments, self._test.exact, *ends)

    def _curves(self) -> ScoreCurves:
        with np.errstate(divide="ignore"):
            ends = self._over_seeds(np.log(self._errors))
        return ScoreCurves(self.spec.contenders, self._moments, *map(np.exp, ends))

    def _over_seeds(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Return mean and ends of the 95 % interval over the second axis."""
        count = np.isfinite(values).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.nansum(values, 1) / count
            off = np.nansum(np.square(values - mean[:, None]), 1)
            half = np.sqrt(off / (count - 1) / count) * self._quantiles[count]
        return mean, mean - half, mean + half

    def table(self) -> ScoreTable:
        """Return the table of the seeds that have ended."""
        rows = tuple(self._row(contender) for contender in self.spec.contenders)
        exact = {} if self._test is None else dict(zip(CHANGES, self._test.exact.tolist(), strict=True))
        return ScoreTable(rows, self._done, verdict(rows), exact)

    def _row(self, contender: Contender) -> ScoreRow:
        row, ends = CONTENDERS[contender], self._errors[self.spec.contenders.index(contender), :, :, -1]
        by_seed = {
            place: {seed: error for seed, error in zip(self.spec.seeds, values, strict=True) if math.isfinite(error)}
            for place, values in zip(PLACES, ends.T.tolist(), strict=True)
        }
        moved = self._moved[self.spec.contenders.index(contender), :, :, -1].T
        steps = self._steps[contender]
        return ScoreRow(
            contender,
            row.title,
            row.uses_exact,
            self.spec.base.training.steps,
            {place: _spread(list(values.values())) for place, values in by_seed.items()},
            by_seed,
            1e3 * self._seconds[contender] / steps if steps else math.nan,
            self._failed[contender],
            {} if self._test is None else dict(zip(CHANGES, map(_moved, moved), strict=True)),
        )


def _moved(values: NDArray[np.float64]) -> Spread:
    """Return the mean of known values with its interval."""
    known = values[np.isfinite(values)].tolist()
    return Spread(*vars(interval(known)).values()) if known else Spread()


def _spread(errors: Sequence[float]) -> Spread:
    """Return the geometric mean of positive errors with its interval, that of the mean of their logarithms."""
    if not errors:
        return Spread()
    found = interval([math.log(error) for error in errors])
    return Spread(math.exp(found.mean), math.exp(found.low), math.exp(found.high))
