"""What is wrong with the settings of a sampling, with the evidence in figures and changes of fields that mend it.

The rules, with σ_eff = σ/√k, r = ε/σ², γ the ratio of neighbouring levels, T the steps per level and d the dimension:

* the wall r = 2, from which on chains blow up, and the swelling 1/(1 − r/2) before it (theory §3, fact 4);
* the start: σ₁/√k below half the root mean square distance of the data from their mean, std·√d; the remedy is
  technique 1 of Song and Ermon 2020 (arXiv:2006.09011), σ₁/√k = largest pairwise distance (theory §3, fact 5);
* the ladder: what a level has not yet shrunk of the noise of the one before, (1 − r)^{2T} (γ² − 1/(1 − r/2)), the
  excess of technique 4's s_T²/σ²; it is blamed on γ where technique 2's C = Φ(√(2d)(γ−1) + 3γ) − Φ(√(2d)(γ−1) − 3γ)
  is far below 1/2, else on T;
* the end: σ_L/√k above a quarter of the data's standard deviation, of which the last jump makes a blur;
* too many steps: shares of classes or modes beyond chance, from a network, with more steps than the ladder needs
  (theory §3, fact 8); and chains that have died, or have ended off the data, though r is far from the wall.

What was measured counts only for the sampling that it was measured on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from msd_engine.specs import ExperimentSpec, SamplingSpec, SpecError
from msd_gui.pages.readings import number

# Far enough from the wall: the residuals swell by a ninth only.
GOOD_RATIO = 0.2
# From here on the residuals have twice their variance.
WARNING_RATIO = 1.0
# Excess of s_T²/σ² over its limit that a level may leave, and what a remedy aims at.
MOST_EXCESS, GOOD_EXCESS = 0.25, 0.05
LEAST_OVERLAP, GOOD_OVERLAP = 0.05, 0.5
MOST_LAST_NOISE, GOOD_LAST_NOISE = 0.25, 0.1
MOST_DEAD = 0.02
_STANDARD_ERRORS = 4.0

Fields = Mapping[str, float | int]


@dataclass(frozen=True)
class Facts:
    """What is known besides the settings; NaN and empty where it is not.

    Attributes:
        dim: Numbers in one datum.
        data_std: Standard deviation of one coordinate of the data about their mean.
        largest_distance: Largest pairwise distance of the data.
        sampled: The sampling that the rest was measured on.
        verdicts: The verdict on each chain.
        shares: Share of the samples in each class or mode.
        true_shares: The same of the data.
        class_names: Names of the classes; empty for modes.
        counted: Number of samples that the shares were counted on; 0 for all chains of the sampling.
    """

    dim: int = 0
    data_std: float = math.nan
    largest_distance: float = math.nan
    sampled: SamplingSpec | None = None
    verdicts: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    true_shares: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()
    counted: int = 0


@dataclass(frozen=True)
class Advice:
    """One thing that is wrong, and its remedy.

    Attributes:
        title: One short line.
        evidence: One or two sentences with the figures.
        action: What the button says.
        remedy: New values of fields by dotted path.
        severity: ``error`` where no sample can be right, else ``warning``.
    """

    title: str
    evidence: str
    action: str
    remedy: Fields = field(default_factory=dict)
    severity: Literal["warning", "error"] = "warning"


def advise(spec: ExperimentSpec, facts: Facts) -> list[Advice]:
    """Look for what is wrong with a sampling.

    Args:
        spec: The experiment.
        facts: What is known of its data and of its last sampling.

    Returns:
        What was found, the worst first. Each remedy, applied to the spec, makes its advice go.
    """
    found: list[Advice] = []
    for rule in (_wall, _start, _ladder, _end, _drift, _dead):
        for advice in rule(spec, facts):
            if _accepted(spec, advice.remedy):
                found.append(advice)
    return found


def _accepted(spec: ExperimentSpec, remedy: Fields) -> bool:
    """Return whether a remedy stays inside the bounds of its fields."""
    try:
        spec.replace_all(dict(remedy))
    except SpecError:
        return False
    return True


def ladder_ratio(asked: SamplingSpec) -> float:
    """Return γ, the ratio of neighbouring levels of a geometric ladder; 1 for a ladder of one level."""
    if asked.method != "annealed" or asked.levels < 2:
        return 1.0
    return math.exp(math.log(asked.sigma_1 / asked.sigma_L) / (asked.levels - 1))


def overlap(gamma: float, dim: int) -> float:
    """Return NCSNv2's C: the chance that noise of one level lies within three deviations of the next in length."""
    gap = math.sqrt(2 * dim) * (gamma - 1)
    return _normal_cdf(gap + 3 * gamma) - _normal_cdf(gap - 3 * gamma)


