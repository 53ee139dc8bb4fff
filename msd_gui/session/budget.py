"""How much longer a run is trained that is to go on."""

from __future__ import annotations

from msd_engine.specs import ExperimentSpec


def as_long_again(spec: ExperimentSpec, step: int, elapsed_s: float) -> ExperimentSpec:
    """Return a spec whose budget lets a run go on as long again, where it is spent.

    Args:
        spec: The experiment.
        step: Steps done.
        elapsed_s: Seconds of training done.

    Returns:
        The same spec where steps and seconds are left.
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
