"""Figures of the papers open by name with their three sentences, and export by name."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from msd_engine.events import Finished
from msd_engine.jobs.figures import paper_figures
from msd_engine.specs import load_preset
from msd_engine.specs.tables.papers import FIGURES
from msd_gui.pages.advice.findings import Facts
from msd_gui.pages.advice.rules import advise


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


def test_the_remedy_of_the_card_draws_the_annealed_chains_of_the_figure(monkeypatch, tmp_path):
    drawn = []

    def reports(spec, _run, _cadence):
        drawn.append(spec)
        yield from ()
        weights = {"mode_weights": np.array([0.5, 0.5]), "true_weights": np.array([0.8, 0.2])}
        return SimpleNamespace(x_hat=np.zeros((1, 2))), SimpleNamespace(**weights)

    monkeypatch.setattr(paper_figures, "_drawn", reports)
    *_, last = paper_figures.paper_figure("ncsn-weights", tmp_path / "weights.png")
    assert isinstance(last, Finished), last
    plain, annealed = drawn
    facts = Facts(sampled=plain.sampling, shares=(0.5, 0.5), true_shares=(0.8, 0.2), counted=4000, stayed=1.0)
    (card,) = [found for found in advise(plain, facts) if found.action == "Anneal"]
    assert plain.replace_all(dict(card.remedy)) == annealed
    # The denoiser of Song and Ermon 2019 gets the noise of the level.
    assert annealed.sampling.conditioning == "scheduled"
