"""What is wrong with the settings of a sampling, by the settings and the data alone; see `msd_gui.pages.advice`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from msd_engine.specs import ExperimentSpec
from msd_gui.pages.findings import Advice, Facts, Fields
from msd_gui.pages.ladder_figures import excess, ladder_ratio, overlap, steps_needed
from msd_gui.pages.readings import number

# Far enough from the wall: the residuals swell by a ninth only.
GOOD_RATIO = 0.2
# From here on the residuals have twice their variance.
WARNING_RATIO = 1.0
# Excess of s_T²/σ² over its limit that a level may leave.
MOST_EXCESS = 0.25
LEAST_OVERLAP, GOOD_OVERLAP = 0.05, 0.5
MOST_LAST_NOISE, GOOD_LAST_NOISE = 0.25, 0.1


def wall(spec: ExperimentSpec, _facts: Facts) -> Iterator[Advice]:
    """Past or near the wall r = 2 (theory §3, fact 4)."""
    asked = spec.sampling
    r = asked.step_ratio
    if not asked.has_wall or r < WARNING_RATIO:
        return
    remedy: Fields = {"sampling.epsilon": GOOD_RATIO * asked.sigma_L**2}
    action = f"Set r = {GOOD_RATIO:g}"
    if r >= 2:
        yield Advice(
            "Past the wall",
            f"r = ε/σ² = {number(r)}. From r = 2 on every chain blows up, whatever the data or the network: "
            "each step overshoots x̂ by more than it was away.",
            action,
            remedy,
            "error",
        )
    else:
        yield Advice(
            "Near the wall",
            f"r = ε/σ² = {number(r)}: the noise of the copies about their mean swells to 1/(1 − r/2) = "
            f"{number(1 / (1 - r / 2))} times its variance, and chains blow up from r = 2 on.",
            action,
            remedy,
        )


def start(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """The first noise does not swamp the data (theory §3, fact 5)."""
    asked, root_k = spec.sampling, math.sqrt(spec.training.k)
    spread = facts.data_std * math.sqrt(facts.dim)
    first = asked.sigma_1 / root_k
    if asked.method != "annealed" or math.isnan(spread) or first >= spread / 2:
        return
    # Technique 1; where pairs were not measured, twice the distance from the mean is as good.
    wanted = facts.largest_distance if facts.largest_distance > spread / 2 else 2 * spread
    remedy: dict[str, float | int] = {"sampling.sigma_1": wanted * root_k}
    gamma = ladder_ratio(asked)
    if gamma > 1:
        # As dense a ladder as before, only longer.
        remedy["sampling.levels"] = 1 + math.ceil(math.log(wanted * root_k / asked.sigma_L) / math.log(gamma))
    yield Advice(
        "Starts inside the data",
        f"σ₁/√k = {number(first)}, but the data lie {number(spread)} from their mean (root mean square), pairs up to "
        f"{number(wanted)}: chains reach only what is near their start.",
        f"Set σ₁ = {number(wanted * root_k)}",
        remedy,
    )


def ladder(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """A level keeps noise of the one before: the ladder is too coarse, or the steps are too few."""
    asked, gamma, r = spec.sampling, ladder_ratio(spec.sampling), spec.sampling.step_ratio
    langevin = asked.sampler == "langevin" and asked.ladder == "geometric" and r < 2
    if not langevin or gamma <= 1 or excess(asked) <= MOST_EXCESS:
        return
    variance = f"s_T²/σ² = {number(1 / (1 - r / 2) + excess(asked))} at the end of a level, which should be near 1"
    shared = overlap(gamma, facts.dim) if facts.dim else 1.0
    if shared < LEAST_OVERLAP:
        levels = asked.levels
        # The ratio at which C is 1/2: there √(2d)(γ − 1) = 3γ, and the other term of C is 1.
        root = math.sqrt(2 * facts.dim)
        if root > 3:
            levels = 1 + math.ceil(math.log(asked.sigma_1 / asked.sigma_L) / math.log(root / (root - 3)))
        yield Advice(
            "Ladder too coarse",
            f"Neighbouring levels differ by γ = {number(gamma)}: NCSNv2's C = {number(shared, 2)}, which should be "
            f"near {GOOD_OVERLAP:g}; {variance}.",
            f"Set L = {levels}",
            {"sampling.levels": levels},
        )
        return
    steps = steps_needed(asked)
    yield Advice(
        "Too few steps per level",
        f"T = {asked.steps_per_level} steps with r = {number(r)} leave {variance}: noise of the level before remains.",
        f"Set T = {steps}",
        {"sampling.steps_per_level": steps},
    )


def end(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """The last noise is too large for the jump."""
    asked, root_k = spec.sampling, math.sqrt(spec.training.k)
    last = asked.sigma_L / root_k
    if math.isnan(facts.data_std) or last <= MOST_LAST_NOISE * facts.data_std:
        return
    wanted = GOOD_LAST_NOISE * facts.data_std * root_k
    remedy: dict[str, float | int] = {
        "sampling.sigma_L": wanted,
        "sampling.epsilon": asked.step_ratio * wanted**2,
    }
    gamma = ladder_ratio(asked)
    if gamma > 1:
        remedy["sampling.levels"] = 1 + math.ceil(math.log(asked.sigma_1 / wanted) / math.log(gamma))
    yield Advice(
        "Last level too noisy",
        f"σ_L/√k = {number(last)} is {number(last / facts.data_std, 2)} of the data's standard deviation "
        f"{number(facts.data_std)}: the last jump gives the mean of all that looks alike under it, a blur.",
        f"Set σ_L = {number(wanted)}",
        remedy,
    )
