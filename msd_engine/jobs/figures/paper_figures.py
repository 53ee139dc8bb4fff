"""The job that computes a figure of the papers in the plane from its preset, and writes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from msd_engine.backend.errors import UserError
from msd_engine.backend.files import write_atomically
from msd_engine.events import (
    ChainReport,
    Event,
    Failed,
    FieldFrame,
    Finished,
    Progress,
    Samples,
    ScoreFields,
    ScoreTable,
    ScoreTruth,
    Started,
    Tick,
)
from msd_engine.events.figures import Sheet
from msd_engine.events.plots import Field, Plane
from msd_engine.events.scores.panels import score_panels
from msd_engine.jobs.factory.chains import moments, sampling
from msd_engine.jobs.factory.targets import target
from msd_engine.jobs.sampling.field import field
from msd_engine.jobs.sampling.sample import sample
from msd_engine.jobs.scores.scores import scores
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs.pictures import add_text_to_png
from msd_engine.runs.report.panels import panels
from msd_engine.samplers.twin import Segment
from msd_engine.specs import ExperimentSpec, Live, load_preset
from msd_engine.specs.live import NEVER, Cadence
from msd_engine.specs.scores.spec import shown_in_figure
from msd_engine.specs.tables.papers import FIGURES, FigureName

SUFFIXES = (".svg", ".png", ".pdf")
_BOUNDS = (-9.0, 9.0, -9.0, 9.0)
_WIDTH_MM, _ARROWS, _DATA, _EVERY = 240.0, 17, 4000, 20
_LAYERS = frozenset({"density", "data", "modes", "heads", "exact arrows"})
_Panels = Generator[Event, None, Sequence[Plane | Field]]


@reports_user_errors
def paper_figure(
    name: FigureName, path: Path, *, run_dir: Path | None = None, cadence: Cadence = NEVER, live: Live | None = None
) -> Iterator[Event]:
    """Compute a figure and write it as SVG, PDF, or as PNG that carries the spec.

    Args:
        name: The figure; the preset of the same name has its settings.
        path: The file to write.
        run_dir: Run folder of a network on the same target for the annealed chains of ``poster-figure-3``; None for
            the exact score.
        cadence: Decides when to report progress.
        live: Unused: the job takes seconds.

    Yields:
        `Started`, a `Tick` or `Progress` per report of its chains, and `Finished` with the path; or `Failed`.
    """
    del live
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"A figure is saved as {', '.join(SUFFIXES)}, not as {suffix or 'a file without suffix'}.")
    begun_s, spec, row = time.perf_counter(), load_preset(name), FIGURES[name]
    yield Started("figure", "CPU", 0, 0, spec.to_json())
    plots = yield from _DRAWN[name](spec, run_dir, cadence)
    sheet = Sheet(width_mm=_WIDTH_MM, caption=f"{row.title}. {row.look} {row.means}")
    content = panels(plots, sheet, suffix[1:])
    write_atomically(path, add_text_to_png(content, spec.to_json(), None) if suffix == ".png" else content)
    yield Finished(0, time.perf_counter() - begun_s, f"Wrote {path}. {row.story}", str(path))


def _density(spec: ExperimentSpec, sigma: float, note: str, **parts: Any) -> Plane:
    """Return a plane with the density of ȳ and the exact score at one noise."""
    for event in field(spec, sigma=sigma, bounds=_BOUNDS, points=_ARROWS):
        if isinstance(event, FieldFrame):
            found = {"log_density": event.log_density, "density_bounds": event.bounds, "modes": event.means}
            found |= {"at": event.points, "exact": event.exact_score, "on": _LAYERS - {"exact arrows"}}
            return Plane(**{**found, "bounds": _BOUNDS, "note": note, **parts})
        if isinstance(event, Failed):
            raise UserError(event.text)
    raise RuntimeError("the density was not computed")


def _drawn(
    spec: ExperimentSpec, run_dir: Path | None, cadence: Cadence
) -> Generator[Event, None, tuple[Samples, ChainReport]]:
    """Draw chains to their end."""
    samples, report = yield from _last_of(
        sample(spec, run_dir=run_dir, device="cpu", cadence=cadence), Samples, ChainReport
    )
    return samples, report


def _last_of(job: Iterator[Event], *kinds: type[Event]) -> Generator[Event, None, tuple[Any, ...]]:
    """Carry a job out, yield its progress, and return its last event of each kind."""
    found: dict[type[Event], Event] = {}
    for event in job:
        if isinstance(event, Failed):
            raise UserError(event.text)
        if type(event) in kinds:
            found[type(event)] = event
        yield event if isinstance(event, Progress) else Tick()
    return tuple(found[kind] for kind in kinds)


def _ten_chains(spec: ExperimentSpec, _run: Path | None, _cadence: Cadence) -> _Panels:
    """Data, and the x̂ of every twentieth state of the last level of ten chains."""
    chains = sampling(spec, device="cpu")
    known = target(spec)
    assert known is not None
    data = known.sample(_DATA, torch.Generator().manual_seed(0)).float().numpy()
    last, kept = len(chains.descent.ladder) - 1, []
    for moment in moments(chains, every=_EVERY):
        if isinstance(moment, Segment) and moment.level == last:
            kept.append(moment.means.reshape(-1, 2))
        yield Tick()
    steps = spec.sampling.steps_per_level
    return [
        _density(spec, 0.0, "true distribution", data=data),
        _density(spec, 0.0, f"last {steps:,} steps of {spec.sampling.chains} chains", data=np.concatenate(kept)),
    ]


def _scores(spec: ExperimentSpec, _run: Path | None, _cadence: Cadence) -> _Panels:
    """Density and score without noise, and with two noises."""
    yield Tick()
    sampling = spec.sampling
    noises = (0.0, sampling.sigma_L, sampling.sigma_1)
    return [
        _density(spec, sigma, f"σ_eff = {spec.sigma_eff(sigma):.3g}" if sigma else "without noise", on=_LAYERS)
        for sigma in noises
    ]


def _learned(spec: ExperimentSpec, _run: Path | None, cadence: Cadence) -> _Panels:
    """The exact score, the one that the preset's objective learns, and their difference."""
    wanted = shown_in_figure(spec)
    job = scores(wanted, device="cpu", cadence=cadence)
    truth, fields, table = yield from _last_of(job, ScoreTruth, ScoreFields, ScoreTable)
    (row,) = table.rows
    plots = score_panels(truth, fields.scores[0], f"{row.title}, {row.steps:,} steps")
    near, far = (row.errors[place].mean for place in ("data", "outside"))
    return *plots[:2], replace(plots[2], name=f"difference {near:.2f} at data, {far:.2f} outside")


