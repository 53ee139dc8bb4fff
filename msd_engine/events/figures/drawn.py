"""What exports draw beside plots, and how large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from msd_engine.events.plots import Plot

WIDTH_MM, DPI = 152.4, 300.0
FILM_DPI = 96.0
"""Resolution of an animation for a screen."""

LEAST_MM, MOST_MM = 20.0, 500.0
LEAST_DPI, MOST_DPI = 50.0, 1200.0


@dataclass(frozen=True, eq=False)
class Grid:
    """Images in rows and columns, with words.

    Attributes:
        name: Name of the figure.
        images: The images with shape (N, C, H, W), C = 1 or 3, in data units or as 8-bit values.
        columns: Number of columns; 0 for a grid as square as can be.
        rows: Names of the rows, which then fix the number of columns; empty for none.
        above: Words above each image; empty for none.
        below: Words below each image; empty for none.
        above_name: Name of the words above, at the left margin.
        below_name: Name of the words below.
        note: Line above all, such as the moment of an animation.
    """

    name: str
    images: NDArray[Any]
    columns: int = 0
    rows: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    above_name: str = ""
    below_name: str = ""
    note: str = ""

    def columns_for(self, wanted: int = 0) -> int:
        """Return the number of columns, from 1 to N; `wanted` counts unless it is 0 or the rows have names."""
        count, _, height, width = (int(size) for size in self.images.shape)
        if self.rows:
            return -(-count // len(self.rows))
        square = round((count * height / width) ** 0.5 + 0.4999)
        return max(1, min(wanted or self.columns or square, count))


@dataclass(frozen=True)
class Table:
    """Rows of words, such as the figures of the quality of samples.

    Attributes:
        name: Name of the figure.
        head: Titles of the columns.
        rows: The rows, each as long as the head.
    """

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Figure = Plot | Grid | Table


@dataclass(frozen=True)
class Sheet:
    """Size and furniture of a figure in a file.

    Attributes:
        width_mm: Width in millimetres.
        dpi: Pixels per inch of pictures.
        columns: Columns of a grid; 0 for automatic ones.
        labels: Whether legends and the words beside images are drawn.
        caption: Text below the figure; empty for none.
    """

    width_mm: float = WIDTH_MM
    dpi: float = DPI
    columns: int = 0
    labels: bool = True
    caption: str = ""

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        return max(1, round(self.width_mm / 25.4 * self.dpi))


SWEEP_SHEET = Sheet(342.9, 150.0)
"""Usual size of all charts of a comparison side by side."""
