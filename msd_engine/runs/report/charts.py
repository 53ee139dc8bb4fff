"""The charts of a comparison of numbers of copies, as SVG or PNG, drawn without a screen.

Colour stands for k and, where several are compared, for the fusion of the copies, the style of a line for the mode,
dots for the exact posterior mean and crosses for the report.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import plots
from msd_engine.events.figures import SWEEP_SHEET, Sheet
from msd_engine.events.plots import Axis, Curves, Key, order_colours
from msd_engine.events.sweep import TableRow, moment
from msd_engine.runs.report.plots import (
    CAPTION_ROW,
    SMALL_PT,
    caption_lines,
    draw,
    handle,
    saved,
    settings,
    written,
)
from msd_engine.specs.sweep import MODE_TITLES, Child, Mode, mode_words, series_order, series_words

_STYLES: dict[Mode, plots.LineStyle] = {"same-sigma": "line", "same-sigma-eff": "dash"}
_MODE_COLOURS: dict[Mode, str] = {"same-sigma": "#0072b2", "same-sigma-eff": "#d55e00"}
# Of the further fusions.
_FUSION_COLOURS = ("#cc79a7", "#56b4e9", "#e69f00")
_EXACT, _REPORT = "#7f7f7f", "#009e73"
_ERROR = Axis("mean ‖x̂ − x‖²", log=True)
_SHAPE = 7.6 / 13.5
# Legends of many curves, which they would cover.
_BESIDE = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
_BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": 4, "columnspacing": 1.2, "handlelength": 1.6}


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
    """Extract the held-out curves from the metrics of runs.

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


def overview(
    rows: Sequence[TableRow],
    curves: Sequence[Curve],
    suffixes: Sequence[str],
    title: str = "",
    sheet: Sheet | None = None,
) -> list[bytes]:
    """Draw all charts of a comparison side by side, laid out once.

    Args:
        rows: The table.
        curves: The held-out curves.
        suffixes: Some of ``svg``, ``png`` and ``pdf``.
        title: What is compared.
        sheet: Size and caption; narrower pages have smaller charts with the same letters. None for the usual ones.

    Returns:
        The picture by suffix.
    """
    sheet = sheet or SWEEP_SHEET
    bands, pair = _bands(rows), _curve_pair(curves)
    shown = [_errors(rows), _ratios(rows), *bands[:1], *pair, *bands[1:]]
    size = sheet.width_mm / 25.4, sheet.width_mm / 25.4 * _SHAPE + len(caption_lines(sheet)) * CAPTION_ROW
    return _render(shown, suffixes, size, {pair[1].name: _BELOW}, title if sheet.labels else "", sheet)


def chart(name: str, rows: Sequence[TableRow], curves: Sequence[Curve], suffix: str = "svg") -> bytes:
    """Draw a pair of charts side by side.

    Args:
        name: ``errors``, ``curves`` or ``bands``.
        rows: The table.
        curves: The held-out curves.
        suffix: ``svg`` or ``png``.

    Returns:
        The picture.
    """
    match name:
        case "errors":
            shown = [_errors(rows), _ratios(rows)]
        case "curves":
            shown = _curve_pair(curves)
        case _:
            shown = _bands(rows)
    legends = {shown[-1].name: _BESIDE} if name == "curves" else {}
    return _render(shown, (suffix,), (5.3 * len(shown), 4.0), legends)[0]


def svg_of(shown: Sequence[Curves]) -> str:
    """Return charts side by side, in rows of three, as the text of an SVG."""
    columns, rows = min(len(shown), 3), math.ceil(len(shown) / 3)
    text = _render(shown, ("svg",), (5.3 * columns, 4.0 * rows), {})[0].decode()
    return text[text.index("<svg") :]


def side_by_side(shown: Sequence[Curves], suffix: str, sheet: Sheet) -> bytes:
    """Draw charts of the same curves side by side, with one legend beside the last, as ``svg``, ``png`` or ``pdf``."""
    size = sheet.width_mm / 25.4, 4.0 + len(caption_lines(sheet)) * CAPTION_ROW
    plain = [replace(one, legend=()) for one in shown[:-1]]
    return _render([*plain, shown[-1]], (suffix,), size, {shown[-1].name: _BESIDE}, "", sheet)[0]


def _render(
    shown: Sequence[Curves],
    suffixes: Sequence[str],
    size: tuple[float, float],
    legends: Mapping[str, Mapping[str, Any]],
    title: str = "",
    sheet: Sheet | None = None,
) -> list[bytes]:
    """Draw charts in rows of three, a file per suffix; the legends of those that are named are placed as given."""
    from matplotlib.figure import Figure

    with settings():
        made = Figure(figsize=size, layout="constrained")
        columns = min(len(shown), 3)
        for place, plot in enumerate(shown, 1):
            axes = made.add_subplot(math.ceil(len(shown) / columns), columns, place)
            draw(axes, plot, {})
            axes.set_title(written(plot.name))
            if not plot.y.log:
                axes.set_ylim(bottom=0.0)
            if plot.entries():
                axes.legend(handles=[handle(key, {}) for key in plot.entries()], **legends.get(plot.name, {}))
        if title:
            made.suptitle(written(title))
        if sheet is not None and sheet.caption:
            lines = "\n".join(written(one) for one in caption_lines(sheet))
            made.supxlabel(lines, x=0.01, ha="left", size=SMALL_PT)
        return [saved(made, suffix, (sheet or SWEEP_SHEET).dpi) for suffix in suffixes]