def _adjusted(spec: ExperimentSpec, run_dir: Path | None, cadence: Cadence) -> _Panels:
    """The density, Metropolis-adjusted chains at one noise, and annealed chains."""
    adjusted, report = yield from _drawn(spec, None, cadence)
    source = "exact" if run_dir is None else "trained"
    changed = {"sampling.sampler": "langevin", "sampling.method": "annealed", "sampling.source": source}
    levels = {"sampling.steps_per_level": max(1, spec.sampling.steps_per_level // spec.sampling.levels)}
    annealed, other = yield from _drawn(spec.replace_all(changed | levels), run_dir, cadence)
    by = "exact score" if run_dir is None else "network"
    weights = [found.mode_weights[0] for found in (report, other)]
    first = f"adjusted, exact score: {weights[0]:.2f}, accepted {report.acceptance:.2f}"
    return [
        _density(spec, 0.0, f"density, first mode {report.true_weights[0]:.2f}"),
        _density(spec, 0.0, first, heads=adjusted.x_hat),
        _density(
            spec,
            0.0,
            f"annealed, {by}: {weights[1]:.2f}",
            heads=annealed.x_hat,
            colour="exact" if run_dir is None else "learned",
        ),
    ]


def _weights(spec: ExperimentSpec, _run: Path | None, cadence: Cadence) -> _Panels:
    """Plain chains without noise, and annealed chains from the same start."""
    planes = []
    for words, wanted in (("plain", spec), ("annealed", spec.replace_all(spec.sampling.annealed_again))):
        samples, report = yield from _drawn(wanted, None, cadence)
        found, true = report.mode_weights[0], report.true_weights[0]
        heads = samples.x_hat[:_DATA]
        planes.append(_density(spec, 0.0, f"{words}: {found:.2f} for {true:.2f}", data=heads))
    return planes


_DRAWN: dict[FigureName, Callable[[ExperimentSpec, Path | None, Cadence], _Panels]] = {
    "report-figure-3": _ten_chains,
    "poster-figure-1": _scores,
    "poster-figure-2": _learned,
    "poster-figure-3": _adjusted,
    "ncsn-weights": _weights,
}
