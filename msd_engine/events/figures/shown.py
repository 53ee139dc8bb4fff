"""Events about figures: their previews, and the content of opened files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event


@dataclass(frozen=True, eq=False)
class Preview(Event):
    """A figure as its file will show it.

    Attributes:
        size: Rows and columns of the picture in the file, in pixels.
        pixels: The picture with shape (rows, columns, 3), uint8; reduced by a whole factor if it is larger than wanted.
        frame: Number of the picture of an animation, from 1; 1 for a single picture.
        frames: Number of its pictures.
    """

    keep: ClassVar[str] = "latest"
    size: tuple[int, int]
    pixels: NDArray[np.uint8]
    frame: int = 1
    frames: int = 1


@dataclass(frozen=True, eq=False)
class RestoredImages(Event):
    """The images that an opened file holds, and whether the network that drew them is still there.

    Attributes:
        file: Name of the file.
        images: The images with shape (N, C, H, W), uint8.
        spec_json: The spec of the file as JSON, with its note on the weights.
        run: Folder with these very weights; empty if there is none.
        text: What the file shows, in one sentence.
        trouble: What is no longer true, and what to do, in one sentence; empty if all is.
        names: Name of each image; empty for none.
    """

    file: str
    images: NDArray[np.uint8]
    spec_json: str
    run: str
    text: str
    trouble: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RestoredPoints(Event):
    """The chains in the plane that an opened file holds; see `RestoredImages`.

    Attributes:
        file: Name of the file.
        points: ȳ of each chain, with shape (B, 2), float32.
        spec_json: The spec of the file as JSON, with its note on the weights.
        run: Folder with these very weights; empty if there is none.
        text: What the file shows, in one sentence.
        trouble: What is no longer true, and what to do, in one sentence; empty if all is.
        again: Whether sampling with this spec and this run draws the same chains again.
    """

    file: str
    points: NDArray[np.float32]
    spec_json: str
    run: str
    text: str
    trouble: str
    again: bool
