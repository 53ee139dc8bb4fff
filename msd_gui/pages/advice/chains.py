"""Problems in the results of chains: drifted shares and dead chains; see `pages.advice.rules`.

A drift must be significant: among n independent samples the count of a class with share p of the data is binomial, and
twice the smaller tail of the worst class, times the number of classes (Bonferroni), bounds the chance of such a count
in any class. It must also be large, because with thousands of samples every drift is significant.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from msd_engine.events import Trial
from msd_engine.events.causes import Drift, Fault, furthest
from msd_engine.events.verdicts import ALIVE
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.advice.findings import Advice, Facts
from msd_gui.pages.base.readings import survival_severity
from msd_gui.widgets.controls.numbers import number

# So small that chance gives no advice in the dozens of samplings of a session.
MOST_CHANCE = 1e-3
# Accepted ratios of a share to that of the data.
SHARE_BOUNDS = (0.8, 1.25)
_REQUEST: dict[Fault, Literal["why", "why shares"]] = {"deaths": "why", "shares": "why shares"}
# Factor of chains of an experiment that could not tell a cause.
MORE = 4
# Chains keep their modes where at least so many do from the middle of a level to its end.
_LEAST_STAYED = 0.9


def stuck(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """Chains at fixed noise have wrong weights, as they cannot cross from mode to mode (theory §3, fact 5)."""
    sampling = spec.sampling
    if sampling != facts.sampled or sampling.annealed or sampling.blows_up or not facts.counted:
        return
    if sampling.traits.in_turn:
        # The noise of the copies that count falls all the way.
        return
    found = furthest(facts.shares, facts.true_shares, facts.counted)
    # NaN is no evidence.
    if found.chance >= MOST_CHANCE or not facts.stayed >= _LEAST_STAYED:
        return
    steps = sampling.annealed_again
    noise = spec.sigma_eff(sampling.sigma_L)
    where = "without noise" if sampling.noiseless else f"at σ/√k = {number(noise)}"
    yield Advice(
        "Chains keep the mode they started in",
        f"{_counted(found, facts, facts.counted)}. {number(100 * facts.stayed)} % of the chains end in the mode that "
        f"they were in half way: {where} hardly any chain crosses to "
        f"another. Anneal from the same start: {sampling.levels} levels down from σ₁ = "
        f"{number(steps['sampling.sigma_1'])}, {steps['sampling.steps_per_level']} steps each.",
        "Anneal",
        steps,
    )


def drift(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """Report shares that drifted to the network's own in more steps than the ladder needs (theory §3, fact 8)."""
    sampling = spec.sampling
    if sampling != facts.sampled or sampling.source != "trained" or not sampling.has_wall or sampling.blows_up:
        return
    if not sampling.annealed:
        return
    needed = facts.ladder.steps_needed if facts.ladder is not None else 0
    if not 0 < 2 * needed <= sampling.steps_per_level:
        return
    found = _drifted(facts, sampling.chains)
    if found is None:
        return
    # Of images half, not as few as the ladder needs: the steps between also mend what the network gets wrong on the way
    # down. In the plane a half still drifts.
    given = sampling.steps_per_level
    steps = max(needed, given // 2) if facts.class_names else needed
    yield Advice(
        "Too many steps per level",
        f"{_counted(found, facts, facts.counted or sampling.chains)}. "
        f"In {given} steps per level chains drift to the network's own shares; the ladder alone needs "
        f"{needed}.",
        f"Set T = {steps}",
        {"sampling.steps_per_level": steps},
    )


def _counted(found: Drift, facts: Facts, n: int) -> str:
    which = f"Class {facts.class_names[found.place]}" if facts.class_names else f"Mode {found.place + 1}"
    true = facts.true_shares[found.place]
    return (
        f"{which} has {found.samples} of {n} samples; its share of the data, {number(true, 2)}, gives "
        f"{number(n * true)} ± {number(math.sqrt(n * true * (1 - true)), 2)}, and chance goes so far {_rarely(found)}"
    )


def _rarely(found: Drift) -> str:
    samplings = 1 / max(found.chance, 1e-9)
    return f"once in {float(f'{samplings:.1g}'):,.0f} samplings" if samplings < 1e6 else "less than once in a million"


def dead(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """Report dead chains; only the experiment names a cause, as no rule is sure of it."""
    sampling = spec.sampling
    reasons = Counter(verdict for verdict in facts.verdicts if verdict != ALIVE)
    count, n = sum(reasons.values()), len(facts.verdicts)
    if sampling != facts.sampled or sampling.blows_up or not survival_severity(n - count, n):
        return
    words = ", ".join(f"{many} {reason}" if many < count else reason for reason, many in reasons.most_common())
    off = reasons["off the data"] > count / 2
    title, evidence = "Chains end off the data" if off else "Chains have died", f"{count} of {n} chains: {words}."
    question = "“Why?” draws some again, with one change each: exact score, no guidance, more steps, another seed."
    yield _explained(spec, facts, "deaths", title, evidence, question)


def shares(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """Report wrong shares that no other rule explains; only the experiment names a cause."""
    sampling = spec.sampling
    if sampling != facts.sampled or sampling.blows_up or sampling.method == "fixed":
        return
    found = _drifted(facts, sampling.chains)
    if found is not None:
        noun = "classes" if facts.class_names else "modes"
        question = (
            "“Why?” draws others, with one change each: exact score, no guidance, more or fewer steps, more noise."
        )
        evidence = f"{_counted(found, facts, facts.counted or sampling.chains)}."
        yield _explained(spec, facts, "shares", f"Shares of the {noun} are wrong", evidence, question)


def _drifted(facts: Facts, chains: int) -> Drift | None:
    """Return the class whose share is off beyond chance and by much; None for none."""
    # NaN is no evidence.
    if len(facts.shares) != len(facts.true_shares) or not all(map(math.isfinite, facts.shares)):
        return None
    n = facts.counted or chains
    found = furthest(facts.shares, facts.true_shares, n)
    if found.chance >= MOST_CHANCE or SHARE_BOUNDS[0] < found.samples / (n * found.share) < SHARE_BOUNDS[1]:
        return None
    return found


def _explained(spec: ExperimentSpec, facts: Facts, fault: Fault, title: str, evidence: str, question: str) -> Advice:
    """Return the card of a fault before, during and after the experiment on its cause."""
    explained = facts.explained if facts.explained is not None and facts.explained.fault == fault else None
    if explained is None:
        return Advice(title, f"{evidence} {question}", "Why?", request=_REQUEST[fault])
    if not explained.complete:
        return Advice(title, f"{evidence} {explained.text}", "Stop", request="stop")
    cause = explained.cause
    if cause is None:
        more = f"Why? with {MORE * explained.chains} chains"
        return Advice(title, f"{evidence} {explained.text}", more, request=_REQUEST[fault])
    if cause.cause == "network":
        return Advice("The network errs", f"{evidence} {explained.text}", "Train longer", request="train")
    title, action = _remedy(spec, cause, fault)
    return Advice(title, f"{evidence} {explained.text}", action, cause.values)


def _remedy(spec: ExperimentSpec, cause: Trial, fault: Fault) -> tuple[str, str]:
    """Return title and button for a cause that new settings mend."""
    new = {path.partition(".")[2]: value for path, value in cause.values.items()}
    match cause.cause:
        case "guidance":
            harm = "kills chains" if fault == "deaths" else "distorts the shares"
            return f"Guidance w = {number(spec.sampling.guidance)} {harm}", "Set w = 1"
        case "conditioning":
            return "The denoiser gets too small a noise", "Give the actual noise"
        case "steps":
            return "Too few steps", f"Set T = {new['steps_per_level']}"
        case "drift":
            return "Too many steps per level", f"Set T = {new['steps_per_level']}"
        case "start":
            return "Starts inside the data", f"Set σ₁ = {number(new['sigma_1'])}"
        case "end":
            return "Last level too noisy", f"Set the last σ = {number(new['sigma_L'])}"
        case "jump":
            return "The samples keep the last noise", "Use the last jump"
        case _:
            return "This seed is an exception", "Use another seed"
