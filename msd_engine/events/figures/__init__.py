"""Figures for exports, and the events about them."""

from msd_engine.events.figures.drawn import (
    DPI,
    FILM_DPI,
    LEAST_DPI,
    LEAST_MM,
    MOST_DPI,
    MOST_MM,
    SWEEP_SHEET,
    WIDTH_MM,
    Figure,
    Grid,
    Sheet,
    Table,
)
from msd_engine.events.figures.shown import Preview, RestoredImages, RestoredPoints

__all__ = [
    "DPI",
    "FILM_DPI",
    "LEAST_DPI",
    "LEAST_MM",
    "MOST_DPI",
    "MOST_MM",
    "SWEEP_SHEET",
    "WIDTH_MM",
    "Figure",
    "Grid",
    "Preview",
    "RestoredImages",
    "RestoredPoints",
    "Sheet",
    "Table",
]
