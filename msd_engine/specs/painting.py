"""How chains should move that keep a part of a picture: they need several steps at each noise.

Where the noise falls at each step (a flow, consistent sampling) the new part cannot settle to the part that is kept,
which is put back with fresh noise after each step: what RePaint (arXiv:2201.09865, §4.2) calls a lack of harmony.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msd_engine.specs.experiment import ExperimentSpec

_STEPS = 4
# Guidance acts at every step: what is right for a flow, which passes each noise once, exaggerates here.
_MOST_GUIDANCE = 1.3
_RATIO = 0.6
_FRICTION = 100.0


def for_painting(spec: ExperimentSpec, keep: Collection[str] = ()) -> ExperimentSpec:
    """Let chains settle at each noise, with about as many evaluations, where they would glide past it.

    Args:
        spec: The experiment; nothing is changed where its `denoise.painting` asks for the sampler itself.
        keep: Dotted paths of fields that somebody has chosen; with the sampler among them nothing is changed.

    Returns:
        The spec with underdamped dynamics of high friction in the place of a gliding sampler; else the spec itself.
    """
    asked = spec.sampling
    if not asked.glides or spec.denoise.painting == "same" or "sampling.sampler" in keep:
        return spec
    fields: dict[str, Any] = {
        "sampling.sampler": "underdamped",
        "sampling.friction": _FRICTION,
        "sampling.epsilon": _RATIO * asked.sigma_L**2,
        "sampling.levels": max(2, asked.evaluations // _STEPS),
        "sampling.steps_per_level": _STEPS,
        "sampling.guidance": min(asked.guidance, _MOST_GUIDANCE),
    }
    return spec.replace_all({path: value for path, value in fields.items() if path not in keep})
