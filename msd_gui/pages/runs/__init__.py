"""The runs page: a list of trainings."""

from __future__ import annotations

from msd_gui.pages.base.page import Page
from msd_gui.pages.base.row import PageRow, Surroundings


def _build(around: Surroundings) -> Page:
    from msd_gui.pages.runs.page import RunsPage

    return RunsPage(around.engine, around.clock)


PAGE = PageRow("runs", "Runs", "Find, compare, annotate and resume runs.", _build)
