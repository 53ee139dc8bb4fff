"""Animations as MP4, by PyAV where it is installed; the spec is the comment of the file."""

from __future__ import annotations

import importlib.util
import io
import os
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msd_engine.backend.errors import BadFile, UserError
from msd_engine.backend.files import MIB, read_bytes, reading

EXPECTED = "a film saved by this program (MP4)"

_LARGEST = 256 * MIB
# Whoever plays H.264 everywhere knows only pictures with an even number of rows and columns.
_CODECS = ("libx264", "h264", "mpeg4")
_QUALITY = {"crf": "18", "preset": "medium", "threads": "1"}
_LAST_S = 1.5


def has_video() -> bool:
    """Check whether MP4 can be written and read here."""
    return importlib.util.find_spec("av") is not None


def encode_video(frames: Sequence[NDArray[np.uint8]], *, fps: float = 12.0, spec_json: str = "") -> bytes:
    """Make a film that holds its last picture for a while.

    Args:
        frames: At least one picture, each with the same shape (rows, columns, 3), uint8.
        fps: Pictures per second.
        spec_json: The spec as JSON; empty for none.

    Returns:
        The content of the file.

    Raises:
        UserError: PyAV is missing, or it cannot write such a film.
    """
    if not frames:
        raise UserError("There is no picture to save yet: sample first.")
    if not has_video():
        raise UserError("MP4 needs the package av, which is not installed: pip install av, or choose GIF.")
    import av

    codec = next((name for name in _CODECS if name in av.codecs_available), "")
    if not codec:
        raise UserError("The installed package av cannot write MP4 films: choose GIF.")
    high, wide = (size + size % 2 for size in frames[0].shape[:2])
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        film.metadata["comment"] = spec_json
        stream: Any = film.add_stream(codec, rate=Fraction(fps).limit_denominator(1000), options=_QUALITY)
        stream.width, stream.height, stream.pix_fmt = wide, high, "yuv420p"
        for frame in (*frames, *[frames[-1]] * round(_LAST_S * fps)):
            rows, columns = frame.shape[:2]
            even = np.pad(frame, ((0, high - rows), (0, wide - columns), (0, 0)), mode="edge")
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")))
        film.mux(stream.encode())
    return buffer.getvalue()


def read_video_spec(path: str | os.PathLike[str]) -> str:
    """Read the spec that a film carries, without judging it.

    Args:
        path: An MP4 file.

    Returns:
        The text.

    Raises:
        BadFile: The file is no such film, or PyAV is missing.
    """
    if not has_video():
        raise BadFile(f"{path} is a film: reading it needs the package av (pip install av).")
    import av

    data = read_bytes(path, EXPECTED, limit=_LARGEST)
    with reading(path, EXPECTED), av.open(io.BytesIO(data), format="mp4") as film:
        text = film.metadata.get("comment", "")
    if not text:
        raise BadFile(f"{path} carries no spec: only films that this program saved can be restored.")
    return text
