"""Plots as files for a paper: PNG with the spec inside, SVG, and a table of the numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from msd_gui.bridge.launch import Job, Launch
from msd_gui.pages.page import Export
from msd_gui.views import figures
from msd_gui.views.plot import PlotView


def plot_exports(
    launch: Launch,
    view: PlotView,
    label: str,
    name: str,
    spec_json: Callable[[], str],
    *,
    table: Callable[[], Mapping[str, NDArray[Any]]] | None = None,
) -> list[Export]:
    """Return the files that can be made of one plot.

    Args:
        launch: Makes the jobs that write.
        view: The plot.
        label: What it is, for the menu.
        name: Name of the file without the suffix.
        spec_json: Returns the spec as JSON.
        table: Returns the plotted numbers as columns by name, where that makes sense.

    Returns:
        A PNG, an SVG and, with `table`, a CSV file.
    """

    def png(path: Path) -> Job:
        return launch.save("rendered_png", path, png=figures.to_png_bytes(view), spec_json=spec_json())

    def svg(path: Path) -> Job:
        return launch.save("text", path, text=figures.to_svg_bytes(view).decode())

    rows = [Export(label, ".png", name, png), Export(label, ".svg", name, svg)]
    if table is not None:
        write = table

        def csv(path: Path) -> Job:
            return launch.save("text", path, text=csv_text(write()))

        rows.append(Export(f"{label}, numbers", ".csv", name, csv))
    return rows


def csv_text(columns: Mapping[str, NDArray[Any]]) -> str:
    """Return columns of numbers as CSV with a line of names; shorter columns end in empty cells.

    Args:
        columns: Numbers with shape (n,) by name; n may differ.

    Returns:
        The table, in full precision.
    """
    lines = [",".join(columns)]
    for row in itertools.zip_longest(*(column.tolist() for column in columns.values()), fillvalue=""):
        lines.append(",".join(str(value) for value in row))
    return "\n".join(lines) + "\n"
