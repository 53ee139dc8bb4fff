"""What the figures of the chains say, in rows beside what theory expects."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import ChainReport
from msd_engine.specs import SamplingSpec
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Reading


def chain_readings(report: ChainReport, wanted: SamplingSpec) -> tuple[Reading, ...]:
    """Return the rows for the end of a run of chains.

    Args:
        report: What the engine measured.
        wanted: How they were drawn.

    Returns:
        Mode weight error, spread, inflation of the residuals, R-hat, effective sample size and living chains.
    """
    gap = float(np.abs(report.mode_weights - report.true_weights).max())
    r_hat = float(np.max(report.r_hat)) if not np.isnan(report.r_hat).any() else math.nan
    ess = float(np.min(report.ess)) if not np.isnan(report.ess).any() else math.nan
    lived = round(report.alive * wanted.chains)
    chance = chance_of_weights(report.true_weights, lived) if lived else math.nan
    wall = wanted.has_wall and wanted.step_ratio >= 2
    return (
        Reading(
            "Std within a mode",
            number(report.within_std),
            number(report.predicted_std),
            "Standard deviation of the samples about the mean of their mode; theory: what the sampler's steps leave "
            "of this start with the exact score, put through the same last jump where there is one. A dash: the end "
            "depends on how chains came into their modes, of which there is no theory.",
        ),
        Reading(
            "Swelling of y − ȳ",
            number(report.residual_inflation),
            number(report.predicted_inflation),
            "Variance of the residuals y_i − ȳ of the last state over σ²(1 − 1/k); theory: the variance at the end of "
            "the ladder by the sampler's own steps, the same for any data; for Langevin and ever more steps "
            "1/(1 − r/2). It needs k ≥ 2.",
            "error" if wall else "",
        ),
        Reading(
            "Largest weight error",
            number(gap, 2),
            f"< {number(chance, 2)}" if lived else "–",
            "Largest difference between the share of a mode and its true weight; a chain counts for each mode with the "
            "probability that it belongs there by its ȳ. Theory: as many independent exact draws stay below in 19 of "
            "20 samplings; a sampler whose steps distort the weights does not.",
        ),
        Reading(
            "R-hat, last half level",
            number(r_hat, 4),
            "1",
            "Split R-hat of ȳ over the kept states of the second half of the last level; well above 1 where chains "
            "stay in their modes.",
        ),
        Reading(
            "Effective samples",
            number(ess, 3),
            "",
            "Effective sample size of the mean of ȳ over the kept states of the second half of the last level, all "
            "chains.",
        ),
        Reading(
            "Living chains",
            f"{100 * report.alive:.0f} %",
            "100 %",
            "Chains whose state is finite and not beyond a million data units.",
            "error" if report.alive < 1 else "",
        ),
    )


def chance_of_weights(weights: NDArray[np.float64], chains: int) -> float:
    """Return what the largest error of the weights of exact draws stays below with a chance of 95 % at least.

    Each error is normal with the variance w (1 − w)/n of a share, and one in J goes farther with a chance of 5 %/J at
    the most.
    """
    far = NormalDist().inv_cdf(1 - 0.05 / (2 * len(weights)))
    return float(far * np.sqrt(weights * (1 - weights) / chains).max())
