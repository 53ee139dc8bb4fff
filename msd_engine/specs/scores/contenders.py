"""Contenders of a comparison of objectives: one row for each, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from msd_engine.specs.nets import FUSIONS, Fusion
from msd_engine.specs.tables.forms import Form
from msd_engine.specs.tables.objectives import OBJECTIVES, Objective

Contender = Literal[
    "mse",
    "mse-plain",
    "mse-concat",
    "mse-mean",
    "mse-set",
    "ncsn",
    "denoising",
    "explicit",
    "implicit",
    "sliced-gaussian",
    "sliced-rademacher",
    "sliced-sphere",
    "sliced-vr",
]


@dataclass(frozen=True)
class ContenderRow:
    """One way to learn a score.

    Attributes:
        title: Display title.
        help: Sentence for the tooltip, without a full stop.
        objective: Its objective.
        noise: Its training noise: ``law`` of the experiment, ``ladder`` of noises, or ``one``, that of the comparison.
        form: Its parametrisation; None for that of the experiment.
        fusion: How its network combines the copies; None for the network of the experiment.
    """

    title: str
    help: str
    objective: Objective
    noise: Literal["law", "ladder", "one"] = "one"
    form: Form | None = None
    fusion: Fusion | None = None

    @property
    def uses_exact(self) -> bool:
        """Whether training uses the exact score, so that it is a bound and no rival."""
        return OBJECTIVES[self.objective].truth


def _by_fusion(fusion: Fusion) -> ContenderRow:
    title = FUSIONS[fusion].lower()
    words = (
        f"E ‖x̂ − x‖², preconditioned, over the noise law, with the fusion of copies “{title}”; for two copies or more"
    )
    return ContenderRow(f"Fusion ({title})", words, "mse", "law", "preconditioned", fusion)


def _at_one_noise(title: str, objective: Objective) -> ContenderRow:
    return ContenderRow(title, f"{OBJECTIVES[objective].help}; at the noise of the comparison alone", objective)


CONTENDERS: Final[dict[Contender, ContenderRow]] = {
    "mse": ContenderRow(
        "Squared error",
        "E ‖x̂ − x‖², preconditioned, over the noise law of the experiment",
        "mse",
        "law",
        "preconditioned",
    ),
    "mse-plain": ContenderRow(
        "Squared error, plain",
        "E ‖x̂ − x‖² of the report, where the network outputs x̂, over the same noise law",
        "mse",
        "law",
        "plain",
    ),
    "mse-concat": _by_fusion("concat"),
    "mse-mean": _by_fusion("mean"),
    "mse-set": _by_fusion("set"),
    "ncsn": ContenderRow(
        "NCSN", "denoising score matching with λ = σ² over the ladder of training noises", "denoising", "ladder"
    ),
    "denoising": _at_one_noise("Denoising", "denoising"),
    "explicit": _at_one_noise("Explicit", "explicit"),
    "implicit": _at_one_noise("Implicit", "implicit"),
    "sliced-gaussian": _at_one_noise("Sliced (Gaussian)", "sliced-gaussian"),
    "sliced-rademacher": _at_one_noise("Sliced (Rademacher)", "sliced-rademacher"),
    "sliced-sphere": _at_one_noise("Sliced (sphere)", "sliced-sphere"),
    "sliced-vr": _at_one_noise("Sliced (less variance)", "sliced-vr"),
}
"""Rows in the order of the table on the screen."""

BY_FUSION: Final = tuple(name for name, row in CONTENDERS.items() if row.fusion is not None)
"""Contenders that differ in their fusion of copies alone."""

if set(CONTENDERS) != set(get_args(Contender)):
    raise TypeError(f"Every contender has one row: {sorted(set(CONTENDERS) ^ set(get_args(Contender)))} differ.")