def excess(asked: SamplingSpec) -> float:
    """Return how far s_T²/σ² is from its limit 1/(1 − r/2) after the steps of one level."""
    r = asked.step_ratio
    return (1 - r) ** (2 * asked.steps_per_level) * (ladder_ratio(asked) ** 2 - 1 / (1 - r / 2))


def _normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _wall(spec: ExperimentSpec, _facts: Facts) -> Iterator[Advice]:
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


def _start(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
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


def _ladder(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
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
    steps = _steps_needed(asked)
    yield Advice(
        "Too few steps per level",
        f"T = {asked.steps_per_level} steps with r = {number(r)} leave {variance}: noise of the level before remains.",
        f"Set T = {steps}",
        {"sampling.steps_per_level": steps},
    )


def _steps_needed(asked: SamplingSpec) -> int:
    """Return the fewest steps per level that leave no more than a good excess."""
    r = asked.step_ratio
    start = abs(ladder_ratio(asked) ** 2 - 1 / (1 - r / 2))
    shrink = abs(1 - r)
    if start <= GOOD_EXCESS or shrink == 0:
        return 1
    return max(1, math.ceil(math.log(GOOD_EXCESS / start) / (2 * math.log(shrink))))


def _end(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
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


def _drift(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    asked = spec.sampling
    if asked != facts.sampled or asked.source != "trained" or not asked.has_wall or asked.step_ratio >= 2:
        return
    needed = _steps_needed(asked)
    if len(facts.shares) != len(facts.true_shares) or asked.steps_per_level <= needed:
        return
    counted = facts.counted or asked.chains
    gaps = [
        (abs(share - true) / math.sqrt(true * (1 - true) / counted), share, true, index)
        for index, (share, true) in enumerate(zip(facts.shares, facts.true_shares, strict=True))
        if 0 < true < 1
    ]
    errors, share, true, index = max(gaps, default=(0.0, 0.0, 0.0, 0))
    if errors <= _STANDARD_ERRORS:
        return
    which = f"The share of class {facts.class_names[index]}" if facts.class_names else "The share of a mode"
    # Half, not as few as the ladder needs: the steps between also mend what the network gets wrong on the way down.
    steps = max(needed, asked.steps_per_level // 2)
    yield Advice(
        "Too many steps per level",
        f"{which} is {number(share, 2)} among {counted} samples and {number(true, 2)} in the data, "
        f"{number(errors, 2)} standard errors apart: in {asked.steps_per_level} steps per level chains drift to the "
        f"network's own shares; the ladder alone needs {needed}.",
        f"Set T = {steps}",
        {"sampling.steps_per_level": steps},
    )


def _dead(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    asked = spec.sampling
    dead = Counter(verdict for verdict in facts.verdicts if verdict != "alive")
    count = sum(dead.values())
    if asked != facts.sampled or not asked.has_step or not count or count <= MOST_DEAD * len(facts.verdicts):
        return
    if asked.has_wall and asked.step_ratio >= 2:
        return
    reasons = ", ".join(f"{number} {reason}" for reason, number in dead.most_common())
    steps = 2 * asked.steps_per_level
    told = f"{count} of {len(facts.verdicts)} chains: {reasons}."
    if dead["off the data"] > count / 2:
        if any(_drift(spec, facts)):
            # More steps would only add to the drift.
            return
        yield Advice(
            "Chains end off the data",
            f"{told} With more steps per level Langevin dynamics mends what the network got wrong on the way down.",
            f"Set T = {steps}",
            {"sampling.steps_per_level": steps},
        )
        return
    yield Advice(
        "Chains have died",
        f"{told} Half the step and twice as many of them go the same way more carefully.",
        "Halve ε, double T",
        {"sampling.epsilon": asked.epsilon / 2, "sampling.steps_per_level": steps},
    )
