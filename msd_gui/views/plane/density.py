"""A log density on a grid, made into a picture with bands that look like contours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from msd_gui.views.base.pixels import image_of_rgb32

# Below the peak by this much the density counts as none: exp(-10) is 1/22 000. Ten bands of one unit each.
DEPTH = 10.0
_FINE_SIDE = 360


class Density:
    """A log density and its picture.

    Args:
        log_density: log p with shape (rows, columns), row 0 at the smallest x₂; None for nothing known.
        bounds: (x₁ least, x₁ most, x₂ least, x₂ most): where the outermost grid points lie.
    """

    def __init__(
        self,
        log_density: NDArray[Any] | None = None,
        bounds: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0),
    ) -> None:
        self.bounds = bounds
        known = log_density is not None and log_density.size > 0 and bool(np.isfinite(log_density).any())
        self._values = np.asarray(log_density, np.float32) if known else None
        self._made: tuple[int, QImage] | None = None

    @property
    def known(self) -> bool:
        """Whether there is anything to show."""
        return self._values is not None

    def at(self, x: float, y: float) -> float | None:
        """Log p at the nearest grid point, or None outside the grid."""
        if self._values is None:
            return None
        left, right, low, high = self.bounds
        rows, columns = self._values.shape
        row = round((y - low) / (high - low) * (rows - 1))
        column = round((x - left) / (right - left) * (columns - 1))
        inside = 0 <= row < rows and 0 <= column < columns
        return float(self._values[row, column]) if inside else None

    def image(self, colour_map: NDArray[np.uint32]) -> QImage:
        """The picture, upper edge at the largest x₂.

        Args:
            colour_map: 256 opaque colours from low to high, uint32.

        Returns:
            A picture that is finer than the grid, so that the bands have smooth edges; kept for the next call.
        """
        key = hash(colour_map.tobytes())
        if self._values is None:
            return QImage()
        if self._made is None or self._made[0] != key:
            peak = np.nanmax(np.where(np.isfinite(self._values), self._values, -np.inf))
            share = np.clip((np.nan_to_num(self._values, nan=-np.inf, neginf=-1e9) - peak) / DEPTH + 1, 0, 1)
            fine = _finer(_finer(share, 0), 1)[::-1]
            self._made = key, image_of_rgb32(colour_map[(fine * 255).astype(np.uint8)])
        return self._made[1]


def _finer(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Interpolates linearly along an axis to `_FINE_SIDE` points."""
    count = values.shape[axis]
    at = np.linspace(0, count - 1, max(_FINE_SIDE, count), dtype=np.float32)
    low = np.minimum(at.astype(np.intp), max(count - 2, 0))
    share = (at - low.astype(np.float32)).reshape([-1 if i == axis else 1 for i in range(2)])
    first, second = values.take(low, axis), values.take(np.minimum(low + 1, count - 1), axis)
    return np.asarray(first + share * (second - first))
