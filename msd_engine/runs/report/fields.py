"""Draw vector fields of the plane into files by matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from msd_engine.events.plots import Field

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ARROW_INCHES = 0.16


def draw_field(axes: Axes, plot: Field, colour_of: Callable[[str], Any]) -> None:
    """Draw a field on the axes of a figure, inside `plots.settings` alone.

    Args:
        axes: The axes.
        plot: The field.
        colour_of: Returns the colour of a role.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap

    left, right, low, high = plot.bounds
    axes.set_aspect("equal")
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    axes.grid(visible=False)
    axes.set_xlabel("x₁")
    axes.set_ylabel("x₂")
    axes.set_title(plot.note, loc="right", size="small")
    if plot.vectors is not None and plot.style == "map":
        colours = LinearSegmentedColormap.from_list("field", [colour_of("base"), colour_of(plot.colour)])
        axes.imshow(plot.lengths(), cmap=colours, vmin=0.0, vmax=1.0, origin="lower", extent=plot.bounds, zorder=0)
    axes.add_collection(LineCollection(list(plot.contours), colors=[colour_of("muted")], linewidths=0.7, zorder=1))
    if plot.style == "arrows":
        at, vectors = plot.arrows()
        size = np.hypot(*vectors.T)
        # Arrows without length would be dots.
        good = np.isfinite(size) & (size > 0)
        unit = np.maximum(size[good], 1.0)[:, None]
        scale: Any = {"units": "inches", "scale_units": "inches", "scale": 1 / _ARROW_INCHES, "width": 0.009}
        axes.quiver(*at[good].T, *(vectors[good] / unit).T, color=colour_of(plot.colour), zorder=2, **scale)
