"""Draw plots into files by matplotlib: PNG, SVG with text, and PDF."""

from __future__ import annotations

import io
import math
import textwrap
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from msd_engine.events.figures import DPI, WIDTH_MM, Sheet
from msd_engine.events.plots import ORDER_COLOURS, Array, Axis, Bars, Curve, Curves, Field, Key, Plane, Plot
from msd_engine.runs.report.fields import draw_field
from msd_engine.runs.report.moves import draw_moves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Palette = Mapping[str, str]

_MM = 25.4
_FONT_PT, SMALL_PT = 9.0, 8.0
# Inches of one letter of small text, about, and of a line of a caption.
LETTER, CAPTION_ROW = 0.56 * SMALL_PT / 72, 1.3 * SMALL_PT / 72
# Height over width of curves and bars; inches beside and below the plane, and of a row of the legend.
_SHAPE, _PLANE_FRAME, _LEGEND_ROW = 0.58, (0.55, 0.55), 0.185
_MOST_TICKS, _BAR = 12, 0.7
_ARROW_INCHES = 0.16
# Labelled multiples of powers of ten, by the range of an axis.
_LABELLED = ((8.0, (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)), (1e3, (1.0, 2.0, 5.0)), (math.inf, (1.0,)))
_DASHES: dict[str, Any] = {"line": "-", "dash": (0, (4, 2)), "dotted": ":"}
_SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text: smaller, and it can be searched
    "svg.hashsalt": "msd",
    "pdf.fonttype": 42,
    "font.size": _FONT_PT,
    "axes.titlesize": _FONT_PT + 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "legend.fontsize": SMALL_PT,
}
_OF_TEXT = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color")
_OF_GROUND = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
# Matplotlib keeps its settings for the whole process.
_ONE_AT_A_TIME = threading.Lock()


def figure(
    plot: Plot,
    palette: Palette,
    width_mm: float = WIDTH_MM,
    dpi: float = DPI,
    suffix: str = "png",
    *,
    labels: bool = True,
    caption: str = "",
) -> bytes:
    """Draw one plot.

    Args:
        plot: The plot.
        palette: Colours as ``#RRGGBB`` by role.
        width_mm: Width in millimetres.
        dpi: Pixels per inch of a PNG.
        suffix: ``png``, ``svg`` or ``pdf``.
        labels: Whether to draw its legend.
        caption: Text below it; empty for none.

    Returns:
        The content of the file; the same plot always gives the same bytes.
    """
    with settings(palette):
        return saved(drawn(plot, palette, Sheet(width_mm, dpi, labels=labels, caption=caption)), suffix, dpi)


