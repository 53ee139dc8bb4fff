"""One step of a chain in files: drift and noise of each copy as arrows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from msd_engine.events.plots import Moves

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_moves(axes: Axes, moves: Moves, colour: Any, dark: Any) -> None:
    """Draw the drift in `colour` and the noise in `dark`; a rejected proposal is dashed and ends in a cross."""
    drift, noise = moves.arrows()
    for (starts, ends), ink, line in ((drift, colour, "-"), (noise, dark, "-" if moves.accepted else "--")):
        style = {"arrowstyle": "->", "color": ink, "lw": 1.2, "ls": line, "shrinkA": 0, "shrinkB": 0}
        for start, end in zip(starts, ends, strict=True):
            if np.isfinite([start, end]).all():
                axes.annotate("", end, start, arrowprops=style)
    if not moves.accepted:
        axes.plot(*noise[1].T, "x", color=dark, ms=5, mew=1.0)
