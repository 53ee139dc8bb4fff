"""Figures of the chains in rows, beside theory."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from msd_engine.events import ChainReport
from msd_engine.events.chain_figures import StateFigures, exact_weight_error
from msd_engine.specs import SamplingSpec
from msd_engine.specs.tables.samplers import ACCEPTANCE
from msd_gui.widgets.controls.numbers import number
from msd_gui.widgets.panels.readings import Reading

MIXED = 1.01
"""R̂ of mixed chains is below this (Vehtari et al. 2021, arXiv:1903.08008)."""

KEPT, INDEPENDENT = "Keep their mode", "Independent samples"
ACCEPTED, RATIO = "Accepted proposals", "Step ratio r"
LEAST_ACCEPTANCE = 0.1
"""Chains that accept fewer proposals hardly move."""
WRONG = "Error of the learned score"
_ERROR = (
    "Error of the learned score over the exact one, where the chains were, at the level where it is largest; 100 % is "
    "the error of no score at all."
)
R_HAT, EFFECTIVE = "R-hat, second half", "Effective samples"


def chain_readings(report: ChainReport, wanted: SamplingSpec) -> tuple[Reading, ...]:
    """Return the rows for the end of a run of chains.

    Args:
        report: What the engine measured.
        wanted: How they were drawn.

    Returns:
        Mode weight error, spread, inflation of the residuals, mixing, number of independent samples and living chains.
    """
    if not len(report.true_weights):
        return _point_readings(report, wanted)
    lived = round(report.alive * wanted.chains)
    gap, chance = _largest_gap(report.mode_weights, report.true_weights), report.exact_weight_error
    wall = wanted.has_wall and wanted.step_ratio >= 2
    return (
        _spread(report.within_std, number(report.predicted_std)),
        _swelling(report.residual_inflation, number(report.predicted_inflation), "error" if wall else ""),
        _weights(gap, chance, "error" if gap > chance else ""),
        *_proposals(report, wanted),
        *_mixing(report, lived, wanted),
        *_learned(report, wanted),
        _living(lived, wanted.chains),
    )


def _mixing(report: ChainReport, lived: int, wanted: SamplingSpec) -> tuple[Reading, ...]:
    """Return the rows on mixing; copies that move in turn give one sample each, and none of their states another."""
    if wanted.traits.in_turn:
        return _annealed(report, lived, wanted.chains)[1:]
    return _annealed(report, lived, wanted.chains) if wanted.annealed else _fixed(report)


def _annealed(report: ChainReport, lived: int, chains: int) -> tuple[Reading, Reading]:
    """Return the rows on mixing for chains whose modes were settled at larger noise: each gives one exact draw.

    R̂ and the effective sample size of their last level are not shown: chains that end in separated modes must have a
    large R̂, be they exact.
    """
    return (
        Reading(
            KEPT,
            "–" if math.isnan(report.stayed) else f"{100 * report.stayed:.0f} %",
            "",
            "Chains whose mode at the end is that in the middle of the last level. Where modes are separated it is "
            "100 %, as it should be: annealed chains settle in their modes at larger noise and need not cross again. "
            "The R-hat of this level, large then, says nothing about the samples; their weights do.",
        ),
        Reading(
            INDEPENDENT,
            str(lived),
            str(chains),
            "Chains do not depend on each other: the end of each living one is an independent sample.",
        ),
    )


def _fixed(report: ChainReport) -> tuple[Reading, Reading]:
    """Return the rows on mixing for chains that must cross between modes at their only noise."""
    r_hat = float(np.max(report.r_hat)) if not np.isnan(report.r_hat).any() else math.nan
    ess = float(np.min(report.ess)) if not np.isnan(report.ess).any() else math.nan
    mixed = r_hat < MIXED
    return (
        Reading(
            R_HAT if math.isnan(r_hat) else f"R-hat: {'mixed' if mixed else 'not mixed'}",
            number(r_hat, 4),
            f"< {MIXED:g}",
            f"Split R-hat of ȳ over the kept states of the second half of the chain. Above {MIXED:g} chains have not "
            "mixed: each stays in its mode, or moves slowly, and the weights are those of the start.",
            "" if mixed or math.isnan(r_hat) else "error",
        ),
        Reading(
            EFFECTIVE,
            number(ess, 3),
            "",
            "Effective sample size of the mean of ȳ over the kept states of the second half of the chain, all chains.",
        ),
    )


def state_readings(
    figures: StateFigures, true_weights: NDArray[np.float64], wanted: SamplingSpec
) -> tuple[Reading, ...]:
    """Return the rows for one state on the way.

    Args:
        figures: Figures of the state.
        true_weights: Weights of the mixture, with shape (J,).
        wanted: How the chains are drawn.

    Returns:
        The rows of `chain_readings`, without what speaks of the end alone.
    """
    if not len(true_weights):
        return (
            _distance(math.nan, math.nan),
            _swelling(figures.residual_inflation, "", ""),
            *_later(wanted),
            *_learned_later(wanted),
            _living(figures.lived, figures.chains),
        )
    gap = _largest_gap(figures.mode_weights, true_weights)
    chance = exact_weight_error(tuple(true_weights.tolist()), figures.lived)
    return (
        _spread(figures.within_std, ""),
        _swelling(figures.residual_inflation, "", ""),
        _weights(gap, chance, ""),
        *_later(wanted),
        *(Reading(name, "at the end") for name in _names_of_mixing(wanted)),
        *_learned_later(wanted),
        _living(figures.lived, figures.chains),
    )


def _names_of_mixing(wanted: SamplingSpec) -> tuple[str, ...]:
    """Return the names of the rows of `_mixing`."""
    if wanted.traits.in_turn:
        return (INDEPENDENT,)
    return (KEPT, INDEPENDENT) if wanted.annealed else (R_HAT, EFFECTIVE)


def _point_readings(report: ChainReport, wanted: SamplingSpec) -> tuple[Reading, ...]:
    """Return the rows for data without modes: distance to the data, inflation of the residuals and living chains."""
    wall = wanted.has_wall and wanted.step_ratio >= 2
    return (
        _distance(report.distance, report.exact_distance),
        _swelling(report.residual_inflation, number(report.predicted_inflation), "error" if wall else ""),
        *_proposals(report, wanted),
        *_learned(report, wanted),
        _living(round(report.alive * wanted.chains), wanted.chains),
    )


def _proposals(report: ChainReport, wanted: SamplingSpec) -> tuple[Reading, ...]:
    """Return the rows on accepted proposals and their step; none for samplers without proposals."""
    if math.isnan(report.acceptance):
        return ()
    adapted = "warm_up" in wanted.traits.own and wanted.warm_up > 0
    return (
        Reading(
            ACCEPTED,
            number(report.acceptance, 3),
            number(ACCEPTANCE) if adapted else "",
            "Share of the proposals at the last level that the Metropolis test accepted, without the warm-up. Near 1 "
            f"steps are smaller than they could be, near 0 chains stand still; {number(ACCEPTANCE)} is the best of "
            "Langevin proposals in many dimensions, to which the warm-up adapts r.",
            "error" if report.acceptance < LEAST_ACCEPTANCE else "",
        ),
        Reading(
            RATIO,
            number(report.step_ratio, 3),
            "",
            "Median over the chains of r = ε/σ² at the last level: the r that the warm-up has found, or the given one.",
        ),
    )


def _learned(report: ChainReport, wanted: SamplingSpec) -> tuple[Reading, ...]:
    """Return the row on the error of the learned score; none for the exact score."""
    if wanted.source == "exact":
        return ()
    found = report.score_errors
    if found is None or found.worst is None:
        return (Reading(WRONG, "–", "", f"{_ERROR} It is not measured with guidance, for branches, and copy by copy."),)
    inside, between, outside = (number(100 * share, 2) for share in found.share[found.worst])
    return (
        Reading(
            WRONG,
            f"{number(100 * found.error[found.worst], 2)} %",
            "0 %",
            f"{_ERROR} Here that is level {found.level[found.worst] + 1}, σ/√k = "
            f"{number(found.sigma_eff[found.worst])}, with {inside} % of the states inside the data, {between} % "
            f"between them and {outside} % outside.",
        ),
    )


def _later(wanted: SamplingSpec) -> tuple[Reading, ...]:
    """Return the rows of `_proposals` before the end."""
    return (Reading(ACCEPTED, "at the end"), Reading(RATIO, "at the end")) if "warm_up" in wanted.traits.own else ()


def _learned_later(wanted: SamplingSpec) -> tuple[Reading, ...]:
    """Return the row of `_learned` before the end."""
    return (Reading(WRONG, "at the end"),) if wanted.source == "trained" else ()


def _distance(distance: float, exact: float) -> Reading:
    return Reading(
        "Distance to the data",
        "at the end" if math.isnan(distance) else number(distance, 3),
        "" if math.isnan(exact) else f"< {number(exact, 3)}",
        "Sliced Wasserstein distance between the samples and the points: how far, on average, mass must be moved along "
        "a line to turn one into the other, in data units. Theory: as many exact draws with the same last noise stay "
        "below in 19 of 20 samplings.",
        "error" if distance > exact else "",
    )


def _spread(std: float, expected: str) -> Reading:
    return Reading(
        "Std within a mode",
        number(std),
        expected,
        "Standard deviation of the samples about the mean of their mode; theory, at the end: what the sampler's steps "
        "leave of this start with the exact score, put through the same last jump where there is one. A dash: the end "
        "depends on how chains came into their modes, of which there is no theory.",
    )


def _swelling(inflation: float, expected: str, severity: str) -> Reading:
    return Reading(
        "Swelling of y − ȳ",
        number(inflation),
        expected,
        "Variance of the residuals y_i − ȳ of this state over σ²(1 − 1/k); theory, at the end: the variance by the "
        "sampler's own steps, the same for any data; for Langevin and ever more steps 1/(1 − r/2). It needs k ≥ 2.",
        # A missing figure is no bad one.
        "" if math.isnan(inflation) else severity,
    )


def _weights(gap: float, chance: float, severity: str) -> Reading:
    return Reading(
        "Largest weight error",
        number(gap, 2),
        "–" if math.isnan(chance) else f"≤ {number(chance, 2)}",
        "Largest difference between the share of a mode and its true weight; a chain counts for each mode with the "
        "probability that it belongs there by its ȳ. Theory: as many independent exact draws stay at or below it in "
        "19 of 20 samplings (multinomial law); a sampler whose steps distort the weights does not.",
        severity,
    )


def _living(lived: int, chains: int) -> Reading:
    return Reading(
        "Surviving chains",
        f"{100 * lived / chains:.0f} %",
        "100 %",
        "Chains whose state is finite and not beyond a million data units.",
        "error" if lived < chains else "",
    )


def _largest_gap(shares: NDArray[np.float64], true_weights: NDArray[np.float64]) -> float:
    """Return the largest error of the weights; NaN without chains."""
    return float(np.abs(shares - true_weights).max())
