"""The training step at which the runs of a comparison are compared.

Runs with a budget in seconds take different numbers of steps. Their errors at the end would compare trainings of
different length, so all errors are taken from the held-out curves at the last step at which every run was measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msd_engine.events.training import HeldOutLoss
from msd_engine.specs.sweep import SweepResult, SweepSpec

HeldOutCurves = Mapping[str, Sequence[HeldOutLoss]]
"""The measurements of each run on held-out data while it was trained, by the name of the run."""

_LONGER = 1.1
"""A run may have at most this many times the steps of the common one and still be judged there.

The learning rate falls over each run's own budget: at the common step that of a much longer run is still high.
"""


@dataclass(frozen=True)
class Footing:
    """Where runs are compared.

    Attributes:
        step: The training step of all errors, NaN where the runs were measured at no common step.
        ended: Whether every run ended at this step.
        judged: Whether errors of different k may be judged.
    """

    step: float
    ended: bool
    judged: bool


def footing(spec: SweepSpec, results: Sequence[SweepResult], curves: HeldOutCurves) -> Footing:
    """Find the step at which runs are compared.

    Args:
        spec: The comparison.
        results: The runs that were measured at their end.
        curves: Their held-out curves; not read where all runs took equally many steps.

    Returns:
        The step.
    """
    steps = {result.step for result in results}
    if len(steps) < 2:
        return Footing(float(*steps) if steps else math.nan, ended=True, judged=True)
    measured = [
        {point.step for point in curves.get(result.name, ()) if math.isfinite(point.loss)} for result in results
    ]
    common = set.intersection(*measured)
    if not common:
        return Footing(math.nan, ended=False, judged=False)
    step = max(common)
    alike = spec.base.training.schedule == "constant" or max(steps) <= _LONGER * step
    return Footing(float(step), ended=False, judged=alike)


def at_step(result: SweepResult, curve: Sequence[HeldOutLoss], step: float) -> SweepResult:
    """Return the result that a run had at a step at which it was measured.

    Args:
        result: The result at the end of the run.
        curve: Its held-out curve.
        step: The step.

    Returns:
        The result with the errors of that step. The error of the exact posterior mean is that on the same draws where
        it was measured; else that of `result`, without its bands, whose centres are those of other draws.
    """
    point = next(point for point in curve if point.step == step)
    fields: dict[str, Any] = {
        "error": point.loss,
        "band_sigma_eff": tuple(point.band_sigma_eff.tolist()),
        "band_error": tuple(point.band_loss.tolist()),
        "band_floor": (),
    }
    if math.isfinite(point.mmse):
        fields |= {"floor": point.mmse, "band_floor": tuple(point.band_mmse.tolist())}
    return result.replace_all(fields)
