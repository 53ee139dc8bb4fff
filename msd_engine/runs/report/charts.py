"""The charts of a comparison of numbers of copies, as SVG or PNG, drawn without a screen.

Colour stands for k, the style of a line for the mode, dots for the exact posterior mean and crosses for the report.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.sweep import TableRow
from msd_engine.specs.sweep import MODE_TITLES, Child, Mode

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLES = {"same-sigma": "-", "same-sigma-eff": "--"}
_MODE_COLOURS = {"same-sigma": "#0072b2", "same-sigma-eff": "#d55e00"}
_EXACT, _REPORT = "#7f7f7f", "#009e73"
_ERROR = "mean ‖x̂ − x‖²"
_SIGMA_EFF = r"σ$_{\mathrm{eff}}$"
# Which multiples of powers of ten are labelled, by how far an axis reaches.
_LABELLED = ((8.0, (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)), (1e3, (1.0, 2.0, 5.0)), (math.inf, (1.0,)))
_SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text: smaller, and it can be searched
    "svg.hashsalt": "msd",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
}


@dataclass(frozen=True, eq=False)
class Curve:
    """The held-out error of one run.

    Attributes:
        child: The run.
        steps: Step numbers, with shape (n,).
        elapsed_s: Seconds of training, with shape (n,).
        loss: The errors, with shape (n,).
    """

    child: Child
    steps: NDArray[np.float64]
    elapsed_s: NDArray[np.float64]
    loss: NDArray[np.float64]


def curves_of(rows: Iterable[tuple[Child, Sequence[Mapping[str, Any]]]]) -> list[Curve]:
    """Take the held-out curves from the metrics of runs.

    Args:
        rows: The runs with their measurements.

    Returns:
        The curves; none for a run without a measurement.
    """
    found = []
    for child, measured in rows:
        points = np.array([(row["step"], row["elapsed_s"], row["held_out"]) for row in measured if "held_out" in row])
        if len(points):
            found.append(Curve(child, *points.T))
    return found


def overview(rows: Sequence[TableRow], curves: Sequence[Curve], suffix: str, title: str = "") -> bytes:
    """Draw all charts of a comparison side by side.

    Args:
        rows: The table.
        curves: The held-out curves.
        suffix: ``svg`` or ``png``.
        title: What is compared.

    Returns:
        The picture.
    """
    modes = list(dict.fromkeys(row.mode for row in rows))

    def draw(axes: Sequence[Axes]) -> None:
        _errors(axes[0], rows)
        _ratios(axes[1], rows)
        _curve_pair(axes[3:5], curves, beside=False)
        for axis, mode in zip(axes[2::3], modes, strict=False):
            _bands(axis, rows, mode)

    return _render(4 + len(modes), draw, suffix, (13.5, 7.6), title)


def chart(name: str, rows: Sequence[TableRow], curves: Sequence[Curve], suffix: str = "svg") -> bytes:
    """Draw two charts that belong together, beside each other.

    Args:
        name: ``errors``, ``curves`` or ``bands``.
        rows: The table.
        curves: The held-out curves.
        suffix: ``svg`` or ``png``.

    Returns:
        The picture.
    """
    modes = list(dict.fromkeys(row.mode for row in rows))

    def draw(axes: Sequence[Axes]) -> None:
        match name:
            case "errors":
                _errors(axes[0], rows)
                _ratios(axes[1], rows)
            case "curves":
                _curve_pair(axes, curves, beside=True)
            case _:
                for axis, mode in zip(axes, modes, strict=True):
                    _bands(axis, rows, mode)

    count = len(modes) if name == "bands" else 2
    return _render(count, draw, suffix, (5.3 * count, 4.0))


def _render(
    count: int, draw: Callable[[Sequence[Axes]], None], suffix: str, size: tuple[float, float], title: str = ""
) -> bytes:
    # Imported here: it is slow, and only a drawing needs it.
    import matplotlib as mpl
    from matplotlib.figure import Figure

    out = io.BytesIO()
    with mpl.rc_context(_SETTINGS):
        figure: Figure = Figure(figsize=size, layout="constrained")
        columns = min(count, 3)
        axes = [figure.add_subplot(math.ceil(count / columns), columns, place + 1) for place in range(count)]
        draw(axes)
        if title:
            figure.suptitle(title)
        metadata = {"Date": None} if suffix == "svg" else {}
        figure.savefig(out, format=suffix, dpi=150, metadata=metadata)
    return out.getvalue()


def _errors(axis: Axes, rows: Sequence[TableRow]) -> None:
    for mode, known in _by_mode(rows):
        k = [row.k for row in known]
        spread = np.nan_to_num([row.spread for row in known])
        axis.errorbar(k, [row.error for row in known], yerr=spread, label=_titled(mode), **_mode_style(mode))
        floor = [row.floor for row in known]
        if not all(map(math.isnan, floor)):
            axis.plot(k, floor, ":", color=_MODE_COLOURS[mode], lw=1, label=f"exact, {_titled(mode)}")
    _by_k(axis, rows)
    _log_with_plain_numbers(axis)
    axis.set_title("Final error on held-out data")
    axis.set_ylabel(_ERROR)
    _legend(axis)


def _ratios(axis: Axes, rows: Sequence[TableRow]) -> None:
    for mode, known in _by_mode(rows):
        k = [row.k for row in known]
        spread = np.nan_to_num([row.ratio_spread for row in known])
        axis.errorbar(k, [row.ratio for row in known], yerr=spread, label=_titled(mode), **_mode_style(mode))
        if mode == "same-sigma":
            _line(axis, k, [row.floor_ratio for row in known], ":", _EXACT, "exact posterior mean")
            _line(axis, k, [row.reported_ratio for row in known], "x-.", _REPORT, "the report's Table 1")
    _by_k(axis, rows)
    axis.set_title("Error over that of k = 1")
    axis.set_ylim(bottom=0.0)
    _legend(axis)


def _titled(mode: Mode) -> str:
    return MODE_TITLES[mode].replace("σ_eff", _SIGMA_EFF)


def _mode_style(mode: Mode) -> dict[str, Any]:
    return {"color": _MODE_COLOURS[mode], "ls": _STYLES[mode], "marker": "o", "ms": 4, "capsize": 3}


def _line(axis: Axes, x: Sequence[float], y: Sequence[float], style: str, colour: str, label: str) -> None:
    if not all(map(math.isnan, y)):
        axis.plot(x, y, style, color=colour, lw=1, label=label)


def _bands(axis: Axes, rows: Sequence[TableRow], mode: Mode) -> None:
    shown = [row for row in rows if row.mode == mode and len(row.band_error)]
    for row in shown:
        colour = _colour(row.k, [row.k for row in rows])
        axis.plot(
            row.band_sigma_eff, row.band_error, _STYLES[mode], color=colour, marker="o", ms=3, label=f"k = {row.k}"
        )
        if not np.isnan(row.band_floor).all():
            axis.plot(row.band_sigma_eff, row.band_floor, ":", color=colour, lw=1)
    if shown:
        # The exact error over a finite set of images falls below any axis as the noise goes to zero.
        axis.set_ylim(bottom=0.3 * min(float(row.band_error.min()) for row in shown))
    _log_with_plain_numbers(axis, "x", "y")
    if shown and not all(np.isnan(row.band_floor).all() for row in shown):
        axis.plot([], [], ":", color=_EXACT, lw=1, label="exact posterior mean")
    axis.set_xlabel(f"{_SIGMA_EFF} = σ/√k, in data units")
    axis.set_ylabel(_ERROR)
    axis.set_title(f"By noise: {_titled(mode)}")
    _legend(axis)


def _curve_pair(axes: Sequence[Axes], curves: Sequence[Curve], *, beside: bool) -> None:
    ks = sorted({curve.child.k for curve in curves})
    for axis, name, label in zip(axes, ("steps", "elapsed_s"), ("steps", "seconds of training"), strict=True):
        for curve in curves:
            k, mode = curve.child.k, curve.child.modes[0]
            axis.plot(getattr(curve, name), curve.loss, _STYLES[mode], color=_colour(k, ks), lw=1)
        _log_with_plain_numbers(axis)
        axis.set_xlabel(label)
        axis.set_ylabel(_ERROR)
        axis.set_title(f"Held-out error against {label.split(' ')[0]}")
    for k in ks:
        axes[1].plot([], [], color=_colour(k, ks), label=f"k = {k}")
    for mode in dict.fromkeys(curve.child.modes[0] for curve in curves):
        axes[1].plot([], [], _STYLES[mode], color="black", lw=1, label=_titled(mode))
    if beside:
        _legend(axes[1], loc="upper left", bbox_to_anchor=(1.0, 1.0))
    else:
        # Between other charts there is no room beside this one; on it the legend would cover curves.
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": 4}
        _legend(axes[1], **below, columnspacing=1.2, handlelength=1.6)


def _by_mode(rows: Sequence[TableRow]) -> list[tuple[Mode, list[TableRow]]]:
    modes = dict.fromkeys(row.mode for row in rows)
    found = [(mode, [row for row in rows if row.mode == mode and not math.isnan(row.error)]) for mode in modes]
    return [(mode, known) for mode, known in found if known]


def _log_with_plain_numbers(axis: Axes, *names: str) -> None:
    """Make axes logarithmic, with enough plain numbers along each; the y axis where none is named."""
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    for name in names or ("y",):
        getattr(axis, f"set_{name}scale")("log")
        low, high = getattr(axis, f"get_{name}lim")()
        which = getattr(axis, f"{name}axis")
        which.set_major_locator(LogLocator(subs=next(subs for ratio, subs in _LABELLED if high <= ratio * low)))
        which.set_major_formatter(StrMethodFormatter("{x:g}"))
        which.set_minor_formatter("")


def _by_k(axis: Axes, rows: Sequence[TableRow]) -> None:
    ks = sorted({row.k for row in rows})
    axis.set_xscale("log", base=2)
    axis.set_xticks(ks, [str(k) for k in ks])
    axis.minorticks_off()
    axis.set_xlabel("copies k")


def _colour(k: int, ks: Sequence[int]) -> Any:
    import matplotlib as mpl

    places = sorted(set(ks))
    # The palest end of the map would not show on white.
    return mpl.colormaps["viridis"](0.9 * places.index(k) / max(1, len(places) - 1))


def _legend(axis: Axes, **options: Any) -> None:
    if axis.get_legend_handles_labels()[1]:
        axis.legend(**options)
