"""Changes of further fields that a change of one field requires."""

from __future__ import annotations

import math
from typing import Any

from msd_engine.specs import ExperimentSpec
from msd_engine.specs.data import POINT_SETS

FIXED_STEPS, MOST_FIXED_STEPS = 1000, 1_000_000


def sampler_rule(spec: ExperimentSpec, sampler: str) -> dict[str, Any]:
    """Return the changes required by a sampler: some need a ladder, posterior draws need an exact score."""
    wanted = spec.sampling.model_copy(update={"sampler": sampler})
    along: dict[str, Any] = {}
    if wanted.needs_ladder:
        along |= method_rule(spec, "annealed") | {"sampling.method": "annealed"}
    if wanted.glides and wanted.levels < 2:
        along["sampling.levels"] = 2
    if wanted.needs_exact:
        along["sampling.source"] = "exact"
    if wanted.noiseless:
        along |= method_rule(spec, "fixed") | {"sampling.method": "fixed"}
    return along


def data_rule(spec: ExperimentSpec, name: str) -> dict[str, Any]:
    """Return the changes required by data in the plane: points have no density without noise."""
    return {"sampling.sampler": "langevin"} if spec.sampling.noiseless and name in POINT_SETS else {}


def method_rule(spec: ExperimentSpec, method: str) -> dict[str, Any]:
    """Return what must change with the dynamics of a mixture.

    Fixed noise starts as in Song and Ermon 2019 (arXiv:1907.05600, §3.2): uniformly in a box, with as many steps as the
    ladder had in all, at least 1000. Annealing divides its steps among the levels again, and starts round.
    """
    sampling = spec.sampling
    if spec.data.kind != "mixture" or method == sampling.method:
        return {}
    if method == "annealed":
        return sampling.annealed_again | {"sampling.start": "gaussian"}
    steps = min(max(FIXED_STEPS, sampling.levels * sampling.steps_per_level), MOST_FIXED_STEPS)
    return {"sampling.start": "uniform", "sampling.steps_per_level": steps}


def copies_rule(spec: ExperimentSpec, k: int) -> dict[str, Any]:
    """Return the noises of one copy with which k copies have the present σ_eff = σ/√k."""
    wider = math.sqrt(k / spec.training.k)
    paths = ("sampling.sigma_1", "sampling.sigma_L", "denoise.sigma")
    return {path: spec.get(path) * wider for path in paths}


def source_rule(spec: ExperimentSpec, source: str) -> dict[str, Any]:
    """Return the changes required by a source of the score: a network gives x̂ alone."""
    return {"sampling.sampler": "langevin"} if source == "trained" and spec.sampling.needs_exact else {}
