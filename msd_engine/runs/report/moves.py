"""One step of a chain in files: drift and noise of each copy as arrows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from msd_engine.events.plots import Array, Moves

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_moves(axes: Axes, moves: Moves, colour: Any, dark: Any) -> None:
    """Draw the drift in `colour` and the noise in `dark`; a rejected proposal is dashed and ends in a cross."""
    drift, noise = moves.arrows()
    _draw_arrows(axes, *drift, colour)
    if moves.accepted:
        _draw_arrows(axes, *noise, dark)
    else:
        axes.plot(*np.stack(noise).transpose(2, 0, 1), color=dark, lw=1.0, ls="--")
        axes.plot(*noise[1].T, "x", color=dark, ms=5, mew=1.0)


def _draw_arrows(axes: Axes, starts: Array, ends: Array, colour: Any) -> None:
    good = np.isfinite(starts).all(axis=1) & np.isfinite(ends).all(axis=1)
    ours = {"angles": "xy", "scale_units": "xy", "scale": 1.0, "units": "inches", "width": 0.014, "color": colour}
    axes.quiver(*starts[good].T, *(ends - starts)[good].T, zorder=3, **ours)
