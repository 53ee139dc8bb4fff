"""A soft brush on a picture: how much of each pixel a stroke covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Marks along a stroke lie this part of the radius apart, so that they join without beads.
_SPACING = 0.25

Point = tuple[float, float]


class Stroke:
    """A stroke that grows point by point, at a cost that does not grow with its length.

    A mark covers 1 at its centre and falls off as exp(−(d/r)⁴): a round tip whose edge is soft over a pixel or so.

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
        """Goes on in a straight line.

        Args:
            point: Where to, in pixels of the picture, x to the right and y down.
        """
        x_0, y_0 = self._last or point
        (x_1, y_1), self._last = point, point
        length = float(np.hypot(x_1 - x_0, y_1 - y_0))
        count = max(1, int(np.ceil(length / max(_SPACING * self._radius, 0.05))))
        for part in np.arange(1, count + 1) / count:
            x, y = x_0 + part * (x_1 - x_0), y_0 + part * (y_1 - y_0)
            np.minimum(self._squares, (self._y - y) ** 2 + (self._x - x) ** 2, out=self._squares)

    def cover(self) -> NDArray[np.float64]:
        """How much of each pixel is covered, from 0 to 1, with shape (rows, columns)."""
        return np.asarray(np.exp(-np.square(self._squares / self._radius**2)))


def painted(picture: NDArray[np.uint8], cover: NDArray[np.float64], colour: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a picture with a stroke laid over it.

    Args:
        picture: With shape (C, H, W), uint8.
        cover: From `Stroke.cover`, with shape (H, W).
        colour: One value from 0 to 255 for each channel.

    Returns:
        The new picture; the given one is left as it is.
    """
    ink = np.asarray(colour, dtype=np.float64).reshape(-1, 1, 1)
    return np.asarray(np.rint(picture + cover * (ink - picture)), dtype=np.uint8)
