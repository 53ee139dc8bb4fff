"""The dynamics of every sampler by name, imported from the file in its row of traits."""

from __future__ import annotations

from importlib import import_module
from typing import Final, Protocol, runtime_checkable

from msd_engine.samplers.descent import Dynamics
from msd_engine.samplers.laws import Law
from msd_engine.specs.tables.samplers import TRAITS, Sampler


@runtime_checkable
class DynamicsWithLaw(Dynamics, Protocol):
    """Interface of a file in this folder: init, step and the law of its variance."""

    LAW: Law


def dynamics(module: str) -> DynamicsWithLaw:
    """Import the dynamics of a sampler.

    Args:
        module: Name of its file in this folder.

    Raises:
        TypeError: It lacks init, step or LAW; the law of another sampler must not judge its chains.
    """
    found = import_module(f"msd_engine.samplers.{module}")
    if not isinstance(found, DynamicsWithLaw) or not isinstance(found.LAW, Law):
        raise TypeError(f"msd_engine/samplers/{module}.py needs init, step and LAW, the law of its variance.")
    return found


DYNAMICS: Final[dict[Sampler, DynamicsWithLaw]] = {name: dynamics(row.module) for name, row in TRAITS.items()}

for _name, _row in TRAITS.items():
    if ("conditioning" in _row.own) != (DYNAMICS[_name].LAW.residuals is not None):
        raise TypeError(
            f"The sampler {_name!r} has the field conditioning where its LAW has residuals, and only there."
        )
