"""A comparison of numbers of copies written as a file: CSV, Markdown, PNG, SVG or PDF."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msd_engine.backend.errors import UserError
from msd_engine.backend.files import write_atomically
from msd_engine.events import Event, Finished, Preview
from msd_engine.events.figures import SWEEP_SHEET, Sheet
from msd_engine.jobs.sweep.story import table_event
from msd_engine.jobs.tools.background import Notify, in_background
from msd_engine.jobs.tools.failures import reports_user_errors
from msd_engine.runs.pictures import add_text_to_png
from msd_engine.runs.report.charts import curves_of, overview
from msd_engine.runs.report.figures import read_pixels, reduced
from msd_engine.runs.report.tables import csv_text, markdown_text
from msd_engine.runs.sweeps import SweepFolder

_PICTURES = (".png", ".svg", ".pdf")

SUFFIXES = (".csv", ".md", *_PICTURES)
"""What a comparison can be written as."""


@reports_user_errors
def export_sweep(
    folder: str | os.PathLike[str], path: str | os.PathLike[str], *, sheet: Sheet | None = None
) -> Iterator[Event]:
    """Write a comparison as it stands; the suffix says as what.

    Args:
        folder: The sweep folder.
        path: The file to write, with one of `SUFFIXES`.
        sheet: Size and caption of the charts; None for the usual ones.

    Yields:
        `Finished` with the path, or `Failed`.
    """
    start = time.monotonic()
    path = Path(path)

    def work(_notify: Notify) -> bytes:
        return exported(SweepFolder.open(folder), path.suffix.lower(), sheet or SWEEP_SHEET)

    data = yield from in_background(work)
    write_atomically(path, data)
    yield Finished(0, time.monotonic() - start, f"Saved {path.name}.", str(path))


@reports_user_errors
def preview_sweep(folder: str | os.PathLike[str], sheet: Sheet, *, most_px: int = 0) -> Iterator[Event]:
    """Draw the charts of a comparison as their file will show them, without a file.

    Args:
        folder: The sweep folder.
        sheet: Size and caption.
        most_px: Reduce a larger picture by a whole factor to about this width; 0 leaves it as it is.

    Yields:
        `Preview` and `Finished`, or `Failed`.
    """
    start = time.monotonic()

    def work(_notify: Notify) -> bytes:
        return exported(SweepFolder.open(folder), ".png", sheet)

    pixels = read_pixels((yield from in_background(work)))
    factor = max(1, pixels.shape[1] // most_px) if most_px else 1
    yield Preview((pixels.shape[0], pixels.shape[1]), reduced(pixels, factor))
    yield Finished(1, time.monotonic() - start, "")


def exported(plan: SweepFolder, suffix: str, sheet: Sheet = SWEEP_SHEET) -> bytes:
    """Return a comparison as the content of a file, as `all_exported` does."""
    return all_exported(plan, (suffix,), sheet)[suffix]


def all_exported(plan: SweepFolder, suffixes: Sequence[str], sheet: Sheet = SWEEP_SHEET) -> dict[str, bytes]:
    """Return a comparison as the content of several files, with its charts laid out once.

    Args:
        plan: The sweep.
        suffixes: Some of `SUFFIXES`.
        sheet: Size and caption of the charts.

    Returns:
        The content by suffix.

    Raises:
        UserError: A suffix is another one, or a run is damaged.
    """
    for suffix in suffixes:
        if suffix not in SUFFIXES:
            given = suffix or "a file without suffix"
            raise UserError(f"A comparison is saved as {', '.join(SUFFIXES)}, not as {given}.")
    table, base = table_event(plan), plan.spec.base
    pictures = [suffix for suffix in suffixes if suffix in _PICTURES]
    found = {}
    if pictures:
        title, formats = plan.spec.title or base.title, [suffix[1:] for suffix in pictures]
        drawn = overview(table.rows, curves_of(plan.measured()), formats, title, sheet)
        found = dict(zip(pictures, drawn, strict=True))
    if ".png" in found:
        found[".png"] = add_text_to_png(found[".png"], base.to_json())
    if ".csv" in suffixes:
        found[".csv"] = csv_text(table.rows).encode()
    if ".md" in suffixes:
        found[".md"] = markdown_text(table.rows, table.findings).encode()
    return found
