"""Charts of errors by k: the errors themselves, or the gap of the network over them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.by_k.table import ErrorsByK
from msd_engine.events.plots import Axis, Curve, Curves, Key, order_colours

Quantity = Literal["error", "excess"]
QUANTITIES: dict[Quantity, tuple[str, Axis]] = {
    "error": ("Errors by k", Axis("E‖x̂ − x‖²", log=True)),
    "excess": ("Gap of the network", Axis("gap over exact error", "%")),
}
"""Title and axis of each chart."""

_X = Axis("σ_eff", log=True)
# From a mean to either end of a 95 % interval, in standard errors.
_ENDS = 1.96
# Larger gaps, in percent, need a logarithmic axis.
_MOST_LINEAR = 300.0


def chart(table: ErrorsByK | None, k: int, quantity: Quantity = "error", exact: str = "exact") -> Curves:
    """Return the errors, or the gaps, with the gap of one k shaded and 95 % intervals.

    Args:
        table: The errors so far; None before the first.
        k: The number of copies whose gap is shaded.
        quantity: What to draw.
        exact: Colour of the exact error.
    """
    name, axis = QUANTITIES[quantity]
    if table is None:
        return Curves(name, _X, axis)
    if quantity == "error":
        least, ends = table.exact, _ends(table.exact, table.exact_error, log=True)
        values, errors, log = table.learned, table.gap_error, True
    else:
        values, errors = 100 * table.excess, 100 * table.gap_error / table.exact
        known = values[values > 0]
        log = known.size > 0 and bool(known.max() > _MOST_LINEAR)
        least, ends = np.full_like(table.exact, known.min() if log else 0.0), {}
    x, colours, curves, keys = table.sigma_eff, order_colours(table.ks), [], []
    for one, value, error in zip(table.ks, values, errors, strict=True):
        shades = one == k
        if shades:
            gap = {"low": least, "high": np.where(np.isnan(value), least, value)}
            curves.insert(0, Curve(f"gap of k = {k}", x, value, colours[one], spread="band", **gap))
            keys.append(Key("patch", colours[one], f"gap of k = {k}"))
        own = _ends(value, error, log=log) if shades else {}
        curves.append(Curve(f"k = {one}", x, value, colours[one], dots=shades, **own))
    if quantity == "error" or not log:
        curves.append(Curve("exact, any k", x, least, exact, "dash", **ends))
    lines = [
        Key("dash" if one.style == "dash" else "line", one.colour, one.words) for one in curves if one.spread != "band"
    ]
    return Curves(name, _X, replace(axis, log=log), tuple(curves), tuple(lines + keys))


def _ends(mean: NDArray[np.float64], error: NDArray[np.float64], *, log: bool) -> dict[str, NDArray[np.float64]]:
    low = mean - _ENDS * error
    # A logarithmic axis has no room for ends at or below zero.
    return {"low": np.where(low > 0, low, mean) if log else low, "high": mean + _ENDS * error}
