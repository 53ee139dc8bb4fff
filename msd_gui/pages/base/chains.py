"""Where the score of a page's chains comes from, and which changes of a spec make other chains."""

from __future__ import annotations

from msd_engine.specs import ExperimentSpec


def is_exact(spec: ExperimentSpec) -> bool:
    """Return whether the score is the exact one, which needs no network."""
    return spec.sampling.source == "exact"


def other_chains(before: ExperimentSpec, spec: ExperimentSpec) -> bool:
    """Return whether other chains come of a spec than of the one before, with the same network."""
    if before.sampling != spec.sampling:
        return True
    # A network belongs to its data and copies; the exact score follows them at once.
    return is_exact(spec) and (before.data, before.training.k) != (spec.data, spec.training.k)
