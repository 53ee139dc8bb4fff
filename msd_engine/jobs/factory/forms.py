"""Load the output of each form and the loss of each objective by name."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from msd_engine.denoisers.outputs.output import Output
from msd_engine.objectives.objective import Objective
from msd_engine.specs.tables import objectives
from msd_engine.specs.tables.forms import FORMS, Form


def output(module: str) -> Output:
    """Import an output: the meaning of what a network returns.

    Args:
        module: Name of its file in `msd_engine.denoisers.outputs`.

    Raises:
        TypeError: The file does not define it.
    """
    found = getattr(import_module(f"msd_engine.denoisers.outputs.{module}"), "OUTPUT", None)
    if not isinstance(found, Output):
        raise TypeError(f"msd_engine/denoisers/outputs/{module}.py needs OUTPUT: estimate, weight and feature_scale.")
    return found


def objective(module: str) -> Objective:
    """Import an objective: the loss that training minimises.

    Args:
        module: Name of its file in `msd_engine.objectives`.

    Raises:
        TypeError: The file does not define it.
    """
    found = import_module(f"msd_engine.objectives.{module}")
    if not isinstance(found, Objective):
        raise TypeError(f"msd_engine/objectives/{module}.py needs the function loss.")
    return found


OUTPUTS: Final[dict[Form, Output]] = {form: output(row.output) for form, row in FORMS.items()}
OBJECTIVES: Final[dict[objectives.Objective, Objective]] = {
    name: objective(row.module) for name, row in objectives.OBJECTIVES.items()
}
