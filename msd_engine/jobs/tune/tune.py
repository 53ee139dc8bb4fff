"""The search job: the best chain of one network within a number of evaluations, by successive halving."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from msd_engine.backend.device import choose_device, describe_device
from msd_engine.backend.errors import UserError
from msd_engine.events import (
    Effect,
    Event,
    Figure,
    Finalist,
    Finished,
    Notice,
    Progress,
    Started,
    Tick,
    TuneGrid,
    TuneReport,
    TuneRow,
    TuneTable,
)
from msd_engine.jobs.factory.parts import denoiser_of_run
from msd_engine.jobs.quality.standards import behind, prepared_standard, read_whole
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.jobs.tune.chains import DrawnChains
from msd_engine.jobs.tune.family import Candidate, candidates, reference
from msd_engine.jobs.tune.halves import Halves, distance, halves, measure_of, reported
from msd_engine.jobs.tune.journal import Journal, journal_path
from msd_engine.jobs.tune.kept import KeptParts, forget_parts
from msd_engine.metrics.errors.effects import shares
from msd_engine.metrics.quality.distances import Estimate
from msd_engine.metrics.quality.standard import array
from msd_engine.runs.layout import EARLIER, WEIGHTS
from msd_engine.runs.run import Run
from msd_engine.specs import ExperimentSpec, declarations
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.search.tune import FINALISTS, JudgedFigure, Measure, TuneLine, TuneSpec

_RATE_MEMORY = 0.9
# Journals of other ways to judge are not mixed with those of this one.
_JUDGE = "gaussian kernel"


@reports_user_errors
def tune(
    spec: TuneSpec,
    run_dir: Path,
    *,
    runs_dir: Path | None = None,
    data_dir: Path | None = None,
    device: str = "auto",
    cadence: Cadence = NEVER,
) -> Iterator[Event]:
    """Search for the best chain of a network.

    Each judged candidate is a line of a journal: a search that was stopped or killed continues to the same result.

    Args:
        spec: The search; its base has the data, the number of copies and the settings that the search starts from.
        run_dir: Run folder of the network, or folder of a shipped model.
        runs_dir: The folder of runs, for the journals of shipped models; None for the usual one.
        data_dir: The data folder.
        device: Name of the device, or ``auto``.
        cadence: Says when progress is worth telling.

    Yields:
        `Started`, `Progress` and a `Tick` per step, `TuneTable` and `TuneGrid` after each judgement; at last
        `TuneReport` and `Finished` with the path of the journal, or `Failed`.
    """
    chosen = choose_device(device)
    denoiser_of_run(spec.base.replace("sampling.source", "trained"), run_dir, torch.device("cpu"))
    images = yield from read_whole(spec.base, data_dir)
    yield Started("tune", describe_device(chosen), spec.chain_evaluations, 0, spec.to_json())
    against = yield from prepared_standard(images, spec.final, data_dir, chosen, cadence)
    journal = Journal(journal_path(run_dir, runs_dir), digest(spec, run_dir, against.network.digest))
    if journal.damaged:
        yield Notice(f"{journal.damaged} damaged lines of {journal.path} are left out; what they held is judged again.")
    yield from _Search(spec, run_dir, chosen, cadence, halves(against, spec.seed), journal).events()


def digest(spec: TuneSpec, run_dir: Path, features: str) -> str:
    """Return what identifies a search: its settings, the weights of its network and the features.

    Args:
        spec: The search.
        run_dir: The run folder.
        features: Digest of the feature network.
    """
    found = hashlib.sha256(f"{_JUDGE}\n{spec.to_json()}\n{features}\n".encode())
    for name in (WEIGHTS, EARLIER):
        path = run_dir / name
        found.update(path.read_bytes() if path.exists() else b"")
    return found.hexdigest()[:24]


@dataclass
class _Entrant:
    """A candidate in the search."""

    candidate: Candidate
    chains: DrawnChains
    row: TuneRow


class _Search:
    """One stretch of work on a search, until its end or until the caller closes it."""

    def __init__(
        self,
        spec: TuneSpec,
        run_dir: Path,
        device: torch.device,
        cadence: Cadence,
        judges: Halves,
        journal: Journal,
    ) -> None:
        self.spec, self.judges, self.journal, self.cadence = spec, judges, journal, cadence
        self.run_dir = run_dir
        self.start_s = time.monotonic()
        self.worked = self.rated = self.spared = 0
        self.rate, self.rated_s = 0.0, self.start_s
        has_earlier = Run.open(run_dir).has_earlier

        def entrant(candidate: Candidate) -> _Entrant:
            row = TuneRow(candidate.number, candidate.origin, candidate.words, candidate.values, candidate.evaluations)
            kept = KeptParts(journal.search, candidate.number)
            chains = DrawnChains(candidate.spec, run_dir, device, (*spec.rungs, spec.final), kept)
            return _Entrant(candidate, chains, row)

        self.preset = entrant(reference(spec, has_earlier=has_earlier))
        self.all = [entrant(candidate) for candidate in candidates(spec, has_earlier=has_earlier)]
        for one in self.all:
            if one.candidate.spec.sampling == self.preset.candidate.spec.sampling:
                self.preset.chains = one.chains
        dearer = self.preset.candidate.evaluations - spec.evaluations
        self.total = spec.chain_evaluations + dearer * spec.final
        if not self.all:
            raise UserError(f"No chain of this family ends within {spec.evaluations} evaluations: allow more.")

    def events(self) -> Iterator[Event]:
        """Judge rung by rung, then report."""
        alive = list(self.all)
        yield TuneTable(tuple(self._rows()), 0, self.spec.rungs)
        for rung, chains in enumerate(self.spec.rungs):
            alive = sorted(alive, key=_rank)[: self.spec.entrants[rung]]
            for one in self.all:
                one.row = replace(one.row, survives=one in alive)
            for one in alive:
                yield from self._judge(one, rung, chains)
                table = TuneTable(tuple(self._rows()), rung, self.spec.rungs)
                yield table
                if table.best is not None and table.best.number == one.row.number and len(one.chains.pictures):
                    yield TuneGrid(one.row.number, one.chains.pictures)
        finalists = sorted(alive, key=_rank)[:FINALISTS]
        found = []
        for one in (*finalists, self.preset):
            found.append((yield from self._report(one)))
        best = finalists[0]
        standard = self.judges.reporting
        yield TuneReport(
            finalists=tuple(found),
            effects=self._effects(),
            best_json=self._titled(best.candidate.spec).to_json(),
            features=standard.network.name,
            tuned_n=len(self.judges.tuning),
            reported_n=len(standard.reference),
            real_n=len(standard.real),
        )
        forget_parts(self.journal.search)
        text = f"The best of {len(self.all)} chains: {best.row.words} ({best.row.evaluations} evaluations)."
        yield Finished(len(self.all), time.monotonic() - self.start_s, text, str(self.journal.path))

    def _effects(self) -> tuple[Effect, ...]:
        """Return how much each setting mattered at the first rung."""
        first = self.spec.rungs[0]
        found = [(one, self.journal.find("rung", one.candidate.number, first)) for one in self.all]
        known = [(one.row.values, line) for one, line in found if line is not None and line.value is not None]
        errors = [line.high - line.value for _, line in known if line.high is not None and line.value is not None]
        # An unbiased distance may be negative: below its own error it has no logarithm worth telling.
        least = float(np.median(errors)) if errors else 0.0
        if least <= 0:
            return ()
        y = [math.log(max(line.value or 0.0, least)) for _, line in known]
        titles = {declared.path: declared.title for declared in declarations(self.spec.base, absent=True)}
        explained = shares([values for values, _ in known], y)
        return tuple(Effect(path, titles[path], *share) for path, share in explained.items())

    def _titled(self, spec: ExperimentSpec) -> ExperimentSpec:
        title = f"{spec.title or spec.data.title}: best chain within {self.spec.evaluations} evaluations"
        return spec.replace("title", title[-200:])

    def _rows(self) -> list[TuneRow]:
        return [
            one.row for one in sorted(self.all, key=lambda one: (-one.row.rung if one.row.chains else 1, *_rank(one)))
        ]

    def _judge(self, one: _Entrant, rung: int, chains: int) -> Generator[Event, None, None]:
        """Judge a candidate by the tuning half, or take the judgement from the journal."""
        line = self.journal.find("rung", one.candidate.number, chains)
        if line is None:
            yield from self._draw(one, chains, f"Rung {rung + 1} of {len(self.spec.rungs)}, {chains} chains")
            measure = measure_of(chains, self.judges, last=rung == len(self.spec.rungs) - 1)
            found = distance(array(one.chains.features), self.judges, measure)
            line = self._line(one, "rung", chains, measure, found)
            self.journal.add(line)
        else:
            self.spared += self.spec.evaluations * (chains - one.row.chains)
            yield Tick()
        value, low, high = (math.nan if end is None else end for end in (line.value, line.low, line.high))
        judged: dict[str, Any] = {"rung": rung, "chains": chains, "measure": line.measure}
        judged |= {"value": value, "low": low, "high": high}
        one.row = replace(one.row, by_rung=(*one.row.by_rung, value), **judged)

    def _report(self, one: _Entrant) -> Generator[Event, None, Finalist]:
        """Measure a chain by the other half, or take its figures from the journal."""
        final = self.spec.final
        line = self.journal.find("final", one.candidate.number, final)
        if line is None:
            yield from self._draw(one, final, f"Reporting by the other half, {final} chains")
            figures = yield from behind(reported(one.chains.features, one.chains.lived, self.judges))
            line = self._line(one, "final", final, one.row.measure, Estimate(math.nan), figures)
            self.journal.add(line)
        return Finalist(one.row, final, tuple(_figure(one_figure) for one_figure in line.figures))

    def _draw(self, one: _Entrant, chains: int, text: str) -> Generator[Event, None, None]:
        each = one.candidate.evaluations / (one.candidate.spec.sampling.total_steps + 1)

        def worked(count: int) -> None:
            self.worked += round(count * each)

        for event in one.chains.draw(chains, self.judges.reporting, worked):
            yield self._progress(text) if self.cadence.due() else event

    def _progress(self, text: str) -> Progress:
        now_s = time.monotonic()
        if now_s - self.rated_s > 1.0:
            rate = (self.worked - self.rated) / (now_s - self.rated_s)
            self.rate = _RATE_MEMORY * self.rate + (1 - _RATE_MEMORY) * rate if self.rate else rate
            self.rated, self.rated_s = self.worked, now_s
        total = max(self.worked, self.total - self.spared)
        left_s = (total - self.worked) / self.rate if self.rate else math.nan
        return Progress(self.worked, total, self.rate, self.rate, now_s - self.start_s, left_s, text)

    def _line(
        self,
        one: _Entrant,
        stage: str,
        chains: int,
        measure: Measure,
        found: Estimate,
        figures: tuple[Figure, ...] = (),
    ) -> TuneLine:
        if digest(self.spec, self.run_dir, self.judges.reporting.network.digest) != self.journal.search:
            raise UserError("The network has changed since the search began: search anew for its new weights.")
        return TuneLine.from_fields(
            {
                "search": self.journal.search,
                "stage": stage,
                "candidate": one.candidate.number,
                "sampling": one.candidate.spec.sampling.model_dump(),
                "evaluations": one.candidate.evaluations,
                "chains": chains,
                "measure": measure,
                "value": _known(found.value),
                "low": _known(found.low),
                "high": _known(found.high),
                "figures": tuple(_judged(figure) for figure in figures if math.isfinite(figure.value)),
            }
        )


def _rank(one: _Entrant) -> tuple[float, int]:
    """Return what candidates of one rung are sorted by."""
    return (math.inf if math.isnan(one.row.value) else one.row.value, one.candidate.number)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _judged(figure: Figure) -> dict[str, Any]:
    numbers = {name: _known(getattr(figure, name)) for name in ("low", "high", "real", "real_spread")}
    return {"name": figure.name, "title": figure.title, "value": figure.value, "better": figure.better, **numbers}


def _figure(judged: JudgedFigure) -> Figure:
    low, high, real, spread = (
        math.nan if value is None else value for value in (judged.low, judged.high, judged.real, judged.real_spread)
    )
    return Figure(judged.name, judged.title, judged.value, low, high, real, judged.better, real_spread=spread)
