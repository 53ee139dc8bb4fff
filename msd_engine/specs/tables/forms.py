"""What a denoiser can learn: one row for each form, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Form = Literal["preconditioned", "plain"]


@dataclass(frozen=True)
class FormRow:
    """What is learned, and by which objective.

    Attributes:
        title: Its name for people.
        help: One sentence for the tooltip of the field, without a full stop.
        output: The file in `msd_engine.denoisers.outputs` that says what the output of the network stands for.
        objective: The file in `msd_engine.objectives` that says what training makes small.
    """

    title: str
    help: str
    output: str
    objective: str = "mse"


FORMS: Final[dict[Form, FormRow]] = {
    "preconditioned": FormRow(
        "Preconditioned", "the network learns only what ȳ does not tell (Karras et al.)", "preconditioned"
    ),
    "plain": FormRow("Plain (report)", "it gives x̂ itself", "plain"),
}
"""The row of each form, in the order of the list on the screen."""

if set(FORMS) != set(get_args(Form)):
    raise TypeError(f"Every form has one row: {sorted(set(FORMS) ^ set(get_args(Form)))} differ.")


def form_help() -> str:
    """Return one sentence on each form, in the order of the table."""
    return " ".join(f"{row.title}: {row.help}." for row in FORMS.values())
