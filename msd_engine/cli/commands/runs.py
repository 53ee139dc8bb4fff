"""`msd runs` and `msd export-tensorboard`: the stored runs. Listing needs no torch."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msd_engine.cli.inputs import is_given
from msd_engine.cli.options import ExportTensorboard, Runs
from msd_engine.cli.outcome import RefusedError, plain, print_json
from msd_engine.events import Event, RunRow
from msd_engine.jobs.files.differences import differences
from msd_engine.specs import ExperimentSpec

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_DIFF = "diff"
_WIDE = 240
# Omitted in lists for programs: the bytes of a picture, and the spec, which is in the run's own manifest.
_LEFT_OUT = ("thumbnail", "spec_json")


def list_runs(options: Runs) -> None:
    """Print the runs in a folder, newest first, or the settings in which runs differ.

    Raises:
        UserError: The folder or a run cannot be read, or the address.
        RefusedError: The given folder does not exist, or folders are too many or too few.
    """
    from msd_engine.runs.catalogue import Catalogue, runs_folder

    if options.places and options.places[0] == Path(_DIFF):
        _print_differences(options, options.places[1:])
        return
    if len(options.places) > 1:
        raise RefusedError(f"Name one folder, or compare settings by msd runs {_DIFF} RUN RUN.")
    folder = next((place.expanduser() for place in options.places), None)
    copied = None if folder is None else _copied(str(folder), runs_folder())
    if folder is not None and copied is None and not folder.exists():
        raise RefusedError(f"There is no folder {folder}.")
    catalogue = Catalogue(copied.parent if copied else runs_folder(folder))
    rows = [found.row for found in catalogue.scan() if found is not None and found.row is not None]
    if copied is not None:
        # Beside it are the copies of other places.
        rows = [row for row in rows if Path(row.path).is_relative_to(copied)]
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


def _copied(place: str, runs_dir: Path) -> Path | None:
    """Return the copy of the runs at an address, brought up to date; None for a folder of this machine."""
    from msd_engine.runs.remote.places import address, is_address

    if not is_address(place):
        return None
    from msd_engine.runs.remote.mirror import Mirror

    mirror = Mirror(address(place), runs_dir)
    mirror.pull()
    return mirror.folder


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


def _print_differences(options: Runs, folders: Sequence[Path]) -> None:
    """Print the settings in which runs differ, with dotted path, title and unit."""
    if len(folders) < 2:
        raise RefusedError(f"Name two or more run folders: msd runs {_DIFF} RUN RUN.")
    found = differences([_spec_of(folder) for folder in folders])
    if options.json:
        runs = [str(folder) for folder in folders]
        rows = [dataclasses.asdict(one) for one in found]
        print_json({"command": "runs", "status": "finished", "runs": runs, "differences": rows})
    elif found:
        table = _table("field", "title", "unit", *(folder.name for folder in folders))
        for one in found:
            table.add_row(one.path, one.title, one.unit, *one.values)
        _console().print(table)
    else:
        print("All settings agree.")


def _spec_of(folder: Path) -> ExperimentSpec:
    from msd_engine.runs.layout import MANIFEST, no_run
    from msd_engine.runs.rows import read_row

    if not (folder / MANIFEST).is_file():
        raise RefusedError(no_run(folder))
    row = read_row(folder, folder.parent)
    if not row.spec_json:
        raise RefusedError(f"{folder}: {row.problem}")
    return ExperimentSpec.from_json(row.spec_json)


def _table(*heads: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(*heads)
    table.box, table.show_edge = box.SIMPLE, False
    return table


def _console() -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDE, markup=False, highlight=False, emoji=False)


def _figures(row: RunRow) -> dict[str, Any]:
    figures = {field.name: getattr(row, field.name) for field in dataclasses.fields(row) if field.name not in _LEFT_OUT}
    return figures | {"figures": dict(row.figures)}


def _print_table(rows: list[RunRow]) -> None:
    table = _table(
        "folder", "name", "data", "k", "steps", "time / s", "error", "survival", "distance", "status", "begun", "tags"
    )
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
    console = _console()
    console.print(table)
    for row in rows:
        if row.problem:
            console.print(f"{row.name}: {row.problem}")
