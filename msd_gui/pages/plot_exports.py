"""Plots as files for a paper: PNG with the spec inside, SVG, and a table of the numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
    table: Callable[[], str] | None = None,
) -> list[Export]:
    """Return the files that can be made of one plot.

    Args:
        launch: Makes the jobs that write.
        view: The plot.
        label: What it is, for the menu.
        name: Name of the file without the suffix.
        spec_json: Returns the spec as JSON.
        table: Returns the plotted numbers as CSV, where that makes sense.

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
            return launch.save("text", path, text=write())

        rows.append(Export(f"{label}, numbers", ".csv", name, csv))
    return rows
