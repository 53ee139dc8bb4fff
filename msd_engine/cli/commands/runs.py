"""`msd runs` and `msd export-tensorboard`: the stored runs. Listing needs no torch."""

from __future__ import annotations

import dataclasses
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from msd_engine.cli.inputs import is_given
from msd_engine.cli.options import ExportTensorboard, Runs
from msd_engine.cli.outcome import RefusedError, plain, print_json
from msd_engine.events import Event, RunRow

_WIDE = 240
# Omitted in lists for programs: the bytes of a picture, and the spec, which is in the run's own manifest.
_LEFT_OUT = ("thumbnail", "spec_json")


def list_runs(options: Runs) -> None:
    """Print the runs in a folder, newest first.

    Raises:
        UserError: The folder cannot be read.
        RefusedError: The given folder does not exist.
    """
    from msd_engine.runs.catalogue import Catalogue, runs_folder

    if options.folder is not None and not options.folder.exists():
        raise RefusedError(f"There is no folder {options.folder}.")
    catalogue = Catalogue(runs_folder(options.folder))
    rows = [found.row for found in catalogue.scan() if found is not None and found.row is not None]
    if is_given(options.search):
        rows = [row for row in rows if all(word in row.searched for word in options.search.casefold().split())]
    rows.sort(key=lambda row: row.created if row.created == row.created else 0.0, reverse=True)
    if options.json:
        runs = [plain(_figures(row)) for row in rows]
        print_json({"command": "runs", "status": "finished", "folder": str(catalogue.root), "runs": runs})
    elif rows:
        _print_table(rows)
    elif is_given(options.search):
        print(f"No run in {catalogue.root} matches all words of {options.search!r}.")
    else:
        print(f"There are no runs in {catalogue.root}; start one with msd train.")


def export_tensorboard(options: ExportTensorboard) -> dict[str, Any]:
    """Write the files and return their path.

    Raises:
        RefusedError: The package is missing, or the folder holds no run.
        CutShortError: The user stopped it.
    """
    from msd_engine.cli.follow import follow
    from msd_engine.jobs.files.tensorboard import export_tensorboard as job

    folder = options.out or options.run / "tensorboard"
    finished = follow(job(options.run, folder), _Account())
    return {"measurements": finished.step, "path": finished.path, "text": finished.text}


class _Account:
    """Keeps no events: the output before a stop is useless."""

    def take(self, event: Event) -> None:
        """Process one event."""

    def figures(self) -> dict[str, Any]:
        """Return the current figures of the job, by name."""
        return {}

    def how_to_continue(self) -> str:
        """Return how to start again."""
        return "Stopped; start again with the same command."


def _figures(row: RunRow) -> dict[str, Any]:
    figures = {field.name: getattr(row, field.name) for field in dataclasses.fields(row) if field.name not in _LEFT_OUT}
    return figures | {"figures": dict(row.figures)}


def _print_table(rows: list[RunRow]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "folder", "name", "data", "k", "steps", "time / s", "error", "survival", "distance", "status", "begun", "tags"
    )
    table.box, table.show_edge = box.SIMPLE, False
    for row in rows:
        last = Path(row.path).name
        folder = f"{row.folder}/{last}" if row.folder else last
        begun = (
            "" if row.created != row.created else f"{datetime.fromtimestamp(row.created).astimezone():%Y-%m-%d %H:%M}"
        )
        numbers = (row.elapsed_s, row.held_out, row.alive, row.distance)
        table.add_row(
            folder, row.name if row.name != last else "", row.data, str(row.k or ""), str(row.step),
            *("" if n != n else f"{n:.4g}" for n in numbers),
            row.status, begun, " ".join(row.tags),
        )  # fmt: skip
    console = Console(width=None if sys.stdout.isatty() else _WIDE, markup=False, highlight=False, emoji=False)
    console.print(table)
    for row in rows:
        if row.problem:
            console.print(f"{row.name}: {row.problem}")
