"""Layout of a grid of images."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from PySide6.QtCore import QPointF, QRectF


@dataclass(frozen=True)
class Tiling:
    """A grid of equal cells with separators, centred in an area.

    Attributes:
        count: Number of cells.
        columns: Cells in a row.
        rows: Number of rows.
        cell_width: Width of a cell in pixels, without separator.
        cell_height: Height of a cell in pixels.
        left: Left edge of the first cell.
        top: Upper edge of the first cell.
        gap: Width of a separator in pixels.
    """

    count: int
    columns: int
    rows: int
    cell_width: float
    cell_height: float
    left: float
    top: float
    gap: float = 2.0

    def cell(self, index: int) -> QRectF:
        """Return the rectangle of a cell."""
        row, column = divmod(index, self.columns)
        x = self.left + column * (self.cell_width + self.gap)
        y = self.top + row * (self.cell_height + self.gap)
        return QRectF(x, y, self.cell_width, self.cell_height)

    def area(self) -> QRectF:
        """Return the rectangle of all cells with a separator around them; the last row counts as full."""
        gap = self.gap
        width, height = self.columns * (self.cell_width + gap) + gap, self.rows * (self.cell_height + gap) + gap
        return QRectF(self.left - gap, self.top - gap, width, height)

    def spare(self) -> QRectF:
        """Return the rectangle of the missing cells of the last row; empty for a full row."""
        used = self.count - (self.rows - 1) * self.columns
        left = self.left + used * (self.cell_width + self.gap)
        top = self.top + (self.rows - 1) * (self.cell_height + self.gap)
        return (
            QRectF(left, top, self.area().right() - left, self.area().bottom() - top)
            if used < self.columns
            else QRectF()
        )

    def index_at(self, position: QPointF) -> int | None:
        """Return the cell at a position, or None on a separator or outside."""
        column = floor((position.x() - self.left) / (self.cell_width + self.gap))
        row = floor((position.y() - self.top) / (self.cell_height + self.gap))
        index = row * self.columns + column
        inside = 0 <= column < self.columns and row >= 0 and index < self.count
        return index if inside and self.cell(index).contains(position) else None


def fit(
    count: int, image: tuple[int, int], area: QRectF, ratio: float = 1.0, gap: float = 2.0, columns: int = 0
) -> Tiling:
    """Return the near-square grid with the largest cells in an area.

    Args:
        count: Number of images, at least 1.
        image: Height and width of an image in its own pixels.
        area: The available area.
        ratio: Device pixels per widget pixel.
        gap: Width of a separator in pixels.
        columns: Number of columns; 0 chooses it.

    Returns:
        Cells with a whole number of device pixels for each image pixel if the scale reaches two, else as large as
        possible.
    """
    height, width = image
    first, last = (columns, columns) if columns else (1, count)
    best: tuple[float, int] = (0.0, first)
    for columns in range(first, last + 1):
        rows = ceil(count / columns)
        scale = min(
            (area.width() - gap * (columns - 1)) / (columns * width),
            (area.height() - gap * (rows - 1)) / (rows * height),
        )
        # Among grids with the same whole scale choose the squarest; this one is tried first and wins small differences.
        scale = _even(max(scale, 0.0) * ratio, width) / ratio
        better = scale > best[0] or (
            scale == best[0]
            and abs(columns * width - rows * height) < abs(best[1] * width - ceil(count / best[1]) * height)
        )
        if better:
            best = scale, columns
    scale, columns = best
    rows = ceil(count / columns)
    cell_width, cell_height = width * scale, height * scale
    total = columns * cell_width + gap * (columns - 1), rows * cell_height + gap * (rows - 1)
    left = area.left() + max(0.0, floor((area.width() - total[0]) / 2))
    top = area.top() + max(0.0, floor((area.height() - total[1]) / 2))
    return Tiling(count, columns, rows, cell_width, cell_height, left, top, gap)


def _even(scale: float, width: int) -> float:
    """Return the largest scale up to `scale` that paints evenly: whole, or below 2 a cell of whole pixels."""
    # Slightly enlarged images are smoothed: a whole scale of 1 would waste half of the area.
    return float(floor(scale)) if scale >= 2 else floor(scale * width) / width or scale
