"""What the figures of the chains say, in rows beside what theory expects."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import ChainReport
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Reading


def chain_readings(report: ChainReport, chains: int) -> tuple[Reading, ...]:
    """Return the rows for the end of a run of chains.

    Args:
        report: What the engine measured.
        chains: Number of chains, for the error that chance alone gives.

    Returns:
        Mode weight error, spread, inflation of the residuals, R-hat, effective sample size and living chains.
    """
    gap = float(np.abs(report.mode_weights - report.true_weights).max())
    r_hat = float(np.max(report.r_hat)) if not np.isnan(report.r_hat).any() else math.nan
    ess = float(np.min(report.ess)) if not np.isnan(report.ess).any() else math.nan
    chance = _chance(report.true_weights, chains)
    wall = math.isinf(report.predicted_inflation)
    return (
        Reading(
            "Std within a mode",
            number(report.within_std),
            number(report.predicted_std),
            "Standard deviation of the samples about their mode; theory: exact draws put through the same last jump.",
        ),
        Reading(
            "Swelling of y − ȳ",
            number(report.residual_inflation),
            number(report.predicted_inflation),
            "Variance of the residuals y_i − ȳ over σ²(1 − 1/k); theory: 1/(1 − r/2), the same for any data. "
            "It needs k ≥ 2.",
            "error" if wall else "",
        ),
        Reading(
            "Largest weight error",
            number(gap, 2),
            f"< {number(chance, 2)}",
            "Largest difference between the share of the samples in a mode and the mode's true weight; "
            "theory: so many independent exact draws stay below in 19 of 20 samplings.",
        ),
        Reading(
            "R-hat, last level",
            number(r_hat, 4),
            "1",
            "Split R-hat of ȳ over the last level; well above 1 where chains stay in their modes.",
        ),
        Reading("Effective samples", number(ess, 3), "", "Effective sample size of ȳ over the last level, all chains."),
        Reading(
            "Living chains",
            f"{100 * report.alive:.0f} %",
            "100 %",
            "Chains whose state is finite and not beyond a million data units.",
            "error" if report.alive < 1 else "",
        ),
    )


def _chance(weights: NDArray[np.float64], chains: int) -> float:
    """Return what the largest error of the weights of exact draws stays below with a chance of 95 % at least.

    Each error is normal with the variance w (1 − w)/n of a share, and one in J goes farther with a chance of 5 %/J at
    the most.
    """
    far = NormalDist().inv_cdf(1 - 0.05 / (2 * len(weights)))
    return float(far * np.sqrt(weights * (1 - weights) / chains).max())
