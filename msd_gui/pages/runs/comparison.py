"""Comparisons in the list of runs: one line for all runs of a sweep folder."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from msd_engine.events import RunRow
from msd_engine.events.catalogue import RunStatus

# The status of a comparison is the first of these among its runs.
_GRAVEST: tuple[RunStatus, ...] = ("running", "interrupted", "stopped", "damaged", "failed", "finished")


@dataclass(frozen=True)
class Comparison(RunRow):
    """All runs of a comparison as one line.

    Steps and seconds are sums; error, survival and distance are the least among the runs, k and size the largest.

    Attributes:
        runs: Its runs, newest first.
        requested: Planned number of runs.
    """

    runs: tuple[RunRow, ...] = ()
    requested: int = 0

    @property
    def span_of_k(self) -> str:
        """The least and the largest k: ``1–16``, or the only one."""
        ks = [run.k for run in self.runs if run.k]
        if not ks:
            return "–"
        return str(ks[0]) if min(ks) == max(ks) else f"{min(ks)}–{max(ks)}"

    @property
    def how_many(self) -> str:
        """Number of runs: ``15 runs``, or ``3 of 15 runs`` before the others start."""
        there = len(self.runs)
        if there < self.requested:
            return f"{there} of {self.requested} runs"
        return "1 run" if there == 1 else f"{there} runs"


def comparison(runs: Sequence[RunRow]) -> Comparison:
    """Summarise the runs of a comparison, at least one and newest first; the path is the comparison's folder."""
    first = runs[0]
    states = {run.status for run in runs}
    requested = max(run.sweep_runs for run in runs)
    status = next(state for state in _GRAVEST if state in states)
    if len(runs) < requested and status in ("finished", "failed"):
        # Runs are missing and none is in training.
        status = "stopped"
    place = PurePosixPath(first.folder)
    # Its runs lie in a folder below it; those of earlier versions beside its plan.
    above = (place.parent if place.name == "runs" and Path(first.sweep).name != "runs" else place).parent.as_posix()
    damaged = sum(run.status == "damaged" for run in runs)
    return Comparison(
        path=first.sweep,
        folder="" if above == "." else above,
        name=first.sweep_title,
        status=status,
        problem=f"{damaged} of its runs cannot be read: see these runs." if damaged else "",
        data=next((run.data for run in runs if run.data), ""),
        k=max(run.k for run in runs),
        parameters=max(run.parameters for run in runs),
        step=sum(run.step for run in runs),
        elapsed_s=math.fsum(run.elapsed_s for run in runs if not math.isnan(run.elapsed_s)),
        held_out=_least(run.held_out for run in runs),
        alive=_least(run.alive for run in runs),
        distance=_least(run.distance for run in runs),
        features=", ".join(dict.fromkeys(run.features for run in runs if run.features)),
        note=first.sweep_note,
        tags=first.sweep_tags,
        created=max((run.created for run in runs if not math.isnan(run.created)), default=math.nan),
        thumbnail=next((run.thumbnail for run in runs if run.thumbnail), b""),
        sweep=first.sweep,
        sweep_title=first.sweep_title,
        sweep_runs=requested,
        runs=tuple(runs),
        requested=requested,
    )


def states(row: Comparison) -> str:
    """Count the runs of a comparison by status: ``12 finished, 1 running, 2 not begun``."""
    found = Counter(run.status for run in row.runs)
    parts = [f"{found[state]} {state}" for state in reversed(_GRAVEST) if found[state]]
    left = row.requested - len(row.runs)
    return ", ".join([*parts, f"{left} not begun"] if left > 0 else parts)


def _least(values: Iterable[float]) -> float:
    return min((value for value in values if not math.isnan(value)), default=math.nan)
