"""What a comparison of numbers of copies tells: which run goes on, its errors, and the table as it fills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event
from msd_engine.events.training import HeldOutLoss


@dataclass(frozen=True, eq=False)
class ChildStarted(Event):
    """A run of the comparison begins or goes on; what was told of its curves before is told again.

    Attributes:
        name: Name of the run.
        number: Its place in the queue, from 1.
        total: Runs in the queue.
        step: The step it starts from.
    """

    name: str
    number: int
    total: int
    step: int


@dataclass(frozen=True, eq=False)
class ChildHeldOut(Event):
    """One measurement of a run on data not trained on.

    Attributes:
        name: Name of the run.
        measured: The errors.
    """

    name: str
    measured: HeldOutLoss


@dataclass(frozen=True, eq=False)
class ChildEnded(Event):
    """A run of the comparison is done and measured, on draws that are the same for every k and seed.

    Attributes:
        name: Name of the run.
        k: Number of copies.
        seed: Seed of the training.
        modes: The modes that it belongs to.
        failed: Whether it failed; then nothing was measured.
        text: One sentence on the outcome.
        step: Training steps.
        elapsed_s: Seconds of training.
        error: Mean ‖x̂ − x‖² over the law of σ, NaN where it failed.
        floor: The same of the exact posterior mean, NaN where it is not known.
        band_sigma_eff: Geometric centres of the bands of σ_eff, with shape (bands,).
        band_error: Mean error in each band, with shape (bands,).
        band_floor: That of the exact posterior mean, NaN where it is not known, with shape (bands,).
    """

    name: str
    k: int
    seed: int
    modes: tuple[str, ...]
    failed: bool
    text: str
    step: int
    elapsed_s: float
    error: float
    floor: float
    band_sigma_eff: NDArray[np.float64]
    band_error: NDArray[np.float64]
    band_floor: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TableRow:
    """One line of the table: one number of copies in one mode.

    Attributes:
        mode: ``same-sigma`` or ``same-sigma-eff``.
        k: Number of copies.
        seeds: Seeds measured so far.
        failed: Runs that failed.
        steps: Mean number of training steps.
        error: Mean of the final error over seeds, NaN without any.
        spread: Standard deviation of the final error over seeds, NaN for fewer than two.
        ratio: Mean over the seeds of both of error(k)/error(1), NaN where there is none.
        ratio_spread: Its standard deviation over seeds, NaN for fewer than two.
        by_seed: The final error of each seed.
        floor: Error of the exact posterior mean on the same draws, NaN where it is not known.
        floor_ratio: floor(k)/floor(1), NaN where it is not known.
        reported: The report's figure, NaN where it gives none.
        reported_ratio: The report's figure over its figure for k = 1.
        band_sigma_eff: Geometric centres of the bands of σ_eff, with shape (bands,); empty without a measurement.
        band_error: Mean error in each band, with shape (bands,).
        band_spread: Standard deviation over seeds, with shape (bands,).
        band_floor: Error of the exact posterior mean in each band, with shape (bands,).
    """

    mode: Literal["same-sigma", "same-sigma-eff"]
    k: int
    seeds: int
    failed: int
    steps: float
    error: float
    spread: float
    by_seed: Mapping[int, float]
    ratio: float
    ratio_spread: float
    floor: float
    floor_ratio: float
    reported: float
    reported_ratio: float
    band_sigma_eff: NDArray[np.float64]
    band_error: NDArray[np.float64]
    band_spread: NDArray[np.float64]
    band_floor: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SweepTable(Event):
    """The table as it stands.

    Attributes:
        rows: One line for each mode and k that is asked for, measured or not.
        done: Runs that are done.
        total: Runs that are asked for.
        findings: What the figures say of the report's claim, one sentence each.
    """

    keep: ClassVar[str] = "latest"
    rows: tuple[TableRow, ...]
    done: int
    total: int
    findings: tuple[str, ...]
