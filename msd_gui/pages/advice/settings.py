"""Problems that follow from the settings and the data alone; see `pages.advice.rules`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from msd_engine.specs import WALL, ExperimentSpec, overlap
from msd_gui.pages.advice.findings import Advice, Facts, Fields
from msd_gui.pages.base.ladder import ladder_ratio, near_wall
from msd_gui.widgets.controls.numbers import number

# Far enough from the wall: the residuals swell by only a ninth. BAOAB does not swell and may use a larger ratio.
GOOD_RATIO, GOOD_RATIOS = 0.2, {"underdamped": 0.6}
# In root mean square distances from the mean. One direction has a tenth to a half of an image's variance and so a
# deficit below a fifth.
LEAST_START, LEAST_START_OF_FLOW = 0.5, 1.5
# Accepted distance of s_T²/σ² from its limit.
MOST_EXCESS = 0.25
LEAST_OVERLAP, GOOD_OVERLAP = 0.05, 0.5
MOST_LAST_NOISE, GOOD_LAST_NOISE = 0.25, 0.1


def wall(spec: ExperimentSpec, _facts: Facts) -> Iterator[Advice]:
    """Report r past or near the wall (theory §3, fact 4)."""
    sampling = spec.sampling
    r = sampling.step_ratio
    if not near_wall(sampling):
        return
    good = GOOD_RATIOS.get(sampling.sampler, GOOD_RATIO)
    remedy: Fields = {"sampling.step_ratio": good}
    action = f"Set r = {good:g}"
    if sampling.blows_up:
        yield Advice(
            "Past the wall",
            f"r = ε/σ² = {number(r)}. From r = {WALL:g} on every chain blows up, whatever the data or the network: "
            "each step overshoots x̂ by more than its distance before.",
            action,
            remedy,
            "error",
        )
        return
    what = (
        f"the noise of the copies about their mean swells to 1/(1 − r/2) = {number(1 / (1 - r / 2))} times its variance"
    )
    if sampling.sampler == "underdamped":
        what = "noise of the previous level hardly decays"
    yield Advice(
        "Near the wall", f"r = ε/σ² = {number(r)}: {what}, and chains blow up from r = {WALL:g} on.", action, remedy
    )


def start(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """Report a first noise that does not cover the data (theory §3, fact 5)."""
    if not starts_inside(spec, facts):
        return
    spread, least = _least_start(spec, facts)
    first, flows = spec.sigma_eff(spec.sampling.sigma_1), spec.sampling.sampler == "ode"
    # Technique 1; without measured pairs, twice the distance from the mean serves as well.
    wanted = facts.largest_distance if facts.largest_distance > least else 2 * spread
    sigma_1, remedy = wider(spec, wanted)
    why = f"chains reach only data near their start, and some pairs are about {number(wanted)} apart"
    if flows:
        why = (
            "a flow keeps the round shape of its start, but data with this noise still extend further in some "
            "directions, so that outer data, such as a whole class, are drawn too rarely"
        )
    yield Advice(
        "Starts inside the data",
        f"σ₁/√k = {number(first)}, but the data are {number(spread)} from their mean (root mean square): {why}.",
        f"Set σ₁ = {number(sigma_1)}",
        remedy,
    )


def starts_inside(spec: ExperimentSpec, facts: Facts) -> bool:
    """Check whether the first noise is below that which covers the data; no for unknown data."""
    # NaN is no evidence.
    return spec.sampling.annealed and spec.sigma_eff(spec.sampling.sigma_1) < _least_start(spec, facts)[1]


def _least_start(spec: ExperimentSpec, facts: Facts) -> tuple[float, float]:
    """Return the root mean square distance of the data from their mean, and the least first noise σ₁/√k."""
    spread = facts.data_std * math.sqrt(facts.dim)
    return spread, spread * (LEAST_START_OF_FLOW if spec.sampling.sampler == "ode" else LEAST_START)


def wider(spec: ExperimentSpec, wanted: float) -> tuple[float, dict[str, float | int]]:
    """Return σ₁ for a first noise σ₁/√k, and the fields of a ladder from there whose levels are as close."""
    sampling, sigma_1 = spec.sampling, spec.sigma_of_copy(wanted)
    remedy: dict[str, float | int] = {"sampling.sigma_1": sigma_1}
    gamma = ladder_ratio(sampling)
    if gamma > 1:
        remedy["sampling.levels"] = 1 + math.ceil(math.log(sigma_1 / sampling.sigma_L) / math.log(gamma))
    return sigma_1, remedy


def ladder(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """Report levels that keep noise of the previous level: the ladder is too coarse, or the steps are too few."""
    sampling, known = spec.sampling, facts.ladder
    if known is None or len(known.sigma) < 2 or not np.isfinite(known.swelling).all() or near_wall(sampling):
        return
    off = np.abs(known.swelling - known.settled)
    worst = int(off.argmax())
    if off[worst] <= MOST_EXCESS:
        return
    variance = (
        f"s_T²/σ² = {number(known.swelling[worst])} at the end of level {worst + 1}, σ = {number(known.sigma[worst])}, "
        f"which should be {number(known.settled)}"
    )
    gamma = float((known.sigma[:-1] / known.sigma[1:]).max())
    shared = overlap.down(gamma, facts.dim) if facts.dim else 1.0
    if shared < LEAST_OVERLAP:
        widest = overlap.largest_ratio(overlap.down, GOOD_OVERLAP, facts.dim)
        levels = 1 + math.ceil((sampling.levels - 1) * math.log(gamma) / math.log(widest))
        yield Advice(
            "Ladder too coarse",
            f"Neighbouring levels differ by up to γ = {number(gamma)}: NCSNv2's C, the share of a level's draws in the "
            f"shell of the level above, is {number(shared, 2)} and should be near {GOOD_OVERLAP:g}; {variance}.",
            f"Set L = {levels}",
            {"sampling.levels": levels},
        )
    elif known.steps_needed > sampling.steps_per_level:
        yield Advice(
            "Too few steps per level",
            f"T = {sampling.steps_per_level} steps with r = {number(sampling.step_ratio)} leave {variance}: "
            "noise of the previous level remains.",
            f"Set T = {known.steps_needed}",
            {"sampling.steps_per_level": known.steps_needed},
        )


def end(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """Report a last noise that is too large for the jump."""
    sampling = spec.sampling
    last = spec.sigma_eff(sampling.sigma_L)
    if sampling.noiseless or math.isnan(facts.data_std) or last <= MOST_LAST_NOISE * facts.data_std:
        return
    wanted = spec.sigma_of_copy(GOOD_LAST_NOISE * facts.data_std)
    yield Advice(
        "Last level too noisy",
        f"σ_L/√k = {number(last)} is {number(last / facts.data_std, 2)} of the data's standard deviation "
        f"{number(facts.data_std)}: the last jump blurs, because it averages all data that this noise cannot separate.",
        f"Set the last σ = {number(wanted)}",
        down_to(spec, wanted),
    )


def down_to(spec: ExperimentSpec, last: float) -> dict[str, float | int]:
    """Return the fields of a ladder that ends at another noise, with levels as close."""
    remedy: dict[str, float | int] = {"sampling.sigma_L": last}
    gamma = ladder_ratio(spec.sampling)
    if gamma > 1:
        remedy["sampling.levels"] = 1 + math.ceil(math.log(spec.sampling.sigma_1 / last) / math.log(gamma))
    return remedy