def saved(drawn: Figure, suffix: str, dpi: float) -> bytes:
    """Return the file of a figure, which is laid out once for all its files; call only inside `settings`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    engine = drawn.get_layout_engine()
    if engine is not None:
        FigureCanvasAgg(drawn)
        drawn.set_dpi(dpi)
        engine.execute(drawn)
        # Otherwise each file would lay it out and draw it a second time.
        drawn.set_layout_engine(None)
    out = io.BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix, {})
    drawn.savefig(out, format=suffix, dpi=dpi, metadata=metadata)
    return out.getvalue()


@contextmanager
def settings(palette: Palette | None = None) -> Iterator[None]:
    """The style of all drawings, with the ground and the text of a palette, while one of them is made."""
    # Imported here: it is slow, and only a drawing needs it.
    import matplotlib as mpl

    colours = palette or {}
    of_text = {name: colours["text"] for name in _OF_TEXT if "text" in colours}
    of_ground = {name: colours["base"] for name in _OF_GROUND if "base" in colours}
    with _ONE_AT_A_TIME, mpl.rc_context(_SETTINGS | of_text | of_ground):
        yield


def drawn(plot: Plot, palette: Palette, sheet: Sheet) -> Figure:
    """Draw a plot with its legend and caption; inside `settings` alone."""
    from matplotlib.figure import Figure

    width = sheet.width_mm / _MM
    keys, height = plot.entries() if sheet.labels else (), _SHAPE * width
    columns = _columns(keys, width)
    if isinstance(plot, Plane | Field):
        left, right, low, high = plot.bounds
        beside, below = _PLANE_FRAME
        height = min((width - beside) * (high - low) / (right - left), 1.5 * width) + below
        height += _LEGEND_ROW if plot.note and sheet.labels else 0.0
        if isinstance(plot, Plane) and not sheet.labels:
            plot = replace(plot, note="")
    lines = caption_lines(sheet)
    height += math.ceil(len(keys) / columns) * _LEGEND_ROW + len(lines) * CAPTION_ROW
    made = Figure(figsize=(width, height), layout="constrained")
    draw(made.add_subplot(), plot, palette)
    if lines:
        words = "\n".join(written(one) for one in lines)
        made.supxlabel(words, x=0.01, ha="left", size=SMALL_PT, linespacing=1.15)
    if keys:
        handles = [handle(key, palette) for key in keys]
        made.legend(handles=handles, loc="outside upper left", ncols=columns, **_LEGEND)
    return made


def caption_lines(sheet: Sheet) -> list[str]:
    """Break the caption of a sheet into lines that fit its width."""
    return textwrap.wrap(sheet.caption, max(8, int(sheet.width_mm / _MM / LETTER)))


_LEGEND: Any = {"borderpad": 0.2, "columnspacing": 1.2, "handlelength": 1.8, "handletextpad": 0.5}


def _columns(keys: Sequence[Key], width: float) -> int:
    """The most columns of a legend that have room in a width in inches."""
    letter, mark = LETTER, 6.3
    lengths = [len(key.words) + mark for key in keys]
    for columns in range(len(keys), 1, -1):
        if letter * sum(max(column) for column in np.array_split(lengths, columns)) <= width:
            return columns
    return 1


def draw(axes: Axes, plot: Plot, palette: Palette) -> None:
    """Draw a plot without its legend on the axes of a figure; call only inside `settings`."""
    match plot:
        case Curves():
            _draw_curves(axes, plot, palette)
        case Bars():
            _draw_bars(axes, plot, palette)
        case Plane():
            _draw_plane(axes, plot, palette)
        case Field():
            draw_field(axes, plot, partial(colour_of, palette))


def written(words: str) -> str:
    """Return words in the syntax of matplotlib: σ_eff with its index, x with its hat, dollar signs escaped."""
    return words.replace("$", r"\$").replace("σ_eff", r"σ$_{\mathrm{eff}}$").replace("x̂", r"$\hat{\mathrm{x}}$")


def colour_of(palette: Palette, role: str) -> Any:
    """Return the colour of a role."""
    from matplotlib.colors import LinearSegmentedColormap

    if role.startswith("order ") and role not in palette:
        return LinearSegmentedColormap.from_list("order", ORDER_COLOURS)(float(role.removeprefix("order ")))
    return palette.get(role, role)


def handle(key: Key, palette: Palette) -> Any:
    """Return the handle of a legend entry."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    colour = colour_of(palette, key.colour)
    marks = {"dot": "o", "ring": "o", "cross": "+", "arrow": r"$\rightarrow$", "diamond": "D"}
    if key.mark == "patch":
        return Patch(color=colour, label=written(key.words))
    if key.mark in _DASHES:
        return Line2D([], [], color=colour, ls=_DASHES[key.mark], lw=1.5, label=written(key.words))
    face = "none" if key.mark == "ring" else colour
    size = 12.0 if key.mark == "arrow" else 5.0
    return Line2D([], [], ls="", marker=marks[key.mark], color=colour, mfc=face, ms=size, label=written(key.words))


# -- curves ------------------------------------------------------------------------------------------------------------


def _draw_curves(axes: Axes, plot: Curves, palette: Palette) -> None:
    set_axis(axes, "x", plot.x)
    set_axis(axes, "y", plot.y)
    for curve in plot.curves:
        if not curve.across:
            _draw_curve(axes, curve, curve.x, palette)
    if plot.bounds is not None:
        axes.set_xlim(*plot.bounds[:2])
        axes.set_ylim(*plot.bounds[2:])
    else:
        unframed = [line for line in plot.curves if not line.framed]
        framed = [line.y[line.y > 0] if plot.y.log else line.y for line in plot.curves if line.framed and len(line.y)]
        if unframed and any(len(values) for values in framed):
            axes.set_ylim(bottom=0.6 * min(float(np.nanmin(values)) for values in framed if len(values)))
    for curve in plot.curves:
        if curve.across and len(curve.x):
            left, right = axes.get_xlim()
            _draw_curve(axes, curve, np.array([left, *curve.x, right]), palette)
            axes.set_xlim(left, right)
    for name, axis in (("x", plot.x), ("y", plot.y)):
        if axis.log and not axis.ticks:
            _plain_numbers(axes, name)


