"""Exports of the measured quality: its figures as a table, shares of the classes, nearest images, and the curve."""

from __future__ import annotations

import numpy as np

from msd_engine.events import Neighbours, Quality
from msd_engine.events.figures import Grid, Table
from msd_gui.pages.base.exports import figure_export, plot_exports
from msd_gui.pages.base.page import Export, Page
from msd_gui.pages.quality.panel import Measuring, reading
from msd_gui.widgets.controls.numbers import number


def quality_exports(page: Page, measuring: Measuring) -> list[Export]:
    """List the exports of a panel of quality."""
    rows, quality, near = list[Export](), measuring.quality, measuring.neighbours
    if quality is not None:
        table, spec_json = quality_table(quality), quality.spec_json
        rows.append(figure_export(page.engine, "Figures of quality", "quality", lambda: table, lambda: spec_json))
        if quality.class_names:
            rows += plot_exports(page, measuring.shares, "Class shares", "class-shares", lambda: spec_json)
    if near is not None and measuring.near_spec_json:
        grid, drawn_with = near_grid(near), measuring.near_spec_json
        rows.append(figure_export(page.engine, grid.name, "nearest", lambda: grid, lambda: drawn_with))
    return rows + measuring.curve.exports(page)


def quality_table(quality: Quality) -> Table:
    """Put the figures of quality, with their intervals, beside those of real images."""
    readings = [reading(figure, quality) for figure in quality.figures]
    rows = tuple((one.name, one.value, one.expected) for one in readings)
    return Table("Quality of the samples", ("", "samples", "real"), rows)


def near_grid(near: Neighbours) -> Grid:
    """Lay a sample and its nearest training images side by side, with their differences."""
    images = np.concatenate([near.image[None], near.neighbours])
    words = ("sample", *(number(float(one), 2) for one in near.pixels))
    return Grid("Nearest training images", images, len(images), above=words)
