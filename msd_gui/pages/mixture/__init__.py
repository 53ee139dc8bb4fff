"""The mixture page: chains in the plane, with the exact score."""

from __future__ import annotations

from msd_engine.specs import load_preset
from msd_gui.pages.base.page import Page
from msd_gui.pages.base.row import PageRow, Surroundings
from msd_gui.session.experiment import Experiment


def _build(around: Surroundings) -> Page:
    from msd_gui.pages.mixture.page import MixturePage

    experiment = Experiment(load_preset("ncsn-toy"))
    return MixturePage(experiment, around.engine, around.clock, around.networks, around.actions)


PAGE = PageRow("mixture", "Mixture", "Chains in the plane, with the exact score.", _build)
