"""Report the present state of a sweep folder: curves and results of its runs, and their table. Imports no torch."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from msd_engine.events import (
    ChildEnded,
    ChildHeldOut,
    ChildStarted,
    Event,
    Finished,
    HeldOutLoss,
    Started,
    SweepTable,
    Tick,
)
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.metrics.errors.comparison import table
from msd_engine.metrics.errors.findings import findings
from msd_engine.runs.layout import MANIFEST, METRICS, SWEEP
from msd_engine.runs.log import held_out_loss, read_log
from msd_engine.runs.manifest import read_manifest
from msd_engine.runs.remote.copies import address_of, is_copy
from msd_engine.runs.sweeps import SweepFolder
from msd_engine.specs.live import Every
from msd_engine.specs.sweep import Child, SweepResult, SweepSpec

_LOOK_HZ = 1.0
_NAP_S = 0.05


@reports_user_errors
def open_sweep(folder: str | os.PathLike[str]) -> Iterator[Event]:
    """Report the present state of a sweep folder without training; follow the copy of one elsewhere to its end.

    Args:
        folder: The sweep folder.

    Yields:
        `Started` with the comparison, `ChildStarted` and `ChildHeldOut` for each run that has begun, `ChildEnded` for
        each that is done, `SweepTable`, and `Finished` or `Failed`.
    """
    plan = SweepFolder.open(folder)
    # Before the report: what changes during it is reported again.
    sizes = {child: _size(plan, child) for child in plan.spec.children()}
    known = {result.name for result in plan.results()}
    total, copied = len(plan.spec.children()), address_of(plan.folder)
    yield Started("open-sweep", "", total, len(plan.results()), plan.spec.to_json(), copied)
    for number, child in enumerate(plan.spec.children(), 1):
        yield from history(plan, child, number)
        result = plan.result(child.name)
        yield Tick() if result is None else ended_event(result)
    yield table_event(plan)
    if is_copy(plan.folder):
        yield from _follow(plan, sizes, known)
    yield Finished(0, 0.0, f"Opened {plan.folder.name}: {ending(plan)}.", str(plan.folder))


def is_done(folder: str | os.PathLike[str], spec: SweepSpec) -> bool:
    """Return whether a folder holds the result of every run that a comparison asks for, so that no work is left.

    Args:
        folder: The sweep folder; it may be missing.
        spec: The comparison.

    Raises:
        BadFile: The plan or a result there is damaged.
    """
    folder = Path(folder)
    if is_copy(folder) or not (folder / SWEEP).exists():
        return False
    plan = SweepFolder.open(folder)
    wider = plan.spec.with_more(ks=spec.ks, seeds=spec.seeds, modes=spec.modes, fusions=spec.fusions)
    same = as_begun(spec, plan.spec).base == plan.spec.base and wider == plan.spec
    return same and len(plan.results()) == len(plan.spec.children())


def as_begun(spec: SweepSpec, begun: SweepSpec) -> SweepSpec:
    """Return a comparison with the precision that it recorded when it was created, where it may ask for `auto`."""
    return spec.replace("base.training.precision", begun.base.training.precision)


def _follow(plan: SweepFolder, sizes: dict[Child, int], known: set[str]) -> Iterator[Event]:
    """Report what changes in a copy, until every run has a result.

    Args:
        plan: The copy of the comparison.
        sizes: Bytes of the measurements of each run that were reported.
        known: Names of the runs whose results were reported.
    """
    numbers = {child: number for number, child in enumerate(plan.spec.children(), 1)}
    look = Every(_LOOK_HZ)
    while len(known) < len(numbers):
        if not look.due():
            yield Tick()
            time.sleep(_NAP_S)
            continue
        for child, number in numbers.items():
            if (size := _size(plan, child)) != sizes[child]:
                sizes[child] = size
                yield from history(plan, child, number)
        new = [result for result in plan.results() if result.name not in known]
        for result in new:
            known.add(result.name)
            yield ended_event(result)
        if new:
            yield table_event(plan)


def _size(plan: SweepFolder, child: Child) -> int:
    path = plan.run_folder(child.name) / METRICS
    return path.stat().st_size if path.exists() else 0


def table_event(plan: SweepFolder) -> SweepTable:
    """Return the table of the results so far."""
    results = plan.results()
    uneven = len({result.step for result in results if result.error is not None}) > 1
    rows = table(plan.spec, results, _curves(plan) if uneven else {})
    return SweepTable(rows, len(results), len(plan.spec.children()), findings(rows))


def _curves(plan: SweepFolder) -> dict[str, list[HeldOutLoss]]:
    """Return the held-out curve of each started run by name."""
    return {child.name: [held_out_loss(row) for row in rows if "held_out" in row] for child, rows in plan.measured()}


def ending(plan: SweepFolder) -> str:
    """Say how many runs are done, and which have failed."""
    results = plan.results()
    text = f"{len(results)} of {len(plan.spec.children())} runs are done"
    if failed := [result.name for result in results if result.status == "failed"]:
        text += f"; {len(failed)} failed ({', '.join(failed)})"
    return text


def ended_event(result: SweepResult) -> ChildEnded:
    """Return the event for the result of a run."""
    bands = len(result.band_error)
    known = np.array(result.band_floor) if result.band_floor else np.full(bands, math.nan)
    return ChildEnded(
        name=result.name,
        k=result.k,
        seed=result.seed,
        modes=result.modes,
        failed=result.status == "failed",
        text=result.text,
        step=result.step,
        elapsed_s=result.elapsed_s,
        error=math.nan if result.error is None else result.error,
        floor=math.nan if result.floor is None else result.floor,
        band_sigma_eff=np.array(result.band_sigma_eff),
        band_error=np.array(result.band_error),
        band_floor=known,
    )


def history(plan: SweepFolder, child: Child, number: int) -> Iterator[Event]:
    """Yield the saved held-out curve of a run; nothing if it has not started."""
    folder = plan.run_folder(child.name)
    if not (folder / MANIFEST).exists():
        return
    yield ChildStarted(child.name, number, len(plan.spec.children()), read_manifest(folder).step)
    for row in read_log(folder / METRICS).rows:
        if "held_out" in row:
            yield ChildHeldOut(child.name, held_out_loss(row))
