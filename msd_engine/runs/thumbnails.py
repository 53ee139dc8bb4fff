"""Thumbnails of runs: the last samples, or held-out images from the network; for points a scatter plot."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import read_bytes, write_atomically
from msd_engine.runs.layout import THUMBNAIL
from msd_engine.runs.pictures import image_grid

SIDE_PX = 128
"""Largest width and height of a thumbnail."""

LARGEST_BYTES = 128 * 1024
"""Largest size of a thumbnail in bytes."""

_MOST_IMAGES = 16
_DOTS = 2000
# Visible on white and on black; the hue of learned things.
_DOT = (214, 112, 20)
_CUT = 0.005


def image_thumbnail(images: NDArray[np.floating] | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw a grid of the first images, as large as fits.

    Args:
        images: Images with shape (N, C, H, W), in data units or as 8-bit values.

    Returns:
        The picture with shape (rows, columns, 3), uint8.
    """
    side = next(side for side in (4, 3, 2, 1) if side * side <= max(1, len(images)))
    chosen = images[: min(_MOST_IMAGES, side * side)]
    largest = max(chosen.shape[2:])
    scale = max(1, (SIDE_PX - side) // (side * largest))
    grid = image_grid(chosen, scale=scale, columns=side)
    return grid[:SIDE_PX, :SIDE_PX]


def point_thumbnail(x: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Draw points as dots on a transparent background, with nearly all in view.

    Args:
        x: Points of the plane with shape (N, 2); others than finite ones are skipped.

    Returns:
        The picture with shape (SIDE_PX, SIDE_PX, 4), uint8.
    """
    points = np.asarray(x, np.float64)[:_DOTS]
    points = points[np.isfinite(points).all(axis=1)]
    picture = np.zeros((SIDE_PX, SIDE_PX, 4), np.uint8)
    picture[..., :3] = _DOT
    if not len(points):
        return picture
    low, high = np.quantile(points, _CUT, axis=0), np.quantile(points, 1 - _CUT, axis=0)
    centre, span = (low + high) / 2, max(float((high - low).max()), 1e-9)
    place = np.floor((points - centre) / span * 0.88 * SIDE_PX + SIDE_PX / 2).astype(int)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            column, row = place[:, 0] + dx, SIDE_PX - 1 - (place[:, 1] + dy)
            seen = (column >= 0) & (column < SIDE_PX) & (row >= 0) & (row < SIDE_PX)
            opacity = 255 if dx == dy == 0 else 110
            # The rim of a dot never fades the centre of another.
            np.maximum.at(picture[..., 3], (row[seen], column[seen]), opacity)
    return picture


def save_thumbnail(folder: str | os.PathLike[str], pixels: NDArray[np.uint8]) -> None:
    """Save a thumbnail in a run folder.

    Args:
        folder: The run folder.
        pixels: The picture with shape (rows, columns, 3 or 4), uint8.

    Raises:
        UserError: It cannot be written.
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    write_atomically(Path(folder) / THUMBNAIL, buffer.getvalue())


def keep_thumbnail(folder: str | os.PathLike[str], x: NDArray[np.floating]) -> None:
    """Save a thumbnail of data or samples in a run folder.

    Args:
        folder: The run folder.
        x: Images with shape (N, C, H, W) or points with shape (N, 2), in data units.

    Raises:
        UserError: It cannot be written.
    """
    save_thumbnail(folder, image_thumbnail(x) if x.ndim == 4 else point_thumbnail(x))


def read_thumbnail(folder: str | os.PathLike[str]) -> bytes:
    """Read the thumbnail of a run.

    Args:
        folder: The run folder.

    Returns:
        The PNG; empty if there is none.

    Raises:
        BadFile: It cannot be read or is larger than any thumbnail.
    """
    path = Path(folder) / THUMBNAIL
    if not path.exists():
        return b""
    data = read_bytes(path, "a thumbnail (PNG)", limit=LARGEST_BYTES)
    if not data.startswith(b"\x89PNG"):
        raise BadFile(f"{path} is no PNG.")
    return data