def _draw_curve(axes: Axes, curve: Curve, x: Array, palette: Palette) -> None:
    colour = colour_of(palette, curve.colour)

    def over(values: Array) -> Array:
        return np.array([values[0], *values, values[-1]]) if curve.across else values

    low, high = curve.low, curve.high
    if low is not None and high is not None:
        if curve.spread == "band":
            axes.fill_between(x, over(low), over(high), color=colour, alpha=0.2, lw=0)
        else:
            away = np.abs(np.nan_to_num(np.stack([curve.y - low, high - curve.y])))
            axes.errorbar(x, curve.y, yerr=away, fmt="none", ecolor=colour, elinewidth=1.0, capsize=3)
    few = int(np.isfinite(curve.y).sum()) < 3 and not curve.across
    mark = "o" if curve.dots or few else None
    axes.plot(x, over(curve.y), color=colour, ls=_DASHES[curve.style], lw=1.3, marker=mark, ms=3.5)


def set_axis(axes: Axes, name: str, axis: Axis) -> None:
    """Set label and scale of one axis, ``x`` or ``y``."""
    getattr(axes, f"set_{name}label")(written(axis.label))
    if axis.ticks:
        if axis.log:
            getattr(axes, f"set_{name}scale")("log", base=2)
        getattr(axes, f"set_{name}ticks")(axis.ticks, [f"{tick:g}" for tick in axis.ticks])
        getattr(axes, f"{name}axis").minorticks_off()
    elif axis.log:
        getattr(axes, f"set_{name}scale")("log")


def _plain_numbers(axes: Axes, name: str) -> None:
    """Label a logarithmic axis with enough plain numbers."""
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    low, high = getattr(axes, f"get_{name}lim")()
    which = getattr(axes, f"{name}axis")
    which.set_major_locator(LogLocator(subs=next((subs for ratio, subs in _LABELLED if high <= ratio * low), (1.0,))))
    which.set_major_formatter(StrMethodFormatter("{x:g}"))
    which.set_minor_formatter("")


# -- bars --------------------------------------------------------------------------------------------------------------


