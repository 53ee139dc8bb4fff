"""The scores page: objectives side by side, with the exact score."""

from __future__ import annotations

from msd_engine.specs import load_preset
from msd_gui.pages.base.page import Page
from msd_gui.pages.base.row import PageRow, Surroundings
from msd_gui.session.experiment import Experiment


def _build(around: Surroundings) -> Page:
    from msd_engine.specs.scores.spec import usual_base
    from msd_gui.pages.scores.page import ScoresPage

    experiment = Experiment(usual_base(load_preset("two-gaussians")))
    return ScoresPage(experiment, around.engine, around.clock)


PAGE = PageRow(
    "scores", "Scores", "Train objectives side by side, and see whose score is nearest to the exact one.", _build
)
