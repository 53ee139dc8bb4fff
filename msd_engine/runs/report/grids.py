"""Grids of images and tables of words drawn into files: images pixel for pixel, words as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.figures import Grid, Sheet, Table
from msd_engine.runs.pictures import Tiles, to_pixels
from msd_engine.runs.report.plots import CAPTION_ROW, LETTER, SMALL_PT, Palette, caption_lines, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Millimetres between images, and between images and words.
_GAP_MM, _APART_MM = 0.25, 1.2
_LINE = 1.3 * SMALL_PT / 72
_LEAST_PT = 4.0
_ROW = 0.2


@dataclass(frozen=True, eq=False)
class _Page:
    """Where everything lies, in pixels from the top left corner.

    Attributes:
        size: Height and width of the whole.
        image: Height and width of one image.
        tiles: Where the images lie; its scale is 0 where they are not enlarged by a whole factor.
        lines: Top edges of the words above and below each row of images; None for a row without words.
    """

    size: tuple[int, int]
    image: tuple[int, int]
    tiles: Tiles
    lines: tuple[tuple[int | None, int | None], ...]


def draw_grid(grid: Grid, palette: Palette, sheet: Sheet) -> tuple[Figure, Tiles | None]:
    """Draw images in rows and columns; inside `plots.settings` alone.

    Args:
        grid: The images with their words.
        palette: Colours as ``#RRGGBB`` by role.
        sheet: Size and furniture; each image is enlarged by a whole factor if one fits into the width.

    Returns:
        The figure, to be saved at the resolution of the sheet; and where its images lie, if each was enlarged by a
        whole factor.
    """
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure

    page = _laid_out(grid, sheet)
    (high, wide), tiles = page.size, page.tiles
    base = np.array(to_rgb(palette.get("base", "white")))
    picture = np.full((high, wide, 3), np.round(255 * base), np.uint8)
    if tiles.scale:
        tiles.paste(picture, grid.images)
    else:
        _paste_reduced(picture, page, to_pixels(grid.images))
    made = Figure(figsize=(wide / sheet.dpi, high / sheet.dpi), dpi=sheet.dpi)
    axes = made.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.imshow(picture, interpolation="none", aspect="auto", extent=(0, wide, high, 0))
    axes.set_autoscale_on(False)
    _write(axes, grid, page, sheet, palette)
    return made, tiles if tiles.scale else None


def _laid_out(grid: Grid, sheet: Sheet) -> _Page:
    count, channels, height, width = grid.images.shape
    columns = grid.columns_for(sheet.columns)
    rows = -(-count // columns)
    wide, mm = sheet.width_px, sheet.dpi / 25.4
    gap, apart, line = max(1, round(_GAP_MM * mm)), round(_APART_MM * mm), round(_LINE * sheet.dpi)
    names = (*grid.rows, grid.above_name, grid.below_name) if sheet.labels else ()
    left = round(max((len(name) for name in names), default=0) * LETTER * sheet.dpi)
    left += apart if left else 0
    # Words above and below keep within the page at both ends.
    room = max(columns, wide - left - (columns - 1) * gap)
    scale = room // (columns * width)
    image = (height * scale, width * scale) if scale else (max(1, room * height // (columns * width)), room // columns)
    used = columns * image[1] + (columns - 1) * gap
    first = left + max(0, (wide - left - used) // 2)
    top, tops, lines = line + apart if sheet.labels and grid.note else 0, [], []
    for row in range(rows):
        within = slice(row * columns, (row + 1) * columns)
        above, below = (sheet.labels and any(words[within]) for words in (grid.above, grid.below))
        over = top if above else None
        top += line if above else 0
        tops.append(top)
        top += image[0]
        under = top if below else None
        top += (line if below else 0) + gap
        lines.append((over, under))
    top += (apart if sheet.caption else 0) - gap
    top += round(len(caption_lines(sheet)) * CAPTION_ROW * sheet.dpi)
    edges = tuple(first + column * (image[1] + gap) for column in range(columns))
    tiles = Tiles(count, channels, height, width, scale, edges, tuple(tops), grid.above)
    return _Page((top, wide), image, tiles, tuple(lines))


def _paste_reduced(picture: NDArray[np.uint8], page: _Page, images: NDArray[np.uint8]) -> None:
    """Draw images that are wider than their place, by the pixel nearest to each place."""
    (high, wide), tiles = page.image, page.tiles
    down = ((np.arange(high) + 0.5) * tiles.height / high).astype(int)
    across = ((np.arange(wide) + 0.5) * tiles.width / wide).astype(int)
    for index, image in enumerate(np.moveaxis(images, 1, -1)):
        top, left = tiles.top[index // len(tiles.left)], tiles.left[index % len(tiles.left)]
        picture[top : top + high, left : left + wide] = image[down][:, across]


def _write(axes: Any, grid: Grid, page: _Page, sheet: Sheet, palette: Palette) -> None:
    """Write the words beside, above and below the images, the note and the caption."""
    (high, wide), tiles, text = page.image, page.tiles, palette.get("text", "black")
    muted = palette.get("muted", "grey")
    line, margin = round(_LINE * sheet.dpi), round(0.5 * _APART_MM * sheet.dpi / 25.4)
    columns = len(tiles.left)
    if sheet.labels:
        words = [*grid.above, *grid.below]
        # Neighbours must not touch.
        longest = max((len(word) for word in words), default=0) * LETTER * sheet.dpi
        points = max(_LEAST_PT, SMALL_PT * min(1.0, 1.15 * wide / longest if longest else 1.0))
        if grid.note:
            axes.text(tiles.left[0], 0, written(grid.note), size=SMALL_PT, color=text, va="top")
        for row, (over, under) in enumerate(page.lines):
            named = {"color": muted, "ha": "right", "va": "center", "size": SMALL_PT}
            if grid.rows:
                middle = tiles.top[row] + high / 2
                axes.text(tiles.left[0] - margin, middle, written(grid.rows[row]), **(named | {"color": text}))
            for at, name, all_words in ((over, grid.above_name, grid.above), (under, grid.below_name, grid.below)):
                if at is None:
                    continue
                axes.text(tiles.left[0] - margin, at + line / 2, written(name), **named)
                for column, word in enumerate(all_words[row * columns : (row + 1) * columns]):
                    centre = tiles.left[column] + wide / 2
                    style = {"ha": "center", "va": "center", "size": points, "color": text}
                    axes.text(centre, at + line / 2, written(word), **style)
    if sheet.caption:
        lines = "\n".join(written(one) for one in caption_lines(sheet))
        axes.text(0, page.size[0], lines, size=SMALL_PT, color=text, va="bottom", linespacing=1.15)


def draw_table(table: Table, palette: Palette, sheet: Sheet) -> Figure:
    """Draw rows of words; inside `plots.settings` alone.

    Args:
        table: The table.
        palette: Colours as ``#RRGGBB`` by role.
        sheet: Size and furniture.

    Returns:
        The figure.
    """
    from matplotlib.figure import Figure

    lines = caption_lines(sheet)
    width = sheet.width_mm / 25.4
    height = (len(table.rows) + 1.4) * _ROW + len(lines) * CAPTION_ROW
    text = palette.get("text", "black")
    made = Figure(figsize=(width, height))
    axes = made.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    longest = [max(len(row[column]) for row in (table.head, *table.rows)) for column in range(len(table.head))]
    # The first column takes the room that the others leave.
    letters = sum(longest) + 2 * len(longest)
    points = min(SMALL_PT, SMALL_PT * width / (letters * LETTER))
    right, edges = width - 0.04, list[float]()
    for letters_of in reversed(longest[1:]):
        edges.append(right)
        right -= (letters_of + 2) * LETTER * points / SMALL_PT
    for number, row in enumerate((table.head, *table.rows)):
        y = (number + 0.5 + 0.2 * (number > 0)) * _ROW
        colour = palette.get("muted", "grey") if number == 0 else text
        axes.text(0.04, y, written(row[0]), size=points, color=colour, va="center")
        for x, word in zip(reversed(edges), row[1:], strict=True):
            axes.text(x, y, written(word), size=points, color=colour, va="center", ha="right")
    axes.plot([0.04, width - 0.04], [1.1 * _ROW] * 2, color=palette.get("muted", "grey"), lw=0.6)
    if lines:
        words = "\n".join(written(one) for one in lines)
        axes.text(0.04, height - 0.02, words, size=SMALL_PT, color=text, va="bottom", linespacing=1.15)
    return made
