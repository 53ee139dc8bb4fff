"""Settings of a comparison of numbers of copies: one experiment, several k and seeds, one or two modes.

As σ_eff = σ/√k (theory §3, fact 1), k has two effects, which the two modes separate. The modes agree at k = 1.

* Same σ: every k gets the same law of the noise σ of one copy, as in the report. σ_eff falls as 1/√k, so that even a
  perfect denoiser errs less with more copies.
* Same σ_eff: every k gets the same law of σ_eff, so that σ grows as √k. k does not change the error of a perfect
  denoiser; any difference comes from learning.

The law is that of the base experiment, with its σ_eff and σ at k = 1.

A comparison may also train several fusions of the copies. At the same σ_eff their errors tell whether what a network of
the mean or the set gives up, the order of the copies, costs anything.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from msd_engine.specs.base import LARGEST_SEED, Spec, SpecError
from msd_engine.specs.experiment import ExperimentSpec
from msd_engine.specs.nets import Fusion

Mode = Literal["same-sigma", "same-sigma-eff"]

MODES: tuple[Mode, ...] = ("same-sigma", "same-sigma-eff")
"""Both modes, the report's first."""

MODE_TITLES: dict[Mode, str] = {"same-sigma": "same σ per copy", "same-sigma-eff": "same σ_eff"}
"""Display titles of the modes."""

REPORTED: dict[str, dict[int, float]] = {
    "mnist": {1: 29.379, 2: 25.383, 4: 20.606, 8: 15.631, 16: 11.904},
    "cifar-10": {1: 90.929, 2: 73.761, 4: 76.676, 8: 64.834, 16: 39.172},
}
"""Table 1 of the report: final denoising error by data and k (theory §2). Its unit is not stated: compare ratios."""

_MOST_RUNS = 1000

Copies = Annotated[int, Field(ge=1, le=64)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]


@dataclass(frozen=True)
class Child:
    """One training of a comparison.

    Attributes:
        name: Name of its run folder.
        k: Number of copies.
        seed: Seed of the training.
        modes: Its modes: both for k = 1, where they agree.
        spec: The experiment.
        fusion: Its fusion of the copies where several are compared; else empty.
        place: Place of that fusion among the compared ones, from 0.
    """

    name: str
    k: int
    seed: int
    modes: tuple[Mode, ...]
    spec: ExperimentSpec
    fusion: str = ""
    place: int = 0

    @property
    def words(self) -> str:
        """Display name, such as ``k = 8, same σ_eff, seed 0``."""
        mode = "" if self.k == 1 else f", {MODE_TITLES[self.modes[0]]}"
        return f"{series_words(self.k, self.fusion)}{mode}, seed {self.seed}"


class SweepSpec(Spec):
    """A comparison of k: the same network, budget and data order for each k, seed and mode."""

    format: Literal["msd-sweep-1"] = "msd-sweep-1"
    title: str = Field("", max_length=200)
    base: ExperimentSpec
    ks: tuple[Copies, ...] = Field((1, 2, 4, 8, 16), min_length=1)
    seeds: tuple[Seed, ...] = Field((0, 1, 2), min_length=1)
    modes: tuple[Mode, ...] = Field(MODES, min_length=1)
    fusions: tuple[Fusion, ...] = ()

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        lists = (("ks", self.ks), ("seeds", self.seeds), ("modes", self.modes), ("fusions", self.fusions))
        for name, values in lists:
            if len(set(values)) != len(values):
                raise ValueError(f"{name} must not name the same value twice.")
        if len(self.ks) * len(self.seeds) * len(self.modes) * len(self.compared) > _MOST_RUNS:
            raise ValueError(f"A comparison has at most {_MOST_RUNS} runs: choose fewer ks, seeds, modes or fusions.")
        return self

    @property
    def compared(self) -> tuple[str, ...]:
        """The fusions of the copies that are trained: those asked for, or that of the base."""
        return self.fusions or (self.base.network.fusion,)

    def children(self) -> tuple[Child, ...]:
        """Return the trainings in order: seed by seed, so that each pass compares all k and fusions."""
        found: dict[str, Child] = {}
        for seed, mode, (place, fusion) in itertools.product(self.seeds, self.modes, enumerate(self.compared)):
            for k in self.ks:
                # Runs with the fusion of the base have the same names with and without other fusions.
                own = "" if fusion == self.base.network.fusion else f"{fusion}-"
                name = f"{own}k{k}-seed{seed}" if k == 1 else f"{own}k{k}-{mode}-seed{seed}"
                modes = self.modes if k == 1 else (mode,)
                # At k = 1 the modes agree; name and spec must not depend on which of them are requested. A set is
                # trained with more copies too, for which they differ.
                shared: Mode = "same-sigma-eff" if fusion == "set" else "same-sigma"
                spec = child_spec(self.base, k, shared if k == 1 else mode, seed, fusion)
                shown = fusion if len(self.compared) > 1 else ""
                found.setdefault(name, Child(name, k, seed, modes, spec, shown, place))
        return tuple(found.values())

    @property
    def runs(self) -> int:
        """Number of trainings: one of k = 1 serves all modes."""
        of_one_seed = sum(1 if k == 1 else len(self.modes) for k in self.ks)
        return of_one_seed * len(self.seeds) * len(self.compared)

    @property
    def shared_runs(self) -> int:
        """Number of trainings that serve both modes: those of k = 1, one for each seed and fusion."""
        return len(self.seeds) * len(self.compared) if 1 in self.ks and len(self.modes) > 1 else 0

    def with_more(
        self,
        *,
        ks: Iterable[int] = (),
        seeds: Iterable[int] = (),
        modes: Iterable[str] = (),
        fusions: Iterable[str] = (),
    ) -> Self:
        """Return the comparison with further numbers of copies, seeds, modes and fusions appended.

        Raises:
            SpecError: A value is out of range.
        """
        wanted: dict[str, Iterable[Any]] = {"ks": ks, "seeds": seeds, "modes": modes}
        fields = {n: tuple(dict.fromkeys((*getattr(self, n), *more))) for n, more in wanted.items()}
        together = tuple(dict.fromkeys((*self.compared, *fusions)))
        return self.replace_all(fields | ({"fusions": together} if together != self.compared else {}))


