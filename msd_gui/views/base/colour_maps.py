"""Colour maps made from the theme's named colours, even to the eye."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from msd_gui.theme import Colours

DENSITY_SHARE = 0.5
# After viridis, without its ends that would not be seen on the ground.
_ORDINAL = {"light": ("#440154", "#21808c", "#86b61a"), "dark": ("#9a86ee", "#35b9ab", "#fde725")}


def density_map(colours: Colours) -> NDArray[np.uint32]:
    """The map for log densities: from the ground to half of the exact blue, in bands that look like contours.

    It stays near the ground, so that points, chains and arrows are read on all of it, in light and in dark.

    Args:
        colours: The colours of the theme.

    Returns:
        Opaque 0xffrrggbb values, uint32 with shape (256,).
    """
    return colour_map(colours.base, between(colours.base, colours.exact, DENSITY_SHARE).name(), 10)


def error_map(colours: Colours) -> NDArray[np.uint32]:
    """The map for absolute errors: from the ground, through orange, to the far end of the text colour.

    Args:
        colours: The colours of the theme.

    Returns:
        Opaque 0xffrrggbb values, uint32 with shape (256,).
    """
    return colour_map(colours.base, colours.learned)


@lru_cache(maxsize=64)
def between(first: str, second: str, share: float) -> QColor:
    """The opaque colour that lies at a share from 0 to 1 on the way from one colour to another."""
    red, green, blue = _from_oklab(_oklab(first) * (1 - share) + _oklab(second) * share)
    return QColor.fromRgbF(float(red), float(green), float(blue))


def ordinal(colours: Colours, share: float) -> QColor:
    """The colour of a step in an order, such as that of k: dark to light, in hues that colour-blind eyes tell apart.

    Args:
        colours: The colours of the theme.
        share: Where in the order it stands, from 0 to 1.

    Returns:
        The colour, readable on the ground of the theme.
    """
    first, middle, last = _ORDINAL[colours.scheme]
    return between(first, middle, 2 * share) if share < 0.5 else between(middle, last, 2 * share - 1)


@lru_cache(maxsize=16)
def colour_map(low: str, high: str, steps: int = 0) -> NDArray[np.uint32]:
    """A sequential colour map, even to the eye: a straight line in Oklab.

    Args:
        low: Colour of the smallest value.
        high: Colour of the largest value.
        steps: Number of bands laid over the ramp so that their borders look like contours; 0 for none.

    Returns:
        Opaque 0xffrrggbb values, uint32 with shape (256,).
    """
    share = np.linspace(0.0, 1.0, 256)
    if steps:
        share = 0.35 * share + 0.65 * np.floor(share * steps * (1 - 1e-9)) / (steps - 1)
    lab = _oklab(low) + share[:, None] * (_oklab(high) - _oklab(low))
    rgb = np.rint(255 * _from_oklab(lab)).astype(np.uint32)
    return np.uint32(0xFF000000) | rgb[:, 0] << np.uint32(16) | rgb[:, 1] << np.uint32(8) | rgb[:, 2]


# Oklab's matrices, B. Ottosson, "A perceptual color space for image processing" (2020).
_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _oklab(colour: str) -> NDArray[np.float64]:
    made = QColor(colour)
    rgb = np.array([made.redF(), made.greenF(), made.blueF()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(_TO_LAB @ np.cbrt(_TO_LMS @ linear))


def _from_oklab(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = (lab @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_LMS).T
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
