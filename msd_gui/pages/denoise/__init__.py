"""The denoise page: one picture, its noisy copies, and chains by hand."""

from __future__ import annotations

from msd_engine.specs import load_preset
from msd_gui.pages.base.page import Page
from msd_gui.pages.base.row import PageRow, Surroundings
from msd_gui.session.experiment import Experiment


def _build(around: Surroundings) -> Page:
    from msd_gui.pages.denoise.page import DenoisePage

    spec = load_preset("digits-30s").replace("sampling.source", "exact")
    return DenoisePage(Experiment(spec), around.engine, around.clock, around.networks)


PAGE = PageRow("denoise", "Denoise", "Draw or open a picture, and see what k noisy copies of it tell.", _build)