def _errors(rows: Sequence[TableRow]) -> Curves:
    curves = []
    for mode, known in _by_mode(rows):
        k, error, spread, floor = _columns(known, "k", "error", "spread", "floor")
        curves.append(_of_mode(known[0], k, error, spread))
        if not known[0].place:
            curves.append(_exact(f"exact, {MODE_TITLES[mode]}", k, floor, _MODE_COLOURS[mode]))
    return Curves(f"{moment(rows)} on held-out data", _by_k(rows), _ERROR, _with_values(curves))


def _ratios(rows: Sequence[TableRow]) -> Curves:
    curves = []
    for mode, known in _by_mode(rows):
        k, ratio, spread = _columns(known, "k", "ratio", "ratio_spread")
        curves.append(_of_mode(known[0], k, ratio, spread))
        if mode == "same-sigma" and not known[0].place:
            floor, reported = _columns(known, "floor_ratio", "reported_ratio")
            curves.append(_exact("exact posterior mean", k, floor, _EXACT))
            curves.append(plots.Curve("the report's Table 1", k, reported, _REPORT, "dash", dots=True))
    return Curves("Error over that of k = 1", _by_k(rows), Axis("ratio"), _with_values(curves))


def _bands(rows: Sequence[TableRow]) -> list[Curves]:
    colours, found = order_colours([series_order(row.k, row.place) for row in rows]), []
    for mode in dict.fromkeys(row.mode for row in rows):
        shown = [row for row in rows if row.mode == mode and len(row.band_error)]
        learned = [plots.Curve(series_words(row.k, row.fusion), row.band_sigma_eff, row.band_error,
                               colours[series_order(row.k, row.place)], _STYLES[mode], dots=True)
                   for row in shown]  # fmt: skip
        # The exact error on a finite set of images falls below any axis as the noise goes to zero.
        exact = _with_values([replace(_exact("", row.band_sigma_eff, row.band_floor, colours[row.k]), framed=False)
                              for row in shown if not row.place])  # fmt: skip
        keys = [Key(curve.style, curve.colour, curve.words) for curve in learned]
        keys += [Key("dotted", _EXACT, "exact posterior mean")] if exact else []
        x = Axis("σ_eff = σ/√k, in data units", log=True)
        found.append(Curves(f"By noise: {MODE_TITLES[mode]}", x, _ERROR, (*learned, *exact), tuple(keys)))
    return found


def _curve_pair(curves: Sequence[Curve]) -> list[Curves]:
    series = {series_order(curve.child.k, curve.child.place): curve.child for curve in curves}
    colours, modes = order_colours(list(series)), dict.fromkeys(curve.child.modes[0] for curve in curves)
    of_k = [Key("line", colour, series_words(series[at].k, series[at].fusion)) for at, colour in colours.items()]
    keys = (*of_k, *(Key(_STYLES[mode], "black", MODE_TITLES[mode]) for mode in modes))
    found = []
    for name, label in (("steps", "steps"), ("elapsed_s", "seconds of training")):
        drawn = [plots.Curve(curve.child.words, getattr(curve, name), curve.loss,
                             colours[series_order(curve.child.k, curve.child.place)],
                             _STYLES[curve.child.modes[0]]) for curve in curves]  # fmt: skip
        found.append(
            Curves(f"Held-out error against {label.split(' ')[0]}", Axis(label), _ERROR, tuple(drawn), legend=())
        )
    return [found[0], replace(found[1], legend=keys)]


def _of_mode(row: TableRow, k: NDArray[Any], value: NDArray[Any], spread: NDArray[Any]) -> plots.Curve:
    colour = _FUSION_COLOURS[(row.place - 1) % len(_FUSION_COLOURS)] if row.place else _MODE_COLOURS[row.mode]
    words = mode_words(row.mode, row.fusion)
    away = np.nan_to_num(spread)
    ends = {"low": value - away, "high": value + away}
    return plots.Curve(words, k, value, colour, _STYLES[row.mode], dots=True, **ends)


def _exact(words: str, x: NDArray[Any], value: NDArray[Any], colour: str) -> plots.Curve:
    return plots.Curve(words, x, value, colour, "dotted")


def _with_values(curves: Iterable[plots.Curve]) -> tuple[plots.Curve, ...]:
    return tuple(curve for curve in curves if not np.isnan(curve.y).all())


def _columns(rows: Sequence[TableRow], *names: str) -> list[NDArray[np.float64]]:
    return [np.array([getattr(row, name) for row in rows], np.float64) for name in names]


def _by_mode(rows: Sequence[TableRow]) -> list[tuple[Mode, list[TableRow]]]:
    """Return the rows that have an error, by mode and fusion."""
    known = [row for row in rows if not math.isnan(row.error)]
    found = dict.fromkeys((row.mode, row.place) for row in known)
    return [(mode, [row for row in known if (row.mode, row.place) == (mode, place)]) for mode, place in found]


def _by_k(rows: Sequence[TableRow]) -> Axis:
    return Axis("copies k", log=True, ticks=tuple(float(k) for k in sorted({row.k for row in rows})))
