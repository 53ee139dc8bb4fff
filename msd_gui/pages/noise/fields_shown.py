"""Fields with controls on the noise page, for pictures and for points."""

from __future__ import annotations

from msd_engine.specs import ExperimentSpec
from msd_engine.specs.tables.noise import DataKind, unsuitable

_PROCESS = ("Process", ["noise.process", "denoise.time", "noise.s"])

GROUPS = {
    "images": [
        ("Noise", ["noise.covariance", "noise.gamma", "noise.blur"]),
        _PROCESS,
        ("Picture and copies", ["data.name", "denoise.index", "training.k", "denoise.seed"]),
    ],
    "mixture": [
        ("Noise", ["noise.covariance", "noise.elongation", "noise.angle"]),
        _PROCESS,
        ("Points and copies", ["data.name", "data.count", "training.k", "denoise.seed"]),
    ],
}
"""Headings with their fields, by the kind of the data."""

_OPEN = "Open your pictures on the images page; a file with these settings can then be opened here."


def idle(spec: ExperimentSpec) -> dict[str, str]:
    """Return the fields without effect, with the reasons."""
    return {} if spec.noise.process == "exploding" else {"noise.s": "Belongs to the variance-exploding process."}


def refused(kind: DataKind) -> dict[tuple[str, str], str]:
    """Return the choices that data of a kind do not have, with the reasons."""
    reasons = {("noise.covariance", str(word)): why for word, why in unsuitable(kind).items()}
    return reasons | ({("data.name", "folder"): _OPEN} if kind == "images" else {})
