"""Plots as files for a paper: PNG with the spec inside, SVG, PDF, and a table of the numbers.

The screen's thread only takes what is shown as frozen values; the export's own thread draws and writes it.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from msd_engine.events import Event, Tick
from msd_engine.specs import Live
from msd_engine.specs.live import Cadence
from msd_gui.bridge.engine import Engine, Job
from msd_gui.pages.base.page import Export, Page
from msd_gui.views.base.colour_maps import paper
from msd_gui.views.base.plot import PlotView


def plot_exports(
    page: Page,
    view: PlotView,
    label: str,
    name: str,
    spec_json: Callable[[], str],
    *,
    table: Callable[[], Mapping[str, NDArray[Any]]] | None = None,
) -> list[Export]:
    """Return the files that can be made of one plot.

    Args:
        page: Whose plot it is.
        view: The plot.
        label: What it is, for the menu.
        name: Name of the file without the suffix.
        spec_json: Returns the spec as JSON.
        table: Returns the plotted numbers as columns by name, where that makes sense.

    Returns:
        A PNG, an SVG, a PDF and, with `table`, a CSV file.
    """

    def drawn(path: Path) -> Job:
        return page.engine.save("plot", path, plot=view.plot(), palette=paper(), spec_json=spec_json())

    rows = [Export(label, suffix, name, drawn) for suffix in (".png", ".svg", ".pdf")]
    if table is not None:
        write = table

        def numbers(path: Path) -> Job:
            return text_job(page.engine, path, partial(csv_text, write()))

        rows.append(Export(f"{label}, numbers", ".csv", name, numbers))
    return rows


def text_job(engine: Engine, path: Path, make: Callable[[], str]) -> Job:
    """Return a job that makes a text, which may take its time, and writes it.

    Args:
        engine: Makes the job that writes.
        path: The file.
        make: Returns the text; called on the job's thread.

    Returns:
        The job.
    """

    def job(cadence: Cadence, live: Live) -> Iterator[Event]:
        yield Tick()
        yield from engine.save("text", path, text=make())(cadence, live)

    return job


def csv_text(columns: Mapping[str, NDArray[Any]]) -> str:
    """Return columns of numbers as CSV with a line of names; shorter columns end in empty cells.

    Args:
        columns: Numbers with shape (n,) by name; n may differ.

    Returns:
        The table, in full precision.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(itertools.zip_longest(*(column.tolist() for column in columns.values()), fillvalue=""))
    return buffer.getvalue()
