"""Parametrisations of a denoiser: one row for each, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Form = Literal["preconditioned", "plain"]


@dataclass(frozen=True)
class FormRow:
    """A parametrisation and its objective.

    Attributes:
        title: Display title.
        help: Sentence for the tooltip, without a full stop.
        output: Module of `msd_engine.denoisers.outputs` that turns the network's output into x̂.
        objective: Module of `msd_engine.objectives` with the training loss.
    """

    title: str
    help: str
    output: str
    objective: str = "mse"


FORMS: Final[dict[Form, FormRow]] = {
    "preconditioned": FormRow(
        "Preconditioned", "the network learns the correction to a scaled ȳ (Karras et al.)", "preconditioned"
    ),
    "plain": FormRow("Plain (report)", "the network outputs x̂", "plain"),
}
"""Rows in the order of the list on the screen."""

if set(FORMS) != set(get_args(Form)):
    raise TypeError(f"Every form has one row: {sorted(set(FORMS) ^ set(get_args(Form)))} differ.")


def form_help() -> str:
    """Return one sentence on each form, in table order."""
    return " ".join(f"{row.title}: {row.help}." for row in FORMS.values())
