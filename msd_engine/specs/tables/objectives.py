"""Objectives of training: one row for each, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Objective = Literal[
    "mse", "denoising", "explicit", "implicit", "sliced-gaussian", "sliced-rademacher", "sliced-sphere", "sliced-vr"
]


@dataclass(frozen=True)
class ObjectiveRow:
    """A training objective.

    Attributes:
        title: Display title.
        help: Sentence for the tooltip, without a full stop.
        module: Module of `msd_engine.objectives` with the loss.
        derivatives: Whether it differentiates the score by ȳ, which is too dear for images.
        truth: Whether it needs the exact score, which images do not have.
    """

    title: str
    help: str
    module: str
    derivatives: bool = False
    truth: bool = False

    @property
    def only_points(self) -> str:
        """Why it cannot train on images; empty if it can."""
        if self.truth:
            return "it needs the exact score, which images do not have"
        return "it needs derivatives of the score, which are too dear for images" if self.derivatives else ""


OBJECTIVES: Final[dict[Objective, ObjectiveRow]] = {
    "mse": ObjectiveRow("Squared error of x̂", "E λ‖x̂ − x‖², with the weight of the parametrisation", "mse"),
    "denoising": ObjectiveRow("Denoising", "½ E σ_eff²‖s − (x − ȳ)/σ_eff²‖² (Vincent; NCSN)", "denoising"),
    "explicit": ObjectiveRow("Explicit", "½ E σ_eff²‖s − ∇log p‖², against the exact score", "explicit", truth=True),
    "implicit": ObjectiveRow(
        "Implicit", "E σ_eff²(tr ∇s + ½‖s‖²), with the exact trace (Hyvärinen)", "implicit", derivatives=True
    ),
    "sliced-gaussian": ObjectiveRow(
        "Sliced (Gaussian)", "E σ_eff²(vᵀ∇s v + ½(vᵀs)²) along a direction v ~ N(0, I) (Song)", "sliced_gaussian", True
    ),
    "sliced-rademacher": ObjectiveRow(
        "Sliced (Rademacher)", "the same along a direction with coordinates ±1", "sliced_rademacher", True
    ),
    "sliced-sphere": ObjectiveRow(
        "Sliced (sphere)",
        "the same along a direction evenly distributed on the sphere of radius √d",
        "sliced_sphere",
        True,
    ),
    "sliced-vr": ObjectiveRow(
        "Sliced (less variance)", "E σ_eff²(vᵀ∇s v + ½‖s‖²) along v ~ N(0, I)", "sliced_vr", derivatives=True
    ),
}
"""Rows in the order of the list on the screen."""

if set(OBJECTIVES) != set(get_args(Objective)):
    raise TypeError(f"Every objective has one row: {sorted(set(OBJECTIVES) ^ set(get_args(Objective)))} differ.")


def objective_help() -> str:
    """Return one sentence on each objective, in table order."""
    return " ".join(f"{row.title}: {row.help}." for row in OBJECTIVES.values())