def _draw_bars(axes: Axes, plot: Bars, palette: Palette) -> None:
    at = np.arange(1, len(plot.names) + 1)
    axes.bar(at, np.nan_to_num(plot.values), _BAR, color=colour_of(palette, plot.colour))
    axes.hlines(plot.expected, at - _BAR / 2, at + _BAR / 2, colors=palette.get("base", "white"), lw=3.0)
    axes.hlines(plot.expected, at - _BAR / 2, at + _BAR / 2, colors=palette.get("text", "black"), lw=1.5)
    if len(at) <= _MOST_TICKS:
        for place, value, line in zip(at, plot.values, plot.expected, strict=True):
            if np.isfinite(value):
                top = (place, max(value, line))
                axes.annotate(f"{value:.2f}", top, (0, 3), textcoords="offset points", ha="center", size=SMALL_PT)
    every = max(1, -(-len(at) // _MOST_TICKS))
    axes.set_xticks(at[::every], plot.names[::every])
    axes.grid(visible=False, axis="x")
    axes.set_xlim(0.4, len(at) + 0.6)
    axes.set_ylim(0.0, 1.15 * plot.top)
    axes.set_xlabel(plot.noun)
    axes.set_ylabel("share")


# -- the plane ---------------------------------------------------------------------------------------------------------


def _draw_plane(axes: Axes, plot: Plane, palette: Palette) -> None:
    left, right, low, high = plot.bounds
    axes.set_aspect("equal")
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    axes.set_autoscale_on(False)
    axes.grid(visible=False)
    axes.set_xlabel("x₁")
    axes.set_ylabel("x₂")
    axes.set_title(plot.note, loc="right", size=SMALL_PT)
    if "density" in plot.on and plot.has_density:
        _draw_density(axes, plot, palette)
    if "data" in plot.on:
        colour = colour_of(palette, "data")
        axes.plot(*plot.data.T, ".", color=colour, ms=2.4, mew=0, alpha=0.6)
    if "modes" in plot.on:
        axes.plot(*plot.modes.T, "+", color=colour_of(palette, "text"), ms=8, mew=1.2)
    for name, score in plot.scores():
        _draw_arrows(axes, plot.at, score, colour_of(palette, name), wide=name == "exact")
    if "tails" in plot.on:
        _draw_tails(axes, plot, palette)
    if "heads" in plot.on:
        edge = {"mec": colour_of(palette, "base"), "mew": 0.6}
        colour, living = colour_of(palette, plot.colour), plot.living()
        axes.plot(*plot.heads[~living].T, "o", color=colour, mfc="none", ms=4.5)
        axes.plot(*plot.heads[living].T, "o", color=colour, ms=4.5, **edge)
        if plot.chosen is not None and plot.chosen < len(plot.heads):
            axes.plot(*plot.heads[plot.chosen], "o", color=colour_of(palette, "chosen"), ms=7, **edge)
    if "twins" in plot.on and len(plot.twins):
        colour = colour_of(palette, "text")
        axes.plot(*plot.twins.transpose(2, 0, 1), color=colour, lw=0.6, ls=_DASHES["dotted"])
        axes.plot(*plot.twins[-1].T, "o", color=colour, mfc="none", ms=6.5, mew=0.8)
    if "copies" in plot.on and plot.copies is not None:
        y, y_mean, x_hat = plot.copies
        chosen = colour_of(palette, "chosen")
        for copy in y:
            axes.plot(*np.stack([y_mean[0], copy]).T, color=chosen, lw=0.7, alpha=0.5)
        axes.plot(*y.T, "o", color=chosen, mfc=colour_of(palette, "base"), ms=5, mew=1.0)
        axes.plot(*y_mean.T, "o", color=chosen, ms=6.5)
        axes.plot(*x_hat.T, "D", color=colour_of(palette, "text"), mec=colour_of(palette, "base"), ms=7)

    if "moves" in plot.on and plot.moves is not None:
        draw_moves(axes, plot.moves, colour_of(palette, plot.colour), colour_of(palette, "text"))


def _draw_density(axes: Axes, plot: Plane, palette: Palette) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    share = plot.density_share()
    left, right, low, high = plot.density_bounds
    x, y = np.linspace(left, right, share.shape[1]), np.linspace(low, high, share.shape[0])
    ends = [colour_of(palette, "base"), colour_of(palette, "density")]
    colours = LinearSegmentedColormap.from_list("density", ends)
    axes.contourf(x, y, share, levels=np.linspace(1e-6, 1, 11), cmap=colours, vmin=0.0, vmax=0.95, zorder=0)


def _draw_arrows(axes: Axes, at: Array, score: Array, colour: Any, *, wide: bool) -> None:
    size = np.hypot(*score.T)
    good = np.isfinite(at).all(axis=1) & np.isfinite(size)
    u, v = (score / np.maximum(size, 1.0)[:, None])[good].T
    # Wide and below, so that a learned arrow lies inside the exact one if they agree.
    width, head, length = (0.022, 2.6, 3.2) if wide else (0.009, 4.5, 5.0)
    shape: Any = {"width": width, "headwidth": head, "headlength": length, "headaxislength": length}
    scale: Any = {"units": "inches", "scale_units": "inches", "scale": 1 / _ARROW_INCHES}
    axes.quiver(*at[good].T, u, v, color=colour, zorder=2, **shape, **scale)


def _draw_tails(axes: Axes, plot: Plane, palette: Palette) -> None:
    from matplotlib.collections import LineCollection

    if len(plot.tails) < 2:
        return
    tails = plot.readable_tails()
    middle, colour = tails.shape[1] // 2, colour_of(palette, plot.colour)
    # Paler means older.
    for part, alpha in ((tails[:, : middle + 1], 0.35), (tails[:, middle:], 0.7)):
        axes.add_collection(LineCollection(list(part), colors=[colour], linewidths=0.8, alpha=alpha, zorder=2))
    if plot.chosen is not None and plot.chosen < plot.tails.shape[1]:
        axes.plot(*plot.tails[:, plot.chosen].T, color=colour_of(palette, "chosen"), lw=1.3)
