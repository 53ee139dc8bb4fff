"""List each setting of a comparison beside its value at full size, by section."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from msd_engine.specs import ExperimentSpec, SweepSpec, declarations
from msd_engine.specs.sweep import MODE_TITLES

# No training reaches this number of steps: time ends it first.
_ENDLESS = 100_000_000
_PARTS = {"data": "Data", "noise": "Noise in training", "network": "Network", "training": "Training"}
_PARTS |= {"sampling": "Sampling", "denoise": "Denoising by hand (not used here)"}


class Line(NamedTuple):
    """One setting: its path, title, value here, value in the report, and unit."""

    path: str
    title: str
    here: str
    there: str
    unit: str


def settings(spec: SweepSpec, whole: SweepSpec) -> list[tuple[str, list[Line]]]:
    """Return the settings by titled section.

    Args:
        spec: The comparison.
        whole: The comparison at full size.
    """
    lists = (("ks", "Copies k"), ("seeds", "Seeds"), ("modes", "Modes"))
    compared = [
        Line(name, title, listed(getattr(spec, name)), listed(getattr(whole, name)), "") for name, title in lists
    ]
    return [("Comparison", compared), *settings_of(spec.base, whole.base, compares_k=True)]


def settings_of(
    base: ExperimentSpec, whole: ExperimentSpec, *, compares_k: bool = False
) -> list[tuple[str, list[Line]]]:
    """Return the settings of an experiment by titled section, beside those at full size.

    Args:
        base: The experiment.
        whole: The experiment at full size.
        compares_k: Whether k is listed elsewhere.
    """

    def line(path: str, title: str, unit: str) -> Line:
        return Line(path, title, _said(base, path, compares_k), _said(whole, path, compares_k), unit)

    parts = []
    for part, rows in groupby(declarations(base), key=lambda declared: declared.path.split(".")[0]):
        lines = [line(row.path, row.title, row.unit) for row in rows]
        parts.append((_PARTS.get(part, part.capitalize()), lines))
    return parts


def _said(base: ExperimentSpec, path: str, compares_k: bool) -> str:
    value: Any = base.get(path)
    match path:
        case "training.k" if compares_k:
            return f"as listed (the ladder is that of k = {value})"
        case "training.seed":
            return "as listed"
        case "training.steps" if value >= _ENDLESS and base.training.seconds:
            return "as many as the time allows"
        case "training.seconds" if not value:
            return "no limit"
        case "data.limit" if not value:
            return "all"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def listed(values: Sequence[Any]) -> str:
    """Return values in one line."""
    return ", ".join(MODE_TITLES.get(value, str(value)) for value in values)
