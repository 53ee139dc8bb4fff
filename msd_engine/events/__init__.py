"""Events: frozen values with numpy arrays that come up from the engine. Imports no torch."""

from msd_engine.events.base import Event, Failed, Finished, Notice, Progress, Restored, Started, SweepFound, Tick
from msd_engine.events.by_k.table import ErrorsByK
from msd_engine.events.catalogue import Difference, Differences, HeldOutCurve, RunRow, RunsChanged, RunStatus, Watched
from msd_engine.events.causes import Explained, Trial
from msd_engine.events.denoising import Copies, Denoised, Estimate, GrowingCopies, NoisyPicture, PictureRead
from msd_engine.events.figures import Preview, RestoredImages, RestoredPoints
from msd_engine.events.quality import Figure, Neighbours, Quality
from msd_engine.events.sampling import (
    ChainMoves,
    ChainReport,
    ChainSegment,
    FieldFrame,
    FilmFrame,
    ImageFrame,
    Ladder,
    Modes,
    Proposed,
    Samples,
    ScoreErrors,
    Split,
    TwinSegment,
)
from msd_engine.events.scores.copies import CopiesTested
from msd_engine.events.scores.fields import ScoreFields, ScoreTruth
from msd_engine.events.scores.table import ScoreCurves, ScoreRow, ScoreTable
from msd_engine.events.sweep import ChildEnded, ChildHeldOut, ChildStarted, SweepTable, TableRow
from msd_engine.events.training import Checkpointed, HeldOutLoss, LossPoints, StripFrame
from msd_engine.events.tuning import Effect, Finalist, TuneCost, TuneGrid, TuneReport, TuneRow, TuneTable
from msd_engine.events.verdicts import Verdicts

__all__ = [
    "ChainMoves",
    "ChainReport",
    "ChainSegment",
    "Checkpointed",
    "ChildEnded",
    "ChildHeldOut",
    "ChildStarted",
    "Copies",
    "CopiesTested",
    "Denoised",
    "Difference",
    "Differences",
    "Effect",
    "ErrorsByK",
    "Estimate",
    "Event",
    "Explained",
    "Failed",
    "FieldFrame",
    "Figure",
    "FilmFrame",
    "Finalist",
    "Finished",
    "GrowingCopies",
    "HeldOutCurve",
    "HeldOutLoss",
    "ImageFrame",
    "Ladder",
    "LossPoints",
    "Modes",
    "Neighbours",
    "NoisyPicture",
    "Notice",
    "PictureRead",
    "Preview",
    "Progress",
    "Proposed",
    "Quality",
    "Restored",
    "RestoredImages",
    "RestoredPoints",
    "RunRow",
    "RunStatus",
    "RunsChanged",
    "Samples",
    "ScoreCurves",
    "ScoreErrors",
    "ScoreFields",
    "ScoreRow",
    "ScoreTable",
    "ScoreTruth",
    "Split",
    "Started",
    "StripFrame",
    "SweepFound",
    "SweepTable",
    "TableRow",
    "Tick",
    "Trial",
    "TuneCost",
    "TuneGrid",
    "TuneReport",
    "TuneRow",
    "TuneTable",
    "TwinSegment",
    "Verdicts",
    "Watched",
]
