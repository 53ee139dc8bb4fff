"""The launches of all kinds of jobs in one."""

from __future__ import annotations

from msd_gui.bridge.engine.chains import ChainsLaunch
from msd_gui.bridge.engine.comparisons import ComparisonsLaunch
from msd_gui.bridge.engine.files import FilesLaunch
from msd_gui.bridge.engine.judging import JudgingLaunch
from msd_gui.bridge.engine.pictures import PicturesLaunch
from msd_gui.bridge.engine.runs import RunsLaunch
from msd_gui.bridge.engine.training import TrainingLaunch


class EngineLaunch(
    TrainingLaunch, ChainsLaunch, PicturesLaunch, JudgingLaunch, FilesLaunch, RunsLaunch, ComparisonsLaunch
):
    """Makes all jobs of the engine, as `msd_gui.bridge.launch` promises them to the pages."""
