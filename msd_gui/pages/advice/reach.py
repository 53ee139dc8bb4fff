"""Problems of where chains get to: a mode that none of them reaches, and proposals that hardly move them.

A mode is empty beyond chance where n independent samples would leave it out with a chance of (1 − w)ⁿ, times the number
of modes (Bonferroni). Langevin proposals are best in many dimensions where ACCEPTANCE of them are accepted (Roberts and
Rosenthal 1998); with far fewer or far more, chains hardly move.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from msd_engine.specs import ExperimentSpec
from msd_engine.specs.tables.samplers import ACCEPTANCE
from msd_gui.pages.advice.chains import MOST_CHANCE
from msd_gui.pages.advice.findings import Advice, Facts
from msd_gui.pages.advice.settings import GOOD_RATIO, starts_inside, wider
from msd_gui.widgets.controls.numbers import number

# In two dimensions and with few copies good chains accept more than in many.
LEAST_ACCEPTED, MOST_ACCEPTED = 0.2, 0.95
GOOD_WARM_UP = 0.2
# Steps of adaptation that change r by a factor of thousands.
_ADAPTING = 100


def unvisited(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """Report a mode without any sample that a larger first noise would reach (theory §3, fact 5)."""
    sampling, n = spec.sampling, facts.counted
    if sampling != facts.sampled or not sampling.annealed or sampling.blows_up or not n:
        return
    first = spec.sigma_eff(sampling.sigma_1)
    # NaN is no evidence.
    if not first < facts.largest_distance or starts_inside(spec, facts) or len(facts.shares) != len(facts.true_shares):
        return
    empty = [place for place, share in enumerate(facts.shares) if share * n < 0.5]
    place = max(empty, key=lambda one: facts.true_shares[one], default=-1)
    if place < 0 or len(facts.shares) * (1 - facts.true_shares[place]) ** n >= MOST_CHANCE:
        return
    which = f"class {facts.class_names[place]}" if facts.class_names else f"mode {place + 1}"
    sigma_1, remedy = wider(spec, facts.largest_distance)
    yield Advice(
        f"{which.capitalize()} is never visited",
        f"None of {n} samples is in {which}, which has {number(facts.true_shares[place], 2)} of the data. Some data "
        f"are {number(facts.largest_distance)} apart, but the first noise σ₁/√k = {number(first)} carries no chain "
        "there, and smaller noises only lead to the nearest mode.",
        f"Set σ₁ = {number(sigma_1)}",
        remedy,
    )


def acceptance(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """Report proposals of which nearly none or nearly all are accepted."""
    sampling, found = spec.sampling, facts.acceptance
    if sampling != facts.sampled or math.isnan(found) or LEAST_ACCEPTED <= found <= MOST_ACCEPTED:
        return
    low = found < LEAST_ACCEPTED
    why = (
        "the step is so large that most proposals leave the data, and chains stand still"
        if low
        else "the step is so small that chains hardly move"
    )
    levels = sampling.levels if sampling.annealed else 1
    share = max(sampling.warm_up, GOOD_WARM_UP)
    steps = max(sampling.steps_per_level, math.ceil(2 * (_ADAPTING / levels + 1) / share))
    if sampling.warm_up >= GOOD_WARM_UP and steps == sampling.steps_per_level:
        # They adapt, but from too far away.
        remedy, action = {"sampling.step_ratio": GOOD_RATIO}, f"Set r = {GOOD_RATIO:g}"
    else:
        remedy = {"sampling.warm_up": share, "sampling.steps_per_level": steps}
        action = f"Adapt r in a warm-up of {100 * share:.0f} % of T = {steps}"
    yield Advice(
        "Acceptance is too low" if low else "Acceptance is too high",
        f"{number(100 * found, 2)} % of the proposals at the last level are accepted with r = "
        f"{number(sampling.step_ratio)}: {why}. In many dimensions {100 * ACCEPTANCE:.0f} % is best.",
        action,
        remedy,
    )
