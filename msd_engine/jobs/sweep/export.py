"""A comparison of numbers of copies written as a file: CSV, Markdown, PNG or SVG."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from msd_engine.backend.errors import UserError
from msd_engine.backend.files import write_atomically
from msd_engine.events import Event, Finished
from msd_engine.jobs.sweep.story import table_event
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs.pictures import add_text_to_png
from msd_engine.runs.report.charts import curves_of, overview
from msd_engine.runs.report.tables import csv_text, markdown_text
from msd_engine.runs.sweeps import SweepFolder

SUFFIXES = (".csv", ".md", ".png", ".svg")
"""What a comparison can be written as."""


@reports_user_errors
def export_sweep(folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> Iterator[Event]:
    """Write a comparison as it stands; the suffix says as what.

    Args:
        folder: The sweep folder.
        path: The file to write, ending in ``.csv``, ``.md``, ``.png`` or ``.svg``.

    Yields:
        `Finished` with the path, or `Failed`.
    """
    start = time.monotonic()
    path = Path(path)

    def work(_notify: Notify) -> bytes:
        return exported(SweepFolder.open(folder), path.suffix.lower())

    data = yield from in_background(work)
    write_atomically(path, data)
    yield Finished(0, time.monotonic() - start, f"Saved {path.name}.", str(path))


def exported(plan: SweepFolder, suffix: str) -> bytes:
    """Return a comparison as the content of a file.

    Args:
        plan: The sweep.
        suffix: One of `SUFFIXES`.

    Returns:
        The content.

    Raises:
        UserError: The suffix is another one, or a run is damaged.
    """
    table = table_event(plan)
    match suffix:
        case ".csv":
            return csv_text(table.rows).encode()
        case ".md":
            return markdown_text(table.rows, table.findings).encode()
        case ".png" | ".svg":
            title = plan.spec.title or plan.spec.base.title
            picture = overview(table.rows, curves_of(plan.measured()), suffix[1:], title)
            return add_text_to_png(picture, plan.spec.base.to_json()) if suffix == ".png" else picture
        case _:
            given = suffix or "a file without suffix"
            raise UserError(f"A comparison is saved as {', '.join(SUFFIXES)}, not as {given}.")
