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
_STRAIGHT = {"La": "LA", "RGBa": "RGBA"}
# A smaller share of light or dark is the rim of strokes of the other kind.
_RARE = 0.05


def read_picture(path: str | os.PathLike[str], shape: tuple[int, int, int]) -> tuple[NDArray[np.uint8], str]:
    """Read a picture, cut its largest middle square and bring it to the size of the data.

    Sets with one channel show light strokes on a dark ground: a picture whose border is light is inverted for them.
    A transparent ground becomes white or black, whichever lets the strokes on it be seen.

    Args:
        path: The file; of an animation the first frame is taken.
        shape: Channels, rows and columns that are wanted.

    Returns:
        The picture with that shape, and in words what was done to its colours; empty where they are as they were.

    Raises:
        BadFile: The file is missing, no picture, damaged, too large or wholly transparent.
    """
    colours, opacity, done = _read(path)
    if opacity is not None:
        white = _is_white_ground(path, colours, opacity)
        colours = _composed(colours, opacity, "white" if white else "black")
        done.append(f"its transparent ground made {'white' if white else 'black'}")
    pixels = _fitted(colours, shape, Image.Resampling.LANCZOS)
    border = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], axis=1)
    if len(pixels) == 1 and float(border.mean()) > 127.5:
        pixels = 255 - pixels
        done.append("dark and light exchanged")
    return pixels, " and ".join(done)


def read_mask(path: str | os.PathLike[str], shape: tuple[int, int, int]) -> tuple[NDArray[np.bool_], str]:
    """Read a mask that was painted over a picture: light where the picture is to be painted anew.

    It is cut and scaled as `read_picture` cuts and scales the picture, so that both still fit. What is transparent is
    kept; where all that is drawn on a transparent ground is dark, what is drawn is what is marked.

    Args:
        path: The file.
        shape: Channels, rows and columns of the picture.

    Returns:
        Truth values with shape (rows, columns), true where at least half of the light is there; and in words what was
        done to the colours, empty where they are as they were.

    Raises:
        BadFile: The file is missing, no picture, damaged, too large or wholly transparent.
    """
    _, rows, columns = shape
    colours, opacity, done = _read(path)
    if opacity is not None:
        if _light_share(path, colours, opacity) <= _RARE:
            colours = opacity
            done.append("what is drawn on its transparent ground taken for what is marked")
        else:
            colours = _composed(colours, opacity, "black")
    return _fitted(colours, (1, rows, columns), Image.Resampling.BOX)[0] >= 128, " and ".join(done)


def layers(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Split a picture of any of Pillow's modes into its colours and its opacity.

    Args:
        image: The picture.

    Returns:
        The colours in the mode L or RGB, and the opacity in the mode L, None where no part is transparent.
    """
    if _is_deep(image):
        values = np.asarray(image, np.float32)
        colours, key = Image.fromarray(_scaled(values, whole=image.mode != "F")), image.info.get("transparency")
        opacity = Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))
    else:
        # Colours that were multiplied by the opacity can only be divided by it first.
        straight = image.convert(_STRAIGHT.get(image.mode, image.mode))
        if not straight.has_transparency_data:
            return straight.convert("RGB"), None
        full = straight.convert("RGBA")
        colours, opacity = full.convert("RGB"), full.getchannel("A")
    return colours, None if opacity.getextrema()[0] == 255 else opacity


def _read(path: str | os.PathLike[str]) -> tuple[Image.Image, Image.Image | None, list[str]]:
    """Return the layers of a picture the right way up, and in words what was done to their colours."""
    data = read_bytes(path, EXPECTED, limit=_LARGEST)
    with reading(path, EXPECTED), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        if image.width * image.height > _MOST_PIXELS:
            raise BadFile(f"{path} has {image.width} x {image.height} pixels, too many; expected {EXPECTED}.")
        upright = ImageOps.exif_transpose(image)
        return *layers(upright), ["its deep greys brought to 8 bits"] if _is_deep(upright) else []


def _is_deep(image: Image.Image) -> bool:
    """Return whether a picture has greys of more than 8 bits, which Pillow would cut off, not scale."""
    return image.mode == "F" or image.mode.startswith("I")


def _scaled(values: NDArray[np.float32], *, whole: bool) -> NDArray[np.uint8]:
    """Bring deep greys to 8 bits.

    Black is 0, or the least of negative ones. White is the largest one; of whole numbers, the largest number that as
    many bits can hold as they need.
    """
    finite = values[np.isfinite(values)]
    low, high = (min(float(finite.min()), 0.0), float(finite.max())) if finite.size else (0.0, 0.0)
    if whole and low == 0.0:
        high = float(2 ** int(high).bit_length() - 1)
    scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    return np.clip(np.nan_to_num(scaled, nan=0.0), 0.0, 255.0).round().astype(np.uint8)


def _light_share(path: str | os.PathLike[str], colours: Image.Image, opacity: Image.Image) -> float:
    """Return how much of what can be seen is light, from 0 to 1."""
    weights = np.asarray(opacity)
    seen = int(weights.sum(dtype=np.int64))
    if not seen:
        raise BadFile(f"{path} is wholly transparent: nothing can be seen in it; choose another picture.")
    return int(weights[np.asarray(colours.convert("L")) > 127].sum(dtype=np.int64)) / seen


def _is_white_ground(path: str | os.PathLike[str], colours: Image.Image, opacity: Image.Image) -> bool:
    """Return whether a transparent ground is to be white."""
    light = _light_share(path, colours, opacity)
    # Under dark strokes; and around what is mostly light but has dark parts too, such as a piece of paper.
    return light <= _RARE or 0.5 <= light < 1 - _RARE


def _composed(colours: Image.Image, opacity: Image.Image, ground: str) -> Image.Image:
    composed = Image.new("RGB", colours.size, ground)
    composed.paste(colours, mask=opacity)
    return composed


def _fitted(image: Image.Image, shape: tuple[int, int, int], resampling: Image.Resampling) -> NDArray[np.uint8]:
    """Return the largest middle part of a picture that has the shape's proportions, at its size."""
    channels, rows, columns = shape
    small = ImageOps.fit(image.convert("L" if channels == 1 else "RGB"), (columns, rows), resampling)
    return np.asarray(small, dtype=np.uint8).reshape(rows, columns, channels).transpose(2, 0, 1).copy()
