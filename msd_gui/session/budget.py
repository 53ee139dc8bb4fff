"""Extends the budget of a resumed run."""

from __future__ import annotations

from msd_engine.specs import ExperimentSpec


def as_long_again(spec: ExperimentSpec, step: int, elapsed_s: float) -> ExperimentSpec:
    """Return a spec that doubles an exhausted budget.

    Returns:
        The same spec if steps and seconds are left.
    """
    training = spec.training
    if step < training.steps and not 0 < training.seconds <= elapsed_s:
        return spec
    return spec.replace_all(
        {
            "training.steps": max(training.steps, step + training.steps),
            "training.seconds": training.seconds and elapsed_s + training.seconds,
        }
    )
