"""Figures of the papers open by name with their three sentences, and export by name."""

from __future__ import annotations

import pytest

from msd_engine.specs import load_preset
from msd_engine.specs.tables.papers import FIGURES


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_opens_with_its_story_and_exports_by_name(qtbot, window, name):
    row = FIGURES[name]
    page, other = (window.pages[name] for name in (("scores", "mixture") if row.learned else ("mixture", "scores")))
    assert name not in other.presets
    assert name in page.presets
    reported = []
    page.noticed.connect(reported.append)
    page.load(load_preset(name))
    assert reported == [row.story]
    assert page.experiment.preset == name
    (paper,) = [export for export in page.exports() if export.label == "Figure of the papers"]
    assert (paper.name, paper.suffix) == (name, ".svg")
    page.load(load_preset("ring-8"))
    assert not [export for export in page.exports() if export.label == "Figure of the papers"]
