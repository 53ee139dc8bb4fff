"""The noise page: a picture or a cloud of points on its way to noise, white and coloured side by side."""

from __future__ import annotations

from msd_engine.specs import ExperimentSpec, ImagesSpec, NoiseSpec, UNetSpec
from msd_gui.pages.base.page import Page
from msd_gui.pages.base.row import PageRow, Surroundings
from msd_gui.session.experiment import Experiment


def _build(around: Surroundings) -> Page:
    from msd_gui.pages.noise.page import NoisePage

    noise = NoiseSpec(process="ddpm", covariance="power-law")
    spec = ExperimentSpec(data=ImagesSpec(name="shapes"), network=UNetSpec(), noise=noise).replace("training.k", 1)
    return NoisePage(Experiment(spec), around.engine, around.clock)


PAGE = PageRow("noise", "Noise", "See what white and coloured noise hide of a picture, and when.", _build)
