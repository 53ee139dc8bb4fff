"""The presets: whole experiments kept as JSON files among the resources."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from msd_engine.specs.base import SpecError
from msd_engine.specs.experiment import ExperimentSpec


@cache
def preset_names() -> tuple[str, ...]:
    """Return the names of the presets that ship with the program, sorted."""
    folder = files("msd_resources") / "presets"
    return tuple(sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")))


@cache
def load_preset(name: str) -> ExperimentSpec:
    """Read one preset.

    Args:
        name: Its name, one of `preset_names`.

    Returns:
        The experiment.

    Raises:
        SpecError: There is no preset of that name.
    """
    names = preset_names()
    if name not in names:
        raise SpecError("preset", f"There is no preset called {name!r}; there are {', '.join(names)}.")
    return ExperimentSpec.from_json((files("msd_resources") / "presets" / f"{name}.json").read_bytes())
