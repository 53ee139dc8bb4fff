"""A soft brush on a picture: the coverage of each pixel by a stroke."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Distance of the marks along a stroke as a fraction of the radius, small enough to join smoothly.
_SPACING = 0.25

Point = tuple[float, float]


class Stroke:
    """A stroke that grows point by point, at a cost independent of its length.

    A mark covers 1 at its centre and falls off as exp(−(d/r)⁴): a round tip with a soft edge of about a pixel.

    Args:
        size: Rows and columns of the picture.
        radius: Radius r of the brush in pixels of the picture.
    """

    def __init__(self, size: tuple[int, int], radius: float) -> None:
        rows, columns = size
        self._radius = radius
        self._x, self._y = np.arange(columns) + 0.5, np.arange(rows)[:, None] + 0.5
        self._squares = np.full(size, np.inf)
        self._last: Point | None = None

    def move_to(self, point: Point) -> None:
        """Continue in a straight line to a point in pixels of the picture, x to the right and y down."""
        x_0, y_0 = self._last or point
        (x_1, y_1), self._last = point, point
        length = float(np.hypot(x_1 - x_0, y_1 - y_0))
        count = max(1, int(np.ceil(length / max(_SPACING * self._radius, 0.05))))
        for part in np.arange(1, count + 1) / count:
            x, y = x_0 + part * (x_1 - x_0), y_0 + part * (y_1 - y_0)
            np.minimum(self._squares, (self._y - y) ** 2 + (self._x - x) ** 2, out=self._squares)

    def cover(self) -> NDArray[np.float64]:
        """Return the coverage of each pixel, from 0 to 1, with shape (rows, columns)."""
        return np.asarray(np.exp(-np.square(self._squares / self._radius**2)))


def painted(picture: NDArray[np.uint8], cover: NDArray[np.float64], colour: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a new picture with a stroke painted over it.

    Args:
        picture: With shape (C, H, W), uint8; not modified.
        cover: From `Stroke.cover`, with shape (H, W).
        colour: One value from 0 to 255 for each channel.
    """
    ink = np.asarray(colour, dtype=np.float64).reshape(-1, 1, 1)
    return np.asarray(np.rint(picture + cover * (ink - picture)), dtype=np.uint8)
