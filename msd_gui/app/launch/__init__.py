"""Launches jobs: the one folder that imports `msd_engine.jobs`, and with it torch, in working threads."""

from __future__ import annotations

from msd_gui.app.launch.chains import ChainsLaunch
from msd_gui.app.launch.comparisons import ComparisonsLaunch
from msd_gui.app.launch.files import FilesLaunch
from msd_gui.app.launch.judging import JudgingLaunch
from msd_gui.app.launch.pictures import PicturesLaunch
from msd_gui.app.launch.runs import RunsLaunch
from msd_gui.app.launch.training import TrainingLaunch


class EngineLaunch(
    TrainingLaunch, ChainsLaunch, PicturesLaunch, JudgingLaunch, FilesLaunch, RunsLaunch, ComparisonsLaunch
):
    """Makes all jobs of the engine, as `msd_gui.bridge.launch` promises them to the pages."""


__all__ = ["EngineLaunch"]
