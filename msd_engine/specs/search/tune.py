"""Settings of a search for the best chain of one network, and the lines of its journal.

The search is successive halving (K. Jamieson and A. Talwalkar 2016, arXiv:1502.07943) on common random numbers: all
candidates draw the chains of the same seed, a rung judges more chains of fewer candidates, and a third survives.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from msd_engine.specs.base import LARGEST_SEED, Spec, param
from msd_engine.specs.experiment import ExperimentSpec
from msd_engine.specs.sampling import SamplingSpec
from msd_engine.specs.tables.samplers import Sampler

FAMILY: tuple[Sampler, ...] = ("predictor-corrector", "langevin", "underdamped", "consistent")
"""Samplers of the search: those with a step."""

FINALISTS = 3
"""Candidates of the last rung, whose chains are reported."""

LEAST_CHAINS = 16
"""Fewest chains that a rung judges."""

_SURVIVORS = 3

Measure = Literal["kernel", "frechet"]
Chains = Annotated[int, Field(ge=LEAST_CHAINS, le=100_000)]


class TuneSpec(Spec):
    """A search for the best chain of one network within a number of evaluations."""

    format: Literal["msd-tune-1"] = "msd-tune-1"
    base: ExperimentSpec
    evaluations: int = param(
        200,
        title="Evaluations of a chain",
        ge=4,
        le=100_000,
        slider=(20, 1000),
        scale="log",
        help="Most evaluations of the network for one chain; a guided evaluation counts twice.",
    )
    candidates: int = param(
        24,
        title="Candidates",
        ge=2,
        le=1000,
        slider=(6, 100),
        scale="log",
        help="Number of chains to compare: that of the settings, well-known ones, and others drawn at random.",
    )
    rungs: tuple[Chains, ...] = Field((64, 128, 256, 512), min_length=1, max_length=12)
    final: Chains = 2048
    seed: int = param(0, title="Seed", ge=0, le=LARGEST_SEED, help="Seed of the candidates and of the held-out halves.")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if any(below >= above for below, above in zip(self.rungs, self.rungs[1:], strict=False)):
            raise ValueError("The rungs must rise, such as 64, 128, 256: each judges more chains than the one before.")
        if self.base.data.kind != "images":
            raise ValueError("base.data.kind must be 'images': chains of points are not judged by features.")
        return self

    @property
    def entrants(self) -> tuple[int, ...]:
        """Largest number of candidates at each rung: a third survives, and no fewer than `FINALISTS`."""
        counts = [self.candidates]
        for _ in self.rungs[1:]:
            counts.append(min(counts[-1], max(FINALISTS, -(-counts[-1] // _SURVIVORS))))
        return tuple(counts)

    @property
    def chain_evaluations(self) -> int:
        """Largest number of evaluations of the whole search, over all chains; with the preset's chain at the end."""
        drawn, before = 0, 0
        for count, chains in zip(self.entrants, self.rungs, strict=True):
            drawn += count * (chains - before)
            before = chains
        finalists = min(FINALISTS, self.entrants[-1])
        return self.evaluations * (drawn + finalists * max(0, self.final - before) + self.final)


class JudgedFigure(Spec):
    """One figure of the final report.

    Attributes:
        name: Its name, as in `msd_engine.events.Figure`.
        title: Display title.
        value: The figure.
        low: Lower end of its 95 % interval, None if unknown.
        high: Upper end.
        real: The same figure for as many real images, None if undefined.
        real_spread: Its standard deviation between sets of real images, None for a single set.
        better: Whether ``lower``, ``higher`` or nearest to ``real`` is better.
    """

    name: str
    title: str
    value: float
    low: float | None = None
    high: float | None = None
    real: float | None = None
    real_spread: float | None = None
    better: Literal["lower", "higher", "real"] = "lower"


class TuneLine(Spec):
    """One line of the journal: a judged candidate.

    Attributes:
        format: Name and version of the layout.
        search: Digest of the search and of its network.
        stage: ``rung`` for a judgement by the tuning half, ``final`` for the report by the other half.
        candidate: Number of the candidate; -1 for the preset's chain.
        sampling: Its settings.
        evaluations: Evaluations of the network for one chain.
        chains: Number of judged chains.
        measure: The distance.
        value: The distance from the tuning half; None in the report and for a distance that is not finite.
        low: Lower end of its 95 % interval, None if unknown.
        high: Upper end.
        figures: Figures of the report; empty for a rung.
    """

    format: Literal["msd-tune-line-1"] = "msd-tune-line-1"
    search: str
    stage: Literal["rung", "final"]
    candidate: int = Field(ge=-1)
    sampling: SamplingSpec
    evaluations: int = Field(ge=1)
    chains: int = Field(ge=1)
    measure: Measure
    value: float | None = None
    low: float | None = None
    high: float | None = None
    figures: tuple[JudgedFigure, ...] = ()
