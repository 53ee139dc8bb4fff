"""Every setting of a comparison beside the one at full size, as a table of HTML in parts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Any

from msd_engine.specs import ExperimentSpec, SweepSpec, declarations
from msd_engine.specs.sweep import MODE_TITLES

# No training comes to so many steps: it ends with its time.
_ENDLESS = 100_000_000
_PARTS = {"data": "Data", "noise": "Noise in training", "network": "Network", "training": "Training"}
_PARTS |= {"sampling": "Sampling", "denoise": "Denoising by hand (not used here)"}


def settings_table(spec: SweepSpec, whole: SweepSpec) -> str:
    """Return the table.

    Args:
        spec: The comparison.
        whole: The comparison at full size; where both differ the line is marked.

    Returns:
        HTML.
    """
    text = "<tr><th>setting</th><th>here</th><th>the report</th><th class=unit>unit</th></tr>" + _part("Comparison")
    for name, title in (("ks", "Copies k"), ("seeds", "Seeds"), ("modes", "Modes")):
        text += _line(name, title, _listed(getattr(spec, name)), _listed(getattr(whole, name)), "")
    for part, rows in groupby(declarations(spec.base), key=lambda declared: declared.path.split(".")[0]):
        text += _part(_PARTS.get(part, part.capitalize()))
        for declared in rows:
            here, there = (_said(base, declared.path) for base in (spec.base, whole.base))
            text += _line(declared.path, declared.title, here, there, declared.unit)
    note = "What differs from the report is marked. Every run's own settings stand in its folder."
    return f"<div class=wide><table class=settings>{text}</table></div><p class=note>{note}</p>"


def _part(title: str) -> str:
    return f"<tr><th colspan=4 class=part>{escape(title)}</th></tr>"


def _line(path: str, title: str, here: str, there: str, unit: str) -> str:
    changed = " class=changed" if here != there else ""
    name = f"{escape(title)} <code>{escape(path)}</code>"
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in (here, there))
    return f"<tr{changed}><td>{name}</td>{cells}<td class=unit>{escape(unit)}</td></tr>"


def _said(base: ExperimentSpec, path: str) -> str:
    value: Any = base.get(path)
    match path:
        case "training.k":
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


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(MODE_TITLES.get(value, str(value)) for value in values)