def series_words(k: int, fusion: str) -> str:
    """Return the display name of k, with the fusion where it is not empty."""
    return f"k = {k}, {fusion}" if fusion else f"k = {k}"


def mode_words(mode: Mode, fusion: str) -> str:
    """Return the display name of a mode, with the fusion where it is not empty."""
    return f"{MODE_TITLES[mode]}, {fusion}" if fusion else MODE_TITLES[mode]


def series_order(k: int, place: int) -> int:
    """Return a number that puts runs in the order of their fusion, then of k."""
    return 100 * place + k


def child_spec(base: ExperimentSpec, k: int, mode: Mode, seed: int, fusion: str = "") -> ExperimentSpec:
    """Return the experiment of one training, with the fusion of the base or another.

    With the same σ_eff its sampling ladder is the base's at equal σ_eff, σ √(k/k_base), with the same step ratio r;
    with the same σ it is the base's own.

    Raises:
        SpecError: A value is out of range.
    """
    sampling = base.sampling
    widening = math.sqrt(k / base.training.k) if mode == "same-sigma-eff" else 1.0
    other = fusion if fusion != base.network.fusion else ""
    title = f"{base.title or base.data.name}: {series_words(k, other)}, {MODE_TITLES[mode]}, seed {seed}"
    if len(title) > 200:
        title = title[:199] + "…"
    return base.replace_all(
        {
            "title": title,
            "noise.quantity": "sigma" if mode == "same-sigma" else "sigma-eff",
            "network.fusion": fusion or base.network.fusion,
            "training.k": k,
            "training.seed": seed,
            "sampling.sigma_1": sampling.sigma_1 * widening,
            "sampling.sigma_L": sampling.sigma_L * widening,
        }
    )


def parse_list(name: str, text: str) -> tuple[int, ...]:
    """Read whole numbers from a text such as ``1, 2, 4``.

    Args:
        name: Their name, for the message.
        text: Numbers separated by commas or spaces.

    Raises:
        SpecError: The text has no number, or a part that is not a whole number.
    """
    parts = text.replace(",", " ").split()
    # A part such as 000 comes from a number with a thousands comma: 10,000.
    if not parts or not all(re.fullmatch(r"0|[1-9]\d{0,9}", part, re.ASCII) for part in parts):
        raise SpecError(name, f"{name} must be whole numbers such as 1,2,4, but is {text!r}.")
    return tuple(int(part) for part in parts)


class SweepResult(Spec):
    """Result of one training of a comparison, measured on the same draws for every k and seed.

    Attributes:
        format: Name and version of the layout.
        name: Name of the run folder.
        k: Number of copies.
        seed: Seed of the training.
        modes: Its modes.
        fusion: Its fusion of the copies, empty for that of the base.
        status: ``finished`` or ``failed``.
        text: One sentence on the outcome.
        step: Training steps.
        elapsed_s: Seconds of training.
        error: Mean ‖x̂ − x‖² over the law of σ, on held-out data; None after a failure.
        band_sigma_eff: Geometric centres of the bands of σ_eff.
        band_error: Mean error in each band.
        floor: Error of the exact posterior mean, None if unknown.
        band_floor: The same in each band.
    """

    format: Literal["msd-sweep-result-1"] = "msd-sweep-result-1"
    name: str
    k: Copies
    seed: Seed
    modes: tuple[Mode, ...]
    fusion: Literal[Fusion, ""] = ""
    status: Literal["finished", "failed"]
    text: str = ""
    step: int = Field(0, ge=0)
    elapsed_s: float = Field(0.0, ge=0.0)
    error: float | None = None
    band_sigma_eff: tuple[float, ...] = ()
    band_error: tuple[float, ...] = ()
    floor: float | None = None
    band_floor: tuple[float, ...] = ()


class DrawnSamples(Spec):
    """Verdicts on the chains that drew the samples of one k of a comparison.

    Attributes:
        format: Name and version of the layout.
        verdicts: ``alive`` or the failure, for each chain.
        features: Features behind the verdict “off the data”; empty without that verdict.
        left_out: Reason for leaving that verdict out, in one sentence; otherwise empty.
    """

    format: Literal["msd-sweep-samples-1"] = "msd-sweep-samples-1"
    verdicts: tuple[str, ...]
    features: str = ""
    left_out: str = ""
