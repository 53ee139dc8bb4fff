"""Why fields and choices are disabled by the settings alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msd_engine.specs import ExperimentSpec
from msd_engine.specs.tables.forms import FORMS, FormRow
from msd_engine.specs.tables.noise import unsuitable
from msd_engine.specs.tables.objectives import OBJECTIVES, ObjectiveRow
from msd_engine.specs.tables.samplers import BEYOND_NETWORKS, TRAITS


def refused_fields(spec: ExperimentSpec) -> dict[str, str]:
    """Return why fields are disabled by dotted path, shown on the page or not."""
    sampling, change = spec.sampling, spec.denoise.change
    annealed, trained = sampling.annealed, sampling.source == "trained"
    level = "There is no noise." if sampling.noiseless else "Fixed dynamics stay at σ_L."
    law = spec.noise.law
    allowed = {
        "sampling.guidance": (trained, "The exact posterior mean needs no guidance."),
        "sampling.exact_above": (trained, "The exact posterior mean is used at all noises."),
        "training.k": (not sampling.noiseless, "Chains without noise have no copies."),
        "sampling.method": (
            not (sampling.needs_ladder or sampling.noiseless),
            f"{sampling.traits.title} always uses a ladder." if sampling.needs_ladder else level,
        ),
        "sampling.ladder": (annealed, level),
        "sampling.sigma_1": (annealed, level),
        "sampling.levels": (annealed, level),
        "sampling.sigma_L": (not sampling.noiseless, level),
        "sampling.rho": (annealed and sampling.ladder == "karras", "Only the ladder of Karras has an exponent."),
        "sampling.start_width": (sampling.start == "uniform", "Only a uniform start has a box."),
        "noise.process": (
            law == "uniform-t" or (annealed and sampling.ladder in ("report", "quadratic")),
            "Only ladders and noise laws in time depend on it.",
        ),
        "noise.log_mean": (law == "log-normal", "Belongs to the log-normal law."),
        "noise.log_std": (law == "log-normal", "Belongs to the log-normal law."),
        "noise.largest": (law == "ladder", "Belongs to the ladder of training noises."),
        "noise.smallest": (law == "ladder", "Belongs to the ladder of training noises."),
        "noise.noises": (law == "ladder", "Belongs to the ladder of training noises."),
        "denoise.copy_index": (change in ("drop", "replace"), "Choose one copy first."),
        "denoise.other": (change == "replace", "Belongs to a copy that is replaced."),
        "denoise.painting": (sampling.glides, "The sampler already settles at each noise: it also inpaints."),
    }
    return {path: why for path, (on, why) in allowed.items() if not on}


def refused_choices(spec: ExperimentSpec) -> dict[tuple[str, str], str]:
    """Return why choices are disabled, by the dotted path of the field and the choice."""
    refused: dict[tuple[str, str], str] = {}
    if spec.data.kind == "images":
        tables: dict[str, Mapping[Any, FormRow | ObjectiveRow]] = {
            "training.form": FORMS,
            "training.objective": OBJECTIVES,
        }
        rows = ((path, word, row) for path, table in tables.items() for word, row in table.items())
        refused |= {(path, word): f"For points only: {row.only_points}." for path, word, row in rows if row.only_points}
    if spec.sampling.source == "trained":
        refused |= {
            ("sampling.sampler", name): f"It needs the exact score: {BEYOND_NETWORKS[row.needs]}."
            for name, row in TRAITS.items()
            if row.needs_exact
        }
    if spec.data.kind == "mixture" and spec.data.is_points:
        why = "It needs a density without noise, which points do not have."
        refused |= {("sampling.sampler", name): why for name, row in TRAITS.items() if row.noiseless}
    if spec.data.kind == "images":
        why = "It needs an exact density, which images do not have: choose a mixture or points."
        refused |= {("sampling.sampler", name): why for name, row in TRAITS.items() if not row.draws_images}
    if spec.training.k == 1:
        refused["denoise.change", "drop"] = "With k = 1 there is no other copy."
    if spec.data.name != "custom":
        refused["data.name", "custom"] = "Open a file with an explicit mixture."
    if spec.data.name != "points":
        refused["data.name", "points"] = "Open a CSV or NPY file with points, or paste them."
    refused |= {("noise.covariance", word): why for word, why in unsuitable(spec.data.kind).items()}
    if spec.data.name != "folder":
        refused["data.name", "folder"] = "Open or drop a folder of pictures."
    return refused
