"""The compare page: the same training for several k and seeds."""

from __future__ import annotations

from msd_gui.pages.base.page import Page
from msd_gui.pages.base.row import PageRow, Surroundings


def _build(around: Surroundings) -> Page:
    from msd_gui.pages.compare.page import ComparePage

    return ComparePage(around.engine, around.clock)


PAGE = PageRow("compare", "Compare", "Train for several k and seeds, and see fairly what the copies bring.", _build)
