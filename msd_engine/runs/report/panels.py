"""Planes and fields side by side in one file, for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from msd_engine.events.figures import Sheet
from msd_engine.events.plots import Field, Plane
from msd_engine.runs.report.plots import CAPTION_ROW, SMALL_PT, Palette, caption_lines, draw, saved, settings, written

PAPER: Palette = {
    "base": "#ffffff",
    "text": "#1a1a1a",
    "muted": "#6b7280",
    "data": "#6b7280",
    "exact": "#0072b2",
    "learned": "#d55e00",
    "chosen": "#882288",
    "density": "#7fb2dd",
}
"""Colours on white paper by role."""
_TITLE_ROW = 0.7


def panels(plots: Sequence[Plane | Field], sheet: Sheet, suffix: str) -> bytes:
    """Draw plots side by side, each with its note as title.

    Args:
        plots: The plots, left to right.
        sheet: Size and caption.
        suffix: ``png``, ``svg`` or ``pdf``.

    Returns:
        The content of the file; the same plots give the same bytes.
    """
    from matplotlib.figure import Figure

    width, lines = sheet.width_mm / 25.4, caption_lines(sheet)
    with settings(PAPER):
        height = width / len(plots) + _TITLE_ROW + len(lines) * CAPTION_ROW
        made = Figure(figsize=(width, height), layout="constrained")
        for axes, plot in zip(made.subplots(1, len(plots), squeeze=False)[0], plots, strict=True):
            draw(axes, replace(plot, note="") if isinstance(plot, Plane) else replace(plot, name=""), PAPER)
            axes.set_title(written(plot.note), size=SMALL_PT + 1)
        if lines:
            words = "\n".join(written(one) for one in lines)
            made.supxlabel(words, x=0.01, ha="left", size=SMALL_PT, linespacing=1.15)
        return saved(made, suffix, sheet.dpi)
