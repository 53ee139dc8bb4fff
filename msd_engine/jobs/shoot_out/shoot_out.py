"""The job that draws chains of several samplers with equal numbers of evaluations, and compares them with the data."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.denoisers.target import Target
from msd_engine.events import Event, Finished, Progress, Started, Tick
from msd_engine.events.sampling import LOST
from msd_engine.events.shoot_out.table import EXACT, MEASURES, Measure, Quality, ShootOutRow, ShootOutTable
from msd_engine.jobs.factory.chains import moments, sampling
from msd_engine.jobs.factory.targets import target
from msd_engine.jobs.tools.background import imported
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.metrics.chains.figures import alive, sliced_distance
from msd_engine.metrics.errors.best import verdict
from msd_engine.metrics.errors.student import interval
from msd_engine.samplers.twin import Segment
from msd_engine.samplers.walk import Moment
from msd_engine.specs import ExperimentSpec, Live
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.search.shoot_out import ShootOutSpec

# Fresh data of each seed: many more than chains, so that the data add little to the spread.
_DATA = 10_000
# Random numbers between two states that can be stopped at: some milliseconds.
_NUMBERS = 400_000
_PAUSE_POLL_S = 0.05
_Ends = dict[Measure, float]


@reports_user_errors
def shoot_out(
    spec: ShootOutSpec,
    *,
    run_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
    live: Live | None = None,
) -> Iterator[Event]:
    """Compare samplers with the same numbers of evaluations of the denoiser.

    Each seed has its own fresh data, the same for all contenders; exact draws, as many as there are chains, are
    compared with the same data. Chain i of a seed starts at the same place for all contenders whose first noise is the
    same.

    Args:
        spec: The comparison.
        run_dir: Run folder of the trained denoiser if `base.sampling.source` is ``trained``.
        device: Name of the device, or ``auto``.
        cadence: Decides when to report progress.
        live: Requests during the job: pause.

    Yields:
        `Started`; a `Tick` or `Progress` per state of the chains; `ShootOutTable` after the chains of each contender,
        budget and seed; at the end `Finished` with the verdict, or `Failed`.
    """
    known = target(spec.base)
    if known is None:
        raise UserError("Samplers are compared in the plane: choose points or a mixture.")
    described = describe_device(choose_device(device))
    yield Started("shoot-out", described, spec.total_evaluations, 0, spec.to_json())
    # Closing the job must not wait for slow imports.
    yield from imported("scipy.stats")
    race = _Race(spec, known, run_dir, device, cadence, live or Live())
    yield from race.events()
    yield Finished(race.done, race.elapsed_s, race.table().text)


@dataclass(eq=False)
class _Cell:
    """One contender with one budget."""

    contender: int
    budget: int
    spec: ExperimentSpec
    by_seed: dict[int, _Ends] = field(default_factory=dict)
    lost: list[float] = field(default_factory=list)


class _Race:
    """Draws and measures, seed by seed.

    Attributes:
        done: Evaluations of one chain so far.
        elapsed_s: Seconds of drawing so far.
    """

    def __init__(
        self, spec: ShootOutSpec, known: Target, run_dir: Path | None, device: str, cadence: Cadence, live: Live
    ) -> None:
        self.done, self.elapsed_s = 0, 0.0
        self._spec, self._target, self._run_dir, self._device = spec, known, run_dir, device
        self._cadence, self._live = cadence, live
        self._total = spec.total_evaluations
        self._exact: dict[int, _Ends] = {}
        self._seeds = 0
        self._cells = [
            _Cell(number, budget, spec.child(contender, budget, 0))
            for budget in spec.evaluations
            for number, contender in enumerate(spec.contenders)
        ]

    def events(self) -> Iterator[Event]:
        """Draw everything."""
        for seed in self._spec.seeds:
            generator = torch.Generator().manual_seed(seed)
            data = self._target.sample(_DATA, generator)
            exact = self._target.sample(self._spec.base.sampling.chains, generator)
            self._exact[seed] = self._measured(exact, exact, 0.0, data)
            for cell in self._cells:
                yield from self._draw(cell, seed, data)
                yield self.table()
            self._seeds += 1
        yield self.table()

    def _draw(self, cell: _Cell, seed: int, data: Tensor) -> Iterator[Event]:
        wanted = cell.spec.replace("sampling.seed", seed)
        last = yield from self._end(wanted)
        living = alive(last.y)
        means = last.y.mean(1)
        x = last.posterior.mean if wanted.sampling.jump else means
        tau = last.noise / math.sqrt(last.y.shape[1])
        cell.by_seed[seed] = self._measured(x.cpu(), means[living].cpu(), tau, data)
        cell.lost.append(1 - living.double().mean().item())

    def _end(self, wanted: ExperimentSpec) -> Generator[Event, None, Moment | Segment]:
        """Walk chains to their end, and return it."""
        chains = sampling(wanted, run_dir=self._run_dir, device=self._device)
        total, began = wanted.sampling.evaluations, self.done
        before = time.perf_counter()
        # Only the end is used; the states between give time to stop.
        every = max(1, _NUMBERS // chains.y.numel())
        for moment in moments(chains, every):
            now = time.perf_counter()
            self.elapsed_s += now - before
            self.done = began + total * moment.step // max(1, wanted.sampling.total_steps)
            yield from self._moment()
            before = time.perf_counter()
        self.done = began + total
        return moment

    def _moment(self) -> Iterator[Event]:
        while self._live.paused and not self._live.wait_while_paused(_PAUSE_POLL_S):
            yield Tick()
        if not self._cadence.due():
            yield Tick()
            return
        total = self._total
        rate = self.done / self.elapsed_s if self.elapsed_s else math.nan
        left_s = (total - self.done) / rate if rate else math.nan
        items = rate * self._spec.base.sampling.chains
        yield Progress(self.done, total, rate, items, self.elapsed_s, left_s, "Shoot-out")

    def _measured(self, x: Tensor, means: Tensor, tau: float, data: Tensor) -> _Ends:
        """Compare samples with data, and the weights of the modes of ȳ at noise τ with the true ones."""
        # A lost chain counts as far away.
        found: _Ends = {"distance": sliced_distance(x.double().nan_to_num(LOST).clamp(-LOST, LOST), data, _DATA)}
        modes = self._target.modes
        error = math.nan
        if modes is not None and len(means):
            rho = modes.responsibilities(means.double(), tau).mean(0)
            error = (rho - modes.weights).abs().max().item()
        return found | {"weight_error": error}

    def table(self) -> ShootOutTable:
        """Return the table so far."""
        if not self._exact:
            return ShootOutTable()
        rows = tuple(self._row(cell) for cell in self._cells if cell.by_seed)
        exact = ShootOutRow(-1, EXACT, 0, 0, 0, 0, *_over_seeds(self._exact))
        return ShootOutTable(rows, exact, self._seeds, verdict(rows, exact) if self._seeds else "")

    def _row(self, cell: _Cell) -> ShootOutRow:
        chains, title = cell.spec.sampling, self._spec.titles[cell.contender]
        levels = chains.levels if chains.annealed else 1
        lost = sum(cell.lost) / len(cell.lost)
        plan = (chains.evaluations, levels, chains.steps_per_level)
        return ShootOutRow(cell.contender, title, cell.budget, *plan, *_over_seeds(cell.by_seed), lost)


def _over_seeds(by_seed: dict[int, _Ends]) -> tuple[dict[Measure, Quality], dict[Measure, dict[int, float]]]:
    """Return each measure as a mean with its interval, and by seed."""
    values: dict[Measure, dict[int, float]] = {
        name: {seed: ends[name] for seed, ends in by_seed.items() if math.isfinite(ends[name])} for name in MEASURES
    }
    return {name: _quality(list(found.values())) for name, found in values.items()}, values


def _quality(values: list[float]) -> Quality:
    if not values:
        return Quality()
    found = interval(values)
    return Quality(found.mean, found.low, found.high)
