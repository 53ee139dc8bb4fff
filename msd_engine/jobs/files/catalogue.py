"""Jobs on the runs in a folder: list and watch them, read curves, write notes, move to the trash."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from msd_engine.backend.errors import UserError
from msd_engine.events import Event, Finished, HeldOutCurve, RunRow, RunsChanged, Tick
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs.catalogue import Catalogue
from msd_engine.runs.layout import METRICS, is_held
from msd_engine.runs.log import read_log
from msd_engine.runs.notes import Notes, read_notes, write_notes
from msd_engine.runs.rows import read_row
from msd_engine.runs.sweeps import runs_in, sweep_of
from msd_engine.specs import load_card, model_folder, model_names
from msd_engine.specs.live import Cadence
from msd_engine.specs.models import models_folder

__all__ = ["Catalogue", "annotate", "discard", "held_out_curves", "shipped_runs", "watch"]

_NOTIFY_EVERY_S = 0.2
# Displaying a run takes some ten microseconds.
MOST_ROWS = 250
_CHECK_EVERY_S = 0.2
# Largest share of a processor that scans may take, for any number of runs.
_SHARE = 0.05
_NAP_S = 0.05


@reports_user_errors
def shipped_runs() -> Iterator[Event]:
    """Tell the networks that came with the program, as runs that nobody can change.

    Yields:
        `RunsChanged`, or `Failed`.
    """
    rows = []
    for name in model_names():
        row = read_row(model_folder(name), models_folder())
        rows.append(replace(row, name=load_card(name).title, status="shipped"))
    yield RunsChanged(tuple(rows), (), complete=True)


@reports_user_errors
def watch(catalogue: Catalogue, cadence: Cadence) -> Iterator[Event]:
    """List the runs in a folder and report changes until closed.

    Args:
        catalogue: The catalogue; its known runs are reported first.
        cadence: Decides when to scan; the folder is not read otherwise.

    Yields:
        `RunsChanged`, first in parts until all runs are reported, then on each change, and otherwise `Tick`;
        `Failed` if the folder cannot be read.
    """
    if catalogue.rows:
        yield RunsChanged(tuple(catalogue.rows.values()), (), complete=False)
    first = True
    while True:
        start, worked = time.monotonic(), time.thread_time()
        yield from _check(catalogue, first)
        took_s, worked_s = time.monotonic() - start, time.thread_time() - worked
        first = False
        ready = time.monotonic() + max(_CHECK_EVERY_S, took_s, worked_s / _SHARE)
        while time.monotonic() < ready or not cadence.due():
            yield Tick()
            time.sleep(_NAP_S)


def _check(catalogue: Catalogue, first: bool) -> Iterator[Event]:
    rows: list[RunRow] = []
    notified_s = time.monotonic()
    for found in catalogue.scan():
        if found is None:
            yield Tick()
        elif found.row is not None:
            rows.append(found.row)
            if time.monotonic() - notified_s < _NOTIFY_EVERY_S and len(rows) < MOST_ROWS:
                yield Tick()
            else:
                yield RunsChanged(tuple(rows), (), complete=False)
                rows, notified_s = [], time.monotonic()
        elif rows or found.gone or first:
            yield RunsChanged(tuple(rows), found.gone, complete=True)


@reports_user_errors
def held_out_curves(runs: Sequence[Path]) -> Iterator[Event]:
    """Read the held-out errors of some runs during training.

    Args:
        runs: The run folders.

    Yields:
        A `HeldOutCurve` for each, then `Finished`; `Failed` if measurements are damaged.
    """
    start = time.monotonic()
    for run in runs:
        measured = yield from in_background(partial(_measured, run))
        yield HeldOutCurve(
            str(run),
            np.array([row["step"] for row in measured], dtype=np.int64),
            np.array([row["elapsed_s"] for row in measured], dtype=np.float64),
            np.array([row["held_out"] for row in measured], dtype=np.float64),
        )
    yield Finished(0, time.monotonic() - start, f"Read {len(runs)} curves.")


def _measured(run: Path, _notify: Notify) -> list[dict[str, Any]]:
    return [row for row in read_log(run / METRICS).rows if "held_out" in row]


@reports_user_errors
def annotate(
    run: Path, *, name: str | None = None, note: str | None = None, tags: tuple[str, ...] | None = None
) -> Iterator[Event]:
    """Write the notes on a run; None leaves a field unchanged.

    Args:
        run: The run folder.
        name: Name of the run; empty for that of the folder.
        note: Free text.
        tags: Words for searching.

    Yields:
        `Finished`, or `Failed` with a sentence.
    """
    start = time.monotonic()
    before = read_notes(run)
    notes = Notes.from_fields(
        {
            "name": before.name if name is None else name,
            "note": before.note if note is None else note,
            "tags": before.tags if tags is None else tags,
        }
    )
    yield Tick()
    write_notes(run, notes)
    yield Finished(0, time.monotonic() - start, f"Noted on {notes.name or run.name}.")


@reports_user_errors
def discard(runs: Sequence[Path]) -> Iterator[Event]:
    """Move run folders to the trash of the system.

    If all runs of a comparison are among them, its folder goes as a whole; otherwise the comparison trains the removed
    runs again when it resumes.

    Args:
        runs: The run folders; none may be in training.

    Yields:
        A `Tick` for each, then `Finished`, or `Failed`; the folders before the failed one are then in the trash.
    """
    start = time.monotonic()
    folders = _with_whole_sweeps(runs)
    for folder in folders:
        held = next((run for run in (folder, *runs_in(folder)) if is_held(run)), None)
        if held is not None:
            raise UserError(f"{held.name} is being trained: stop it before it is thrown away.")
        try:
            yield from in_background(partial(_to_trash, folder))
        except OSError as error:
            raise UserError(f"{folder} cannot be moved to the trash: {error.strerror or error}.") from error
    what = f"the folder {folders[0].name}" if len(folders) == 1 else f"{len(runs)} runs"
    yield Finished(0, time.monotonic() - start, f"Moved {what} to the trash.")


def _with_whole_sweeps(runs: Sequence[Path]) -> list[Path]:
    """Replace all runs of a comparison by its folder."""
    chosen = set(runs)
    above = {run: sweep_of(run) for run in runs}
    whole = {sweep for sweep in above.values() if sweep is not None and chosen.issuperset(runs_in(sweep))}
    return list(dict.fromkeys(sweep if (sweep := above[run]) in whole and sweep is not None else run for run in runs))


def _to_trash(run: Path, _notify: Notify) -> None:
    import send2trash

    send2trash.send2trash(str(run))
