"""Colours of plots: their names in the theme by role, and colour maps made from them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from msd_engine.events.plots import ORDER_COLOURS, OWN_COLOURS
from msd_gui.theme import LIGHT, Colours

_DENSITY_SHARE = 0.5
_ORDERS = {"light": ORDER_COLOURS, "dark": ("#9a86ee", "#35b9ab", "#fde725")}
# Distinct for the colour-blind, on white and on black (after Tol's bright scheme, dimmed or brightened for contrast).
_OWN = {
    "light": ("#3566A8", "#C8384E", "#1B7F3B", "#8F7A00", "#1E87A8", "#9A2C78", "#6E6E6E", "#B0561A"),
    "dark": ("#7FB2F0", "#F2808F", "#5BC977", "#D9C65A", "#72D2F0", "#E07CC0", "#C8C8C8", "#F0A065"),
}


@lru_cache(maxsize=256)
def colour_of(colours: Colours, role: str) -> str:
    """Return the colour of a role in a theme as ``#rrggbb``.

    Args:
        colours: The colours of the theme.
        role: A role as in `msd_engine.events.plots`.
    """
    kind, _, which = role.partition(" ")
    match kind:
        case "order":
            order = pg.ColorMap([0.0, 0.5, 1.0], list(_ORDERS[colours.scheme]))
            return str(order.map(float(which), mode="qcolor").name())
        case "own":
            return _OWN[colours.scheme][int(which) - 1]
        case "density":
            return between(colours.base, colours.exact, _DENSITY_SHARE).name()
        case _:
            return str(getattr(colours, role, role))


def density_map(colours: Colours) -> NDArray[np.uint32]:
    """Return the colour map for log densities: from the background to half of the exact blue, in contour-like bands.

    It stays near the background, so that points, chains and arrows stay legible on it, in light and in dark.

    Returns:
        Opaque 0xffrrggbb values, uint32 with shape (256,).
    """
    return colour_map(colours.base, colour_of(colours, "density"), 10)


def error_map(colours: Colours) -> NDArray[np.uint32]:
    """Return the colour map for absolute errors: from the background to orange.

    Returns:
        Opaque 0xffrrggbb values, uint32 with shape (256,).
    """
    return colour_map(colours.base, colours.learned)


@lru_cache(maxsize=64)
def between(first: str, second: str, share: float) -> QColor:
    """Blend two colours: `share` from 0 (the first) to 1 (the second); opaque."""
    made: QColor = pg.ColorMap([0.0, 1.0], [first, second]).map(share, mode="qcolor")
    return made


@lru_cache(maxsize=16)
def colour_map(low: str, high: str, steps: int = 0) -> NDArray[np.uint32]:
    """Return a sequential colour map.

    Args:
        low: Colour of the smallest value.
        high: Colour of the largest value.
        steps: Number of contour-like bands over the ramp; 0 for none.

    Returns:
        Opaque 0xffrrggbb values, uint32 with shape (256,).
    """
    share = np.linspace(0.0, 1.0, 256)
    if steps:
        share = 0.35 * share + 0.65 * np.floor(share * steps * (1 - 1e-9)) / (steps - 1)
    rgb: NDArray[np.uint32] = pg.ColorMap([0.0, 1.0], [low, high]).map(share, mode="byte").astype(np.uint32)
    return np.uint32(0xFF000000) | rgb[:, 0] << np.uint32(16) | rgb[:, 1] << np.uint32(8) | rgb[:, 2]


def paper(colours: Colours = LIGHT) -> dict[str, str]:
    """Return the colours of figures in files by role: on white, whatever the theme of the window, unless asked."""
    roles = ("base", "text", "muted", "data", "exact", "learned", "chosen", "density")
    found = {role: colour_of(colours, role) for role in (*roles, *(f"own {n + 1}" for n in range(OWN_COLOURS)))}
    if colours.scheme == "light":
        return found
    return found | {f"order {place:.4f}": colour_of(colours, f"order {place:.4f}") for place in _order_places()}


def _order_places() -> set[float]:
    """Return the places of up to sixteen values in an order, as `msd_engine.events.plots.order_colours` has them."""
    return {place / max(1, count - 1) for count in range(1, 17) for place in range(count)}
