"""A shoot-out of samplers written as a file: CSV, Markdown, PNG, SVG or PDF."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from msd_engine.backend.errors import UserError
from msd_engine.backend.files import write_atomically
from msd_engine.events import Event, Finished
from msd_engine.events.shoot_out.table import ShootOutTable
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs.pictures import add_text_to_png
from msd_engine.runs.report.shoot_out import csv_text, figure, markdown_text
from msd_engine.specs.search.shoot_out import ShootOutSpec

SUFFIXES = (".csv", ".md", ".png", ".svg", ".pdf")
"""What a shoot-out can be written as."""


@reports_user_errors
def export_shoot_out(table: ShootOutTable, spec: ShootOutSpec, path: Path) -> Iterator[Event]:
    """Write a shoot-out as it stands; the suffix says as what.

    Args:
        table: The table.
        spec: Its settings.
        path: The file to write, with one of `SUFFIXES`.

    Yields:
        A `Tick` while a figure is drawn; `Finished` with the path, or `Failed`.
    """
    start = time.monotonic()

    def work(_notify: Notify) -> bytes:
        return exported(table, spec, path.suffix.lower())

    data = yield from in_background(work)
    write_atomically(path, data)
    yield Finished(0, time.monotonic() - start, f"Saved {path.name}.", str(path))


def exported(table: ShootOutTable, spec: ShootOutSpec, suffix: str) -> bytes:
    """Return a shoot-out as the content of a file.

    Args:
        table: The table, with at least one row.
        spec: Its settings.
        suffix: One of `SUFFIXES`.

    Raises:
        UserError: The suffix is another one.
    """
    match suffix:
        case ".csv":
            return csv_text(table).encode()
        case ".md":
            return markdown_text(table, spec).encode()
        case ".png" | ".svg" | ".pdf":
            picture = figure(table, spec, suffix[1:])
            return add_text_to_png(picture, spec.base.to_json()) if suffix == ".png" else picture
        case _:
            given = suffix or "a file without suffix"
            raise UserError(f"A shoot-out is saved as {', '.join(SUFFIXES)}, not as {given}.")
