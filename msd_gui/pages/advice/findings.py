"""Facts about a sampling besides its settings, and advice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from msd_engine.events import Explained, Ladder, ScoreErrors
from msd_engine.specs import SamplingSpec

Fields = Mapping[str, float | int | str]


@dataclass(frozen=True)
class Facts:
    """Measured facts; NaN and empty if unknown.

    Attributes:
        dim: Dimension of the data.
        data_std: Standard deviation of one coordinate of the data about their mean.
        largest_distance: Largest pairwise distance of the data.
        sampled: Settings of the sampling for the following facts.
        verdicts: The verdict on each chain.
        shares: Share of the samples in each class or mode.
        true_shares: Share of the data in each class or mode.
        class_names: Names of the classes; empty for modes.
        counted: Number of samples that the shares were counted on; 0 for all chains of the sampling.
        stayed: Share of the chains that end in the mode that they were in half way down the last level.
        acceptance: Share of the proposals at the last level that were accepted.
        score_errors: Errors of the learned score at the states of the chains.
        ladder: The ladder and the effect of its steps.
        explained: The experiment on why chains of this sampling died or missed the shares, so far; None before it.
    """

    dim: int = 0
    data_std: float = math.nan
    largest_distance: float = math.nan
    sampled: SamplingSpec | None = None
    verdicts: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    true_shares: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()
    counted: int = 0
    stayed: float = math.nan
    acceptance: float = math.nan
    score_errors: ScoreErrors | None = None
    ladder: Ladder | None = None
    explained: Explained | None = None


@dataclass(frozen=True)
class Advice:
    """One problem and its remedy.

    Attributes:
        title: One short line.
        evidence: One or two sentences with the figures.
        action: Text of the button.
        remedy: New values of fields by dotted path.
        severity: ``error`` if no sample can be right, else ``warning``.
        request: Request of a button without a remedy: ``why`` or ``why shares`` for the experiment, ``stop`` for its
            end, ``train``.
    """

    title: str
    evidence: str
    action: str
    remedy: Fields = field(default_factory=dict)
    severity: Literal["warning", "error"] = "warning"
    request: Literal["", "why", "why shares", "stop", "train"] = ""
