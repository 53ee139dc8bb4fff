"""Any figure as the content of a file, or as pixels."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from msd_engine.events.figures import Figure, Grid, Sheet, Table
from msd_engine.events.plots import Plot
from msd_engine.runs.pictures import Tiles
from msd_engine.runs.report.grids import draw_grid, draw_table
from msd_engine.runs.report.plots import Palette, draw, drawn, saved, settings


def content(figure: Figure, palette: Palette, sheet: Sheet, suffix: str = "png") -> tuple[bytes, Tiles | None]:
    """Draw a figure as a file.

    Args:
        figure: The figure.
        palette: Colours as ``#RRGGBB`` by role.
        sheet: Size and furniture.
        suffix: ``png``, ``svg`` or ``pdf``.

    Returns:
        The content of the file; and where the images of a grid lie in its picture, None where they cannot be read back.
    """
    with settings(palette):
        match figure:
            case Grid():
                made, tiles = draw_grid(figure, palette, sheet)
            case Table():
                made, tiles = draw_table(figure, palette, sheet), None
            case _:
                made, tiles = drawn(figure, palette, sheet), None
        return saved(made, suffix, sheet.dpi), tiles


def pixels(figure: Figure, palette: Palette, sheet: Sheet) -> NDArray[np.uint8]:
    """Draw a figure as the picture of its PNG, with shape (rows, columns, 3)."""
    return read_pixels(content(figure, palette, sheet)[0])


def read_pixels(png: bytes) -> NDArray[np.uint8]:
    """Return the pixels of a PNG that this program drew, with shape (rows, columns, 3)."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
        return np.asarray(image.convert("RGB"))


def reduced(picture: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Reduce a picture with shape (rows, columns, 3) by a whole factor, by means of its pixels."""
    return picture if factor <= 1 else np.asarray(Image.fromarray(picture).reduce(factor))


def moving(figures: Iterable[Figure], palette: Palette, sheet: Sheet) -> Iterator[NDArray[np.uint8]]:
    """Draw the pictures of an animation.

    Args:
        figures: Figures of one kind and shape.
        palette: Colours as ``#RRGGBB`` by role.
        sheet: Size and furniture of each.

    Yields:
        The pictures, with the same shape (rows, columns, 3).
    """
    figures = iter(figures)
    for first in figures:
        if isinstance(first, Grid | Table):
            yield pixels(first, palette, sheet)
        else:
            plots = (one for one in figures if not isinstance(one, Grid | Table))
            yield from _film(chain((first,), plots), palette, sheet)


def _film(plots: Iterable[Plot], palette: Palette, sheet: Sheet) -> Iterator[NDArray[np.uint8]]:
    """Draw plots of one kind, on the axes and with the legend of the first."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: FigureCanvasAgg | None = None
    for plot in plots:
        with settings(palette):
            if canvas is None:
                canvas = FigureCanvasAgg(drawn(plot, palette, sheet))
                canvas.figure.set_dpi(sheet.dpi)
            else:
                # Lay out once: it takes longer than drawing.
                canvas.figure.set_layout_engine("none")
                (axes,) = canvas.figure.axes
                for artist in (*axes.collections, *axes.lines):
                    artist.remove()
                draw(axes, plot, palette)
            canvas.draw()  # type: ignore[no-untyped-call]
            picture = np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
        yield picture
