"""The user's pictures, converted to the size and background of an image set."""

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
_MAX_PIXELS = 2**26
_UNMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
# Greys in JPEG files differ by so much between the channels; fewer coloured pixels are noise.
_GREY_SPREAD, _GREY_SHARE = 12, 0.01
# A smaller share of light or dark is the antialiased edge of strokes of the other kind.
_RARE_SHARE = 0.05


def read_picture(path: str | os.PathLike[str], shape: tuple[int, int, int]) -> tuple[NDArray[np.uint8], str]:
    """Read a picture, crop its largest central square and scale it to the size of the data.

    Sets with one channel show light strokes on a dark background: for them a picture with a light border is inverted. A
    transparent background becomes white or black, whichever shows the strokes.

    Args:
        path: The file; of an animation the first frame is used.
        shape: Channels, rows and columns of the data.

    Returns:
        The picture with that shape, and a description of changes to its colours, empty if there are none.

    Raises:
        BadFile: The file is missing, not a picture, damaged, too large or fully transparent.
    """
    colours, opacity, done = _read(path)
    if opacity is not None:
        white = _is_white_ground(path, colours, opacity)
        colours = _composed(colours, opacity, "white" if white else "black")
        done.append(f"its transparent background made {'white' if white else 'black'}")
    pixels = _fitted(colours, shape, Image.Resampling.LANCZOS)
    border = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], axis=1)
    if len(pixels) == 1 and float(border.mean()) > 127.5:
        pixels = 255 - pixels
        done.append("its colours inverted")
    return pixels, " and ".join(done)


def read_square(path: str | os.PathLike[str], size: int, channels: int) -> NDArray[np.uint8]:
    """Read a picture of a set: its largest central square, scaled by area; colours are kept as they are.

    A transparent background becomes white or black, whichever shows the strokes.

    Args:
        path: The file; of an animation the first frame is used.
        size: Rows and columns.
        channels: 1 for grey, 3 for colour.

    Returns:
        The picture with shape (channels, size, size).

    Raises:
        BadFile: The file is missing, not a picture, damaged, too large or fully transparent.
    """
    colours, opacity, _ = _read(path)
    if opacity is not None:
        colours = _composed(colours, opacity, "white" if _is_white_ground(path, colours, opacity) else "black")
    return _fitted(colours, (channels, size, size), Image.Resampling.BOX)


def side_and_colour(path: str | os.PathLike[str]) -> tuple[int, bool]:
    """Return the smaller side of a picture in pixels, and whether it has colours other than greys.

    Raises:
        BadFile: The file is missing, not a picture, damaged or too large.
    """
    colours, _, _ = _read(path)
    small = np.asarray(ImageOps.contain(colours.convert("RGB"), (64, 64)), np.int16)
    return min(colours.size), bool((np.ptp(small, axis=2) > _GREY_SPREAD).mean() > _GREY_SHARE)


def square_of(pixels: NDArray[np.uint8], size: int, channels: int) -> NDArray[np.uint8]:
    """Convert pixels with shape (H, W) or (H, W, 3) as `read_square` does."""
    return _fitted(Image.fromarray(pixels), (channels, size, size), Image.Resampling.BOX)


def read_mask(path: str | os.PathLike[str], shape: tuple[int, int, int]) -> tuple[NDArray[np.bool_], str]:
    """Read a mask for a picture: light where the picture is to be inpainted.

    It is cropped and scaled like the picture in `read_picture`. Transparent pixels are kept; if everything drawn on a
    transparent background is dark, the drawn pixels are the mask.

    Args:
        path: The file.
        shape: Channels, rows and columns of the picture.

    Returns:
        Booleans with shape (rows, columns), true where the mean brightness is at least a half; and a description of
        changes to the colours, empty if there are none.

    Raises:
        BadFile: The file is missing, not a picture, damaged, too large or fully transparent.
    """
    _, rows, columns = shape
    colours, opacity, done = _read(path)
    if opacity is not None:
        if _light_share(path, colours, opacity) <= _RARE_SHARE:
            colours = opacity
            done.append("the drawing on its transparent background used as the mask")
        else:
            colours = _composed(colours, opacity, "black")
    return _fitted(colours, (1, rows, columns), Image.Resampling.BOX)[0] >= 128, " and ".join(done)


