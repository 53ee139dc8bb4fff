"""Events of a comparison of numbers of copies: the current run, its errors, and the table so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event
from msd_engine.events.training import HeldOutLoss


@dataclass(frozen=True, eq=False)
class ChildStarted(Event):
    """A run of the comparison begins or resumes; events of its earlier curves are repeated.

    Attributes:
        name: Name of the run.
        number: Its place in the queue, from 1.
        total: Runs in the queue.
        step: First step.
    """

    name: str
    number: int
    total: int
    step: int


@dataclass(frozen=True, eq=False)
class ChildHeldOut(Event):
    """One measurement of a run on held-out data.

    Attributes:
        name: Name of the run.
        measured: The errors.
    """

    name: str
    measured: HeldOutLoss


@dataclass(frozen=True, eq=False)
class ChildEnded(Event):
    """A run of the comparison has ended and is measured on the same draws for every k and seed.

    Attributes:
        name: Name of the run.
        k: Number of copies.
        seed: Seed of the training.
        modes: Its modes.
        failed: Whether it failed; a failed run is not measured.
        text: One sentence on the outcome.
        step: Training steps.
        elapsed_s: Seconds of training.
        error: Mean ‖x̂ − x‖² over the law of σ, NaN after a failure.
        floor: The same of the exact posterior mean, NaN if unknown.
        band_sigma_eff: Geometric centres of the bands of σ_eff, with shape (bands,).
        band_error: Mean error in each band, with shape (bands,).
        band_floor: Error of the exact posterior mean in each band, NaN if unknown, with shape (bands,).
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
    """One row of the table: one number of copies in one mode, by one fusion of the copies.

    Attributes:
        mode: ``same-sigma`` or ``same-sigma-eff``.
        k: Number of copies.
        seeds: Seeds measured so far.
        failed: Runs that failed.
        steps: Mean number of training steps.
        fewest_steps: Fewest training steps of a seed, NaN without any.
        most_steps: Most training steps of a seed, NaN without any.
        compared_at: Training step of all errors of the table: the end of every run where they all took equally many
            steps; else the last step at which all were measured; NaN where no such step exists.
        judged: Whether errors of different k may be judged: they are of the same step, at about the same share of each
            run's budget.
        error: Mean error over seeds, at `compared_at` or, where that is NaN, at the end of each run; NaN without any.
        spread: Standard deviation of the error over seeds, NaN for fewer than two.
        ratio: Mean of error(k)/error(1) over seeds with both, NaN without any or where `compared_at` is NaN.
        ratio_spread: Its standard deviation over seeds, NaN for fewer than two.
        fusion: The fusion where several are compared; else empty.
        place: Place of the fusion among the compared ones, from 0.
        fusion_ratio: Mean over seeds of the error over that of the first fusion at the same k and mode, NaN for the
            first fusion, without a pair, or where `compared_at` is NaN.
        fusion_spread: Its standard deviation over seeds, NaN for fewer than two.
        by_seed: The error of each seed.
        floor: Error of the exact posterior mean on the same draws, NaN if unknown.
        floor_ratio: floor(k)/floor(1), NaN if unknown.
        reported: Figure of the report, NaN if it gives none.
        reported_ratio: Figure of the report over its figure for k = 1.
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
    fewest_steps: float
    most_steps: float
    compared_at: float
    judged: bool
    error: float
    spread: float
    by_seed: Mapping[int, float]
    ratio: float
    ratio_spread: float
    fusion: str
    place: int
    fusion_ratio: float
    fusion_spread: float
    floor: float
    floor_ratio: float
    reported: float
    reported_ratio: float
    band_sigma_eff: NDArray[np.float64]
    band_error: NDArray[np.float64]
    band_spread: NDArray[np.float64]
    band_floor: NDArray[np.float64]

    @property
    def steps_in_words(self) -> str:
        """The training steps, such as ``500`` or ``24 to 269``; a dash where no run has ended."""
        if math.isnan(self.fewest_steps):
            return "–"
        return " to ".join(f"{steps:,.0f}" for steps in dict.fromkeys((self.fewest_steps, self.most_steps)))


def moment(rows: Sequence[TableRow]) -> str:
    """Name the moment of the errors of a table.

    Args:
        rows: The table.

    Returns:
        ``Final error``, or ``Error at step N`` where runs went on after that step.
    """
    at = next((row.compared_at for row in rows), math.nan)
    ends = {steps for row in rows for steps in (row.fewest_steps, row.most_steps) if not math.isnan(steps)}
    return "Final error" if math.isnan(at) or ends == {at} else f"Error at step {at:,.0f}"


@dataclass(frozen=True, eq=False)
class SweepTable(Event):
    """The table so far.

    Attributes:
        rows: One row for each requested mode and k, measured or not.
        done: Number of finished runs.
        total: Number of requested runs.
        findings: Conclusions on the report's claim, one sentence each.
    """

    keep: ClassVar[str] = "latest"
    rows: tuple[TableRow, ...]
    done: int
    total: int
    findings: tuple[str, ...]
