"""Save and read pictures with the spec of their experiment.

PNG keeps the spec as international text (iTXt, key ``msd-spec``), GIF as its comment, WebP as the description in its
EXIF block.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

import msd_engine
from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import MIB, read_bytes, reading, write_atomically
from msd_engine.events.pixels import to_grey

SPEC_KEY = "msd-spec"
"""Key of the spec among the texts of a PNG."""

TILES_KEY = "msd-tiles"
"""Key of the places of the images of a grid, as JSON, among the texts of a PNG."""

POINTS_KEY = "msd-points"
"""Key of the positions of the chains in a plane, as JSON, among the texts of a PNG."""

EXPECTED = "a picture saved by this program (PNG, GIF or WebP)"

_LARGEST = 256 * MIB
_MOST_PIXELS = 2**26
_SEPARATOR = 48
_LAST_FRAME_MS = 1500
# Most viewers of GIF slow down faster frames.
_SHORTEST_FRAME_MS = 20
_PALETTE_SAMPLE = 250_000


@dataclass(frozen=True)
class Tiles:
    """Where the images of a grid lie in its picture, so that they can be read back.

    Attributes:
        count: Number of images N.
        channels: 1 for grey images, 3 for colours.
        height: Rows of an image.
        width: Columns of an image.
        scale: Whole factor of enlargement.
        left: Left edge of each column of the grid, in pixels.
        top: Top edge of each row of the grid, in pixels.
        names: Name of each image; empty for none.
    """

    count: int
    channels: int
    height: int
    width: int
    scale: int
    left: tuple[int, ...]
    top: tuple[int, ...]
    names: tuple[str, ...] = ()

    def paste(self, picture: NDArray[np.uint8], images: NDArray[np.floating] | NDArray[np.uint8]) -> None:
        """Draw images with shape (N, C, H, W) into a picture with shape (rows, columns, 3), enlarged as blocks."""
        high, wide = self.height * self.scale, self.width * self.scale
        for index, image in enumerate(np.moveaxis(to_pixels(images), 1, -1)):
            top, left = self.top[index // len(self.left)], self.left[index % len(self.left)]
            large = image.repeat(self.scale, axis=0).repeat(self.scale, axis=1)
            picture[top : top + high, left : left + wide] = large

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Read the images back from a picture with shape (rows, columns, 3).

        Raises:
            ValueError: The picture is smaller than that.
        """
        sizes = (self.count, self.height, self.width, self.scale, len(self.left), len(self.top))
        high, wide = self.height * self.scale, self.width * self.scale
        inside = all(0 <= at <= picture.shape[1] - wide for at in self.left)
        inside = inside and all(0 <= at <= picture.shape[0] - high for at in self.top)
        if min(sizes) < 1 or self.channels not in (1, 3) or self.count > len(self.left) * len(self.top) or not inside:
            raise ValueError("the images would lie outside the picture")
        if self.count * high * wide > 2 * _MOST_PIXELS:
            raise ValueError("the images would overlap")
        found = np.empty((self.count, self.channels, self.height, self.width), np.uint8)
        for index in range(self.count):
            top, left = self.top[index // len(self.left)], self.left[index % len(self.left)]
            block = picture[top : top + high : self.scale, left : left + wide : self.scale, : self.channels]
            found[index] = np.moveaxis(block, -1, 0)
        return found


def to_pixels(x: NDArray[np.floating] | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn data units into 8-bit values; values beyond [-1, 1] are clipped, NaN becomes grey.

    Args:
        x: Images in data units, or 8-bit values, which pass unchanged; any shape.

    Returns:
        The same shape, uint8.
    """
    if x.dtype == np.uint8:
        return x.astype(np.uint8, copy=False)
    grey: NDArray[np.float32] = to_grey(np.nan_to_num(np.asarray(x, np.float32), nan=0.0, posinf=1.0, neginf=-1.0))
    return grey.astype(np.uint8)


def readable_scale(height: int) -> int:
    """Return the whole factor that enlarges an image to about 56 pixels, for legibility."""
    return max(1, round(56 / height))


def image_grid(
    images: NDArray[np.floating] | NDArray[np.uint8], *, scale: int = 1, gap: int = 1, columns: int | None = None
) -> NDArray[np.uint8]:
    """Lay images out in a nearly square grid with thin lines between them.

    Args:
        images: Grey or colour images with shape (N, 1 or 3, H, W), in data units or as 8-bit values.
        scale: Whole factor by which each image is enlarged, without smoothing.
        gap: Width of the lines, in pixels.
        columns: Number of columns; None for a grid as square as can be.

    Returns:
        The picture with shape (rows, columns, 3), uint8.
    """
    count, channels, height, width = images.shape
    if not count or channels not in (1, 3):
        raise ValueError(f"A grid needs images with 1 or 3 channels, not shape {images.shape}.")
    tiles = grid_tiles(images.shape, scale=scale, gap=gap, columns=columns)
    high, wide = tiles.top[-1] + height * scale, tiles.left[-1] + width * scale
    grid = np.full((high, wide, 3), _SEPARATOR, np.uint8)
    tiles.paste(grid, images)
    return grid


def grid_tiles(
    shape: tuple[int, ...], *, scale: int = 1, gap: int = 1, columns: int | None = None, names: tuple[str, ...] = ()
) -> Tiles:
    """Return where `image_grid` puts images with shape (N, C, H, W) and perhaps names."""
    count, channels, height, width = shape
    columns = columns or math.ceil(math.sqrt(count * height / width))
    left = tuple(range(0, columns * (width * scale + gap), width * scale + gap))
    top = tuple(range(0, math.ceil(count / columns) * (height * scale + gap), height * scale + gap))
    return Tiles(count, channels, height, width, scale, left, top, names)


def save_png(
    path: str | os.PathLike[str], pixels: NDArray[np.uint8], spec_json: str, tiles: Tiles | None = None
) -> None:
    """Save a picture with its spec.

    Args:
        path: The PNG file to write.
        pixels: The picture with shape (rows, columns, 3) or (rows, columns), uint8.
        spec_json: The spec as JSON.
        tiles: Where the images of a grid lie in it; None for another picture.

    Raises:
        UserError: The file cannot be written.
    """
    write_atomically(path, _png(Image.fromarray(pixels), spec_json, tiles))


def add_text_to_png(
    png: bytes, spec_json: str, tiles: Tiles | None = None, points: NDArray[np.floating] | None = None
) -> bytes:
    """Put the spec into a PNG that something else drew.

    Args:
        png: The PNG.
        spec_json: The spec as JSON.
        tiles: Where the images of a grid lie in it; None for another picture.
        points: Positions of the chains in a plane, with shape (B, 2), finite; None for another picture.

    Returns:
        The same picture as a PNG with the spec.

    Raises:
        BadFile: The bytes are no PNG.
    """
    with reading("the drawn picture", "a PNG"), Image.open(io.BytesIO(png), formats=("PNG",)) as image:
        return _png(image, spec_json, tiles, points)


def encode_animation(
    suffix: str, frames: Sequence[NDArray[np.uint8]], *, fps: float = 12.0, spec_json: str = ""
) -> bytes:
    """Encode an animation that repeats forever and holds its last picture for a while.

    Args:
        suffix: ``.gif`` or ``.webp``, in any case.
        frames: At least one picture, each with the same shape (rows, columns, 3), uint8.
        fps: Pictures per second.
        spec_json: The spec as JSON; empty for none.

    Returns:
        The content of the file.

    Raises:
        UserError: The suffix is another one, or there is no picture.
    """
    if suffix.lower() not in (".gif", ".webp"):
        given = suffix or "a file without suffix"
        raise UserError(f"Cannot save a film as {given}: choose a name in .gif, .webp or .mp4.")
    if not frames:
        raise UserError("There is no picture to save yet: sample first.")
    frame_ms = max(_SHORTEST_FRAME_MS, round(1000 / fps / 10) * 10)
    durations = [frame_ms] * (len(frames) - 1) + [_LAST_FRAME_MS]
    # Plain ASCII, which every metadata block can hold.
    spec_json = json.dumps(json.loads(spec_json)) if spec_json else ""
    buffer = io.BytesIO()
    if suffix.lower() == ".gif":
        first, *rest = _paletted(frames)
        first.save(
            buffer, "GIF", save_all=True, append_images=rest, duration=durations, loop=0, comment=spec_json.encode()
        )
    else:
        first, *rest = (Image.fromarray(frame) for frame in frames)
        exif = Image.Exif()
        exif[ExifTags.Base.ImageDescription] = spec_json
        # The fastest compression: ten times faster than the medium one for a file a quarter larger.
        first.save(
            buffer, "WEBP", save_all=True, append_images=rest, duration=durations, loop=0, lossless=True, quality=0,
            method=0, exif=exif,
        )  # fmt: skip
    return buffer.getvalue()


def read_picture_spec(path: str | os.PathLike[str]) -> str:
    """Read the spec of a picture without validating it.

    Args:
        path: A PNG, GIF or WebP file.

    Returns:
        The text.

    Raises:
        BadFile: The file is no such picture, too large, or carries no spec.
    """
    data = read_bytes(path, EXPECTED, limit=_LARGEST)
    with reading(path, EXPECTED), Image.open(io.BytesIO(data), formats=("PNG", "GIF", "WEBP")) as image:
        if image.width * image.height > _MOST_PIXELS:
            raise BadFile(f"{path} has {image.width} x {image.height} pixels, too many; expected {EXPECTED}.")
        match image.format:
            case "PNG":
                # Text after the pixels is found only after reading them.
                image.load()
                text = image.info.get(SPEC_KEY)
            case "GIF":
                text = image.info.get("comment", b"").decode()
            case _:
                text = image.getexif().get(ExifTags.Base.ImageDescription)
    if not isinstance(text, str) or not text:
        raise BadFile(f"{path} carries no spec: only pictures that this program saved can be restored.")
    return text


class Content(NamedTuple):
    """What can be read back from a file.

    Attributes:
        images: Images with shape (N, C, H, W), uint8; None for none.
        names: Their names; empty for none.
        points: Positions of chains in the plane, with shape (B, 2), float32; None for none.
    """

    images: NDArray[np.uint8] | None = None
    names: tuple[str, ...] = ()
    points: NDArray[np.float32] | None = None


def read_content(path: str | os.PathLike[str]) -> Content:
    """Read the images of a grid or the chains of a plane back from its picture.

    Args:
        path: A PNG file.

    Returns:
        The content; nothing for a picture that does not say where its images lie.

    Raises:
        BadFile: The file is no such picture, too large, or says something impossible.
    """
    data = read_bytes(path, EXPECTED, limit=_LARGEST)
    with reading(path, EXPECTED), Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        if image.width * image.height > _MOST_PIXELS:
            raise BadFile(f"{path} has {image.width} x {image.height} pixels, too many; expected {EXPECTED}.")
        image.load()
        if POINTS_KEY in image.info:
            return Content(points=_points(json.loads(image.info[POINTS_KEY])))
        if TILES_KEY not in image.info:
            return Content()
        noted = json.loads(image.info[TILES_KEY])
        sizes = [noted[name] for name in ("count", "channels", "height", "width", "scale")]
        edges = [tuple(noted[name]) for name in ("left", "top")]
        names = tuple(noted.get("names", ()))
        if not all(type(number) is int for number in (*sizes, *edges[0], *edges[1])):
            raise TypeError("places of images are whole numbers")
        if not all(isinstance(name, str) for name in names) or len(names) not in (0, sizes[0]):
            raise TypeError("each image has one name")
        return Content(Tiles(*sizes, *edges).cut(np.asarray(image.convert("RGB"))), names)


def _points(noted: list[list[float]]) -> NDArray[np.float32]:
    points = np.asarray(noted, np.float32)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points) or not np.isfinite(points).all():
        raise ValueError("chains in a plane have two finite coordinates each")
    return points


def _png(
    image: Image.Image, spec_json: str, tiles: Tiles | None = None, points: NDArray[np.floating] | None = None
) -> bytes:
    notes = PngInfo()
    texts = {"Software": f"msd {msd_engine.__version__}", SPEC_KEY: spec_json}
    if tiles is not None:
        texts[TILES_KEY] = json.dumps(asdict(tiles))
    if points is not None and len(points):
        texts[POINTS_KEY] = json.dumps(np.asarray(points, np.float32).astype(float).tolist(), allow_nan=False)
    for key, value in texts.items():
        notes.add_itxt(key, value, zip=True)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=notes, dpi=image.info.get("dpi"))
    return buffer.getvalue()


def _paletted(frames: Sequence[NDArray[np.uint8]]) -> list[Image.Image]:
    """Give all frames one palette, so that no colour flickers; grey frames keep every shade."""
    if all((frame == frame[..., :1]).all() for frame in frames):
        return [Image.fromarray(np.ascontiguousarray(frame[..., 0])) for frame in frames]
    stride = max(1, sum(frame.size for frame in frames) // 3 // _PALETTE_SAMPLE)
    sample = np.concatenate([frame.reshape(-1, 3)[::stride] for frame in frames])
    palette = Image.fromarray(sample[None]).quantize(256, method=Image.Quantize.MEDIANCUT)
    return [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