def layers(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Split a picture of any Pillow mode into colours and opacity.

    Returns:
        The colours in mode L or RGB, and the opacity in mode L, None if no pixel is transparent.
    """
    if _is_deep(image):
        values = np.asarray(image, np.float32)
        colours, key = Image.fromarray(_scaled(values, whole=image.mode != "F")), image.info.get("transparency")
        opacity = Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))
    else:
        # Divide premultiplied colours by the opacity first.
        unmultiplied = image.convert(_UNMULTIPLIED.get(image.mode, image.mode))
        if not unmultiplied.has_transparency_data:
            return unmultiplied.convert("RGB"), None
        full = unmultiplied.convert("RGBA")
        colours, opacity = full.convert("RGB"), full.getchannel("A")
    return colours, None if opacity.getextrema()[0] == 255 else opacity


def _read(path: str | os.PathLike[str]) -> tuple[Image.Image, Image.Image | None, list[str]]:
    """Return the layers of an upright picture, and a list of changes to their colours."""
    data = read_bytes(path, EXPECTED, limit=_LARGEST)
    with reading(path, EXPECTED), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        if image.width * image.height > _MAX_PIXELS:
            raise BadFile(f"{path} has {image.width} x {image.height} pixels, too many; expected {EXPECTED}.")
        upright = ImageOps.exif_transpose(image)
        return *layers(upright), ["its deep greys scaled to 8 bits"] if _is_deep(upright) else []


def _is_deep(image: Image.Image) -> bool:
    """Return whether a picture has greys of more than 8 bits, which Pillow would clip instead of scale."""
    return image.mode == "F" or image.mode.startswith("I")


def _scaled(values: NDArray[np.float32], *, whole: bool) -> NDArray[np.uint8]:
    """Scale deep greys to 8 bits.

    Black is 0, or the minimum if negative. White is the maximum; for integers, the largest one with as many bits.
    """
    finite = values[np.isfinite(values)]
    low, high = (min(float(finite.min()), 0.0), float(finite.max())) if finite.size else (0.0, 0.0)
    if whole and low == 0.0:
        high = float(2 ** int(high).bit_length() - 1)
    scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    return np.clip(np.nan_to_num(scaled, nan=0.0), 0.0, 255.0).round().astype(np.uint8)


def _light_share(path: str | os.PathLike[str], colours: Image.Image, opacity: Image.Image) -> float:
    """Return the light share of the visible pixels, from 0 to 1."""
    weights = np.asarray(opacity)
    visible = int(weights.sum(dtype=np.int64))
    if not visible:
        raise BadFile(f"{path} is fully transparent: it shows nothing; choose another picture.")
    return int(weights[np.asarray(colours.convert("L")) > 127].sum(dtype=np.int64)) / visible


def _is_white_ground(path: str | os.PathLike[str], colours: Image.Image, opacity: Image.Image) -> bool:
    """Return whether a transparent background becomes white."""
    light = _light_share(path, colours, opacity)
    # Under dark strokes, and around a mostly light object with dark parts, such as a piece of paper.
    return light <= _RARE_SHARE or 0.5 <= light < 1 - _RARE_SHARE


def _composed(colours: Image.Image, opacity: Image.Image, ground: str) -> Image.Image:
    composed = Image.new("RGB", colours.size, ground)
    composed.paste(colours, mask=opacity)
    return composed


def _fitted(image: Image.Image, shape: tuple[int, int, int], resampling: Image.Resampling) -> NDArray[np.uint8]:
    """Return the largest central part of a picture with the shape's aspect ratio, scaled to it."""
    channels, rows, columns = shape
    small = ImageOps.fit(image.convert("L" if channels == 1 else "RGB"), (columns, rows), resampling)
    return np.asarray(small, dtype=np.uint8).reshape(rows, columns, channels).transpose(2, 0, 1).copy()
