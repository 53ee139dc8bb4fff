"""The images page: training on images, and image chains."""

from __future__ import annotations

from msd_engine.specs import load_preset
from msd_gui.pages.base.page import Page
from msd_gui.pages.base.row import PageRow, Surroundings
from msd_gui.session.experiment import Experiment


def _build(around: Surroundings) -> Page:
    from msd_gui.pages.images.page import ImagesPage

    return ImagesPage(Experiment(load_preset("mnist-2min")), around.engine, around.clock, around.networks)


PAGE = PageRow("images", "Images", "Train on images and watch them appear.", _build)
