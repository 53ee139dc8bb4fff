"""Parametrisations of a denoiser: one row for each, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Form = Literal["preconditioned", "plain", "predict-n", "predict-v", "score", "energy"]


@dataclass(frozen=True)
class FormRow:
    """A parametrisation.

    Attributes:
        title: Display title.
        help: Sentence for the tooltip, without a full stop.
        output: Module of `msd_engine.denoisers.outputs` that turns the network's output into x̂.
        derivatives: Whether it differentiates the network by ȳ, which is too dear for images.
    """

    title: str
    help: str
    output: str
    derivatives: bool = False

    @property
    def only_points(self) -> str:
        """Why it cannot be used for images; empty if it can."""
        return "it needs derivatives of the network, which are too dear for images" if self.derivatives else ""


FORMS: Final[dict[Form, FormRow]] = {
    "preconditioned": FormRow(
        "Preconditioned", "the network learns the correction to a scaled ȳ (Karras et al.)", "preconditioned"
    ),
    "plain": FormRow("Plain (report)", "the network outputs x̂", "plain"),
    "predict-n": FormRow("Noise n (DDPM)", "the network outputs the white noise of ȳ", "predict_n"),
    "predict-v": FormRow("Velocity v", "the network outputs v = (n − σ_eff x)/√(1 + σ_eff²)", "predict_v"),
    "score": FormRow("Score", "the network outputs the score of ȳ times √(σ_eff² + σ_d²)", "score"),
    "energy": FormRow(
        "Energy", "the network gives an energy; the score is its negative gradient, without curl", "energy", True
    ),
}
"""Rows in the order of the list on the screen."""

if set(FORMS) != set(get_args(Form)):
    raise TypeError(f"Every form has one row: {sorted(set(FORMS) ^ set(get_args(Form)))} differ.")


def form_help() -> str:
    """Return one sentence on each form, in table order."""
    return " ".join(f"{row.title}: {row.help}." for row in FORMS.values())
