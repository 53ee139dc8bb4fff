"""Figures as files for a paper: PNG with the spec inside, SVG, PDF and films, and tables of the numbers.

The GUI thread only copies what is shown as frozen values; the thread of the export draws and writes them.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from msd_engine.events import Event, Tick
from msd_engine.events.figures import FILM_DPI, Figure, Grid, Sheet
from msd_engine.specs import ExperimentSpec, Live, SpecError, weights_of
from msd_engine.specs.live import Cadence
from msd_engine.specs.tables.papers import figure_named
from msd_gui.bridge.engine import Engine, Job, Palette
from msd_gui.pages.base.page import Export, Page
from msd_gui.views.base.colour_maps import paper
from msd_gui.views.base.plot import PlotView

FIGURES = (".png", ".svg", ".pdf")
FILMS = (".gif", ".mp4", ".webp")


@dataclass(frozen=True)
class Draft:
    """A figure with its content frozen: its preview shows what its file will.

    Attributes:
        save: Creates the job that writes the file.
        preview: Creates the job that draws the same without a file; the number limits the width of the picture.
        most_columns: The most columns of a grid; 0 if the number cannot be chosen.
        caption: Caption to begin with.
    """

    save: Callable[[Path, Sheet, Palette], Job]
    preview: Callable[[Sheet, Palette, int], Job]
    most_columns: int = 0
    caption: str = ""


@dataclass(frozen=True)
class FigureExport(Export):
    """An export with a choice of size, furniture and format.

    Attributes:
        suffixes: The formats by suffix; `suffix` is the first.
        draft: Freezes the content; called on the GUI thread.
        sheet: Size and furniture to begin with.
    """

    suffixes: tuple[str, ...]
    draft: Callable[[], Draft]
    sheet: Sheet

    def formats(self) -> tuple[str, ...]:
        """Return the suffixes to choose from."""
        return self.suffixes


def figure_export(
    engine: Engine, label: str, name: str, figure: Callable[[], Figure], spec_json: Callable[[], str]
) -> FigureExport:
    """Return the export of a figure.

    Args:
        engine: Makes the jobs.
        label: Title in the menu.
        name: File name without the suffix.
        figure: Returns the figure as it is shown.
        spec_json: Returns the spec of its content as JSON.
    """

    def draft() -> Draft:
        shown, spec = figure(), spec_json()

        def save(path: Path, sheet: Sheet, palette: Palette) -> Job:
            return engine.save("figure", path, figure=shown, palette=palette, spec_json=spec, sheet=sheet)

        def preview(sheet: Sheet, palette: Palette, most_px: int) -> Job:
            return engine.preview([shown], 1, palette, sheet, most_px)

        return Draft(save, preview, _most_columns(shown), caption_of(label, spec))

    return _export(label, name, FIGURES, draft, Sheet())


def film_export(
    engine: Engine,
    label: str,
    name: str,
    moments: Callable[[], Iterable[Figure]],
    count: int,
    spec_json: str,
    fps: float,
) -> FigureExport:
    """Return the export of an animation.

    Args:
        engine: Makes the jobs.
        label: Title in the menu.
        name: File name without the suffix.
        moments: Returns the figures of the animation, anew for each job; they are made on the job's thread.
        count: Number of figures.
        spec_json: The spec of its content as JSON.
        fps: Pictures per second.
    """

    def save(path: Path, sheet: Sheet, palette: Palette) -> Job:
        options = {"palette": palette, "spec_json": spec_json, "sheet": sheet, "fps": fps}
        return engine.save("film", path, moments=moments(), count=count, **options)

    def preview(sheet: Sheet, palette: Palette, most_px: int) -> Job:
        return engine.preview(moments(), count, palette, sheet, most_px)

    def draft() -> Draft:
        return Draft(save, preview, 0, caption_of(label, spec_json))

    return _export(label, name, FILMS, draft, Sheet(dpi=FILM_DPI))


def sweep_export(engine: Engine, folder: Path, sheet: Sheet, caption: str) -> FigureExport:
    """Return the export of all charts of a comparison."""

    def save(path: Path, sheet: Sheet, _palette: Palette) -> Job:
        return engine.export_sweep(folder, path, sheet)

    def preview(sheet: Sheet, _palette: Palette, most_px: int) -> Job:
        return engine.preview_sweep(folder, sheet, most_px)

    return _export("Comparison, all charts", "comparison", FIGURES, lambda: Draft(save, preview, 0, caption), sheet)


def _export(label: str, name: str, suffixes: tuple[str, ...], draft: Callable[[], Draft], sheet: Sheet) -> FigureExport:
    def make(path: Path) -> Job:
        return draft().save(path, sheet, paper())

    return FigureExport(label, suffixes[0], name, make, suffixes, draft, sheet)


def _most_columns(figure: Figure) -> int:
    return len(figure.images) if isinstance(figure, Grid) and not figure.rows and len(figure.images) > 1 else 0


def caption_of(label: str, spec_json: str) -> str:
    """Describe a figure for its caption: what it shows, data, copies, sampler and network."""
    try:
        spec, weights = ExperimentSpec.from_json(spec_json), weights_of(spec_json)
    except (SpecError, ValueError):
        return f"{label}."
    sampling = spec.sampling
    words = [label, spec.title or spec.data.name, f"k = {spec.training.k}"]
    if weights is not None:
        words.append(f"network {weights.run}, step {weights.step:,}")
    if weights is not None or sampling.source == "exact":
        # Else no chains are shown, or their network is unknown.
        words.append(f"{sampling.sampler}, L = {sampling.levels}, T = {sampling.steps_per_level}, seed {sampling.seed}")
        words += [spec.begun] * spec.begins_at_data
    return f"{', '.join(words)}."


def plot_exports(
    page: Page,
    view: PlotView,
    label: str,
    name: str,
    spec_json: Callable[[], str],
    *,
    table: Callable[[], Mapping[str, NDArray[Any]]] | None = None,
) -> list[Export]:
    """List the exports of a plot: as a figure and, with `table`, as CSV.

    Args:
        page: Page with the plot.
        view: The plot.
        label: Title in the menu.
        name: File name without the suffix.
        spec_json: Returns the spec as JSON.
        table: Returns the plotted numbers as columns by name.
    """
    rows: list[Export] = [figure_export(page.engine, label, name, view.plot, spec_json)]
    if table is not None:
        write = table

        def numbers(path: Path) -> Job:
            return text_job(page.engine, path, partial(csv_text, write()))

        rows.append(Export(f"{label}, numbers", ".csv", name, numbers))
    return rows


def paper_exports(engine: Engine, title: str) -> list[Export]:
    """Return the export of the figure of the papers with a title; none for other titles."""
    named = figure_named(title)
    if named is None:
        return []
    return [Export("Figure of the papers", ".svg", named, partial(engine.paper_figure, named))]


def text_job(engine: Engine, path: Path, make: Callable[[], str]) -> Job:
    """Create a job that writes the text from `make` to a file; `make` runs on the job's thread and may be slow."""

    def job(cadence: Cadence, live: Live) -> Iterator[Event]:
        yield Tick()
        yield from engine.save("text", path, text=make())(cadence, live)

    return job


def csv_text(columns: Mapping[str, NDArray[Any]]) -> str:
    """Format columns of numbers as CSV in full precision, with a line of names.

    Args:
        columns: Numbers with shape (n,) by name; shorter columns end in empty cells.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(itertools.zip_longest(*(column.tolist() for column in columns.values()), fillvalue=""))
    return buffer.getvalue()
