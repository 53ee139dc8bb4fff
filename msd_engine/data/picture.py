"""A picture of the user's own, brought to the size and the ground of a set of images."""

from __future__ import annotations

import io
import os

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from msd_engine.backend.errors import BadFile
from msd_engine.backend.files import MIB, read_bytes, reading

EXPECTED = "a picture (PNG, JPEG, GIF, WebP, BMP or TIFF)"

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
_LARGEST = 64 * MIB
_MOST_PIXELS = 2**26


def read_picture(path: str | os.PathLike[str], shape: tuple[int, int, int]) -> tuple[NDArray[np.uint8], bool]:
    """Read a picture, cut its largest middle square and bring it to the size of the data.

    Sets with one channel show light strokes on a dark ground: a picture whose border is light is inverted for them.
    What is transparent shows a black ground.

    Args:
        path: The file; of an animation the first frame is taken.
        shape: Channels, rows and columns that are wanted.

    Returns:
        The picture with that shape, and whether it was inverted.

    Raises:
        BadFile: The file is missing, no picture, damaged or too large.
    """
    pixels = _fitted(path, shape, Image.Resampling.LANCZOS)
    border = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], axis=1)
    inverted = len(pixels) == 1 and float(border.mean()) > 127.5
    return (255 - pixels if inverted else pixels), inverted


def read_mask(path: str | os.PathLike[str], shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Read a mask that was painted over a picture: light where the picture is to be painted anew.

    It is cut and scaled as `read_picture` cuts and scales the picture, so that both still fit.

    Args:
        path: The file.
        shape: Channels, rows and columns of the picture.

    Returns:
        Truth values with shape (rows, columns), true where at least half of the light is there.

    Raises:
        BadFile: The file is missing, no picture, damaged or too large.
    """
    _, rows, columns = shape
    return np.asarray(_fitted(path, (1, rows, columns), Image.Resampling.BOX)[0] >= 128)


def _fitted(
    path: str | os.PathLike[str], shape: tuple[int, int, int], resampling: Image.Resampling
) -> NDArray[np.uint8]:
    """Return the largest middle part of a picture that has the shape's proportions, at its size, on black ground."""
    channels, rows, columns = shape
    data = read_bytes(path, EXPECTED, limit=_LARGEST)
    with reading(path, EXPECTED), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        if image.width * image.height > _MOST_PIXELS:
            raise BadFile(f"{path} has {image.width} x {image.height} pixels, too many; expected {EXPECTED}.")
        upright = ImageOps.exif_transpose(image).convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", upright.size, "black"), upright)
        flat = flat.convert("L" if channels == 1 else "RGB")
        small = ImageOps.fit(flat, (columns, rows), resampling)
    return np.asarray(small, dtype=np.uint8).reshape(rows, columns, channels).transpose(2, 0, 1).copy()
