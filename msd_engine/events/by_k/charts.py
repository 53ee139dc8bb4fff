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

_X, _EXACT = Axis("σ_eff", log=True), "exact, any k"
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
    least = table.exact
    values, errors, log = table.learned, table.gap_error, True
    if quantity == "excess":
        values, errors = 100 * table.excess, 100 * table.gap_error / table.exact
        known = values[values > 0]
        log = known.size > 0 and bool(known.max() > _MOST_LINEAR)
        least = np.full_like(table.exact, known.min() if log else 0.0)
    x, colours = table.sigma_eff, order_colours(table.ks)
    curves: list[Curve] = []
    keys: list[Key] = []
    for one, value, error in zip(table.ks, values, errors, strict=True):
        curve = Curve(f"k = {one}", x, value, colours[one])
        if one == k:
            high = np.where(np.isnan(value), least, value)
            curves.insert(0, replace(curve, words=f"gap of k = {k}", low=least, high=high, spread="band"))
            keys.append(Key("patch", colours[one], f"gap of k = {k}"))
            curve = _with_ends(replace(curve, dots=True), error, log=log)
        curves.append(curve)
    lines = [Key("line", one.colour, one.words) for one in curves if one.spread != "band"]
    if quantity == "error":
        curves.append(_with_ends(Curve(_EXACT, x, least, exact, "dash"), table.exact_error, log=True))
    elif not log:
        curves.append(Curve(_EXACT, x, least, exact, "dash"))
    lines += [Key("dash", exact, _EXACT)] * (curves[-1].words == _EXACT)
    return Curves(name, _X, replace(axis, log=log), tuple(curves), tuple(lines + keys))


def _with_ends(curve: Curve, error: NDArray[np.float64], *, log: bool) -> Curve:
    """Return a curve with 95 % intervals, from its standard errors with shape (n,)."""
    low = curve.y - _ENDS * error
    # A logarithmic axis has no room for ends at or below zero.
    return replace(curve, low=np.where(low > 0, low, curve.y) if log else low, high=curve.y + _ENDS * error)
