"""Problems in the results of chains: drifted shares and dead chains; see `pages.advice.rules`.

A drift must be significant: among n independent samples the count of a class with share p of the data is binomial, and
twice the smaller tail of the worst class, times the number of classes (Bonferroni), bounds the chance of such a count
in any class. It must also be large, because with thousands of samples every drift is significant.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from msd_engine.events import Trial
from msd_engine.events.verdicts import ALIVE
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.advice.findings import Advice, Facts
from msd_gui.pages.base.readings import survival_severity
from msd_gui.session.resolve import annealed_again
from msd_gui.widgets.controls.numbers import number

# So small that chance gives no advice in the dozens of samplings of a session.
_MOST_CHANCE = 1e-3
# Accepted ratios of a share to that of the data.
_SHARE_BOUNDS = (0.8, 1.25)
# Factor of chains of an experiment that could not tell a cause.
MORE = 4
# Chains keep their modes where at least so many do from the middle of a level to its end.
_LEAST_STAYED = 0.9


@dataclass(frozen=True)
class Drift:
    """The class or mode with the most significant drift.

    Attributes:
        place: Its index.
        samples: Number of its samples.
        chance: Bound on the chance that any class deviates so far from its share of the data.
    """

    place: int
    samples: int
    chance: float


def tail(count: int, n: int, share: float) -> float:
    """Compute twice the smaller tail of the binomial law of `n` samples at `count`, at most 1; `share` in (0, 1)."""
    log_factorials = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1)))))
    j = np.arange(n + 1)
    law = np.exp(
        log_factorials[n] - log_factorials - log_factorials[::-1] + j * math.log(share) + (n - j) * math.log1p(-share)
    )
    return min(1.0, 2 * float(min(law[: count + 1].sum(), law[count:].sum())))


def furthest(shares: Sequence[float], true_shares: Sequence[float], n: int) -> Drift:
    """Find the class or mode whose share among n samples is least likely under the true shares."""
    known = [place for place, true in enumerate(true_shares) if 0 < true < 1]
    counts = {place: round(shares[place] * n) for place in known}
    chances = {place: tail(counts[place], n, true_shares[place]) for place in known}
    worst = min(known, key=lambda place: chances[place], default=None)
    if worst is None:
        return Drift(0, 0, 1.0)
    return Drift(worst, counts[worst], min(1.0, len(known) * chances[worst]))


def stuck(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """Chains at fixed noise have wrong weights, as they cannot cross from mode to mode (theory §3, fact 5)."""
    sampling = spec.sampling
    if sampling != facts.sampled or sampling.annealed or sampling.blows_up or not facts.counted:
        return
    found = furthest(facts.shares, facts.true_shares, facts.counted)
    # NaN is no evidence.
    if found.chance >= _MOST_CHANCE or not facts.stayed >= _LEAST_STAYED:
        return
    steps = annealed_again(sampling)
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
    if len(facts.shares) != len(facts.true_shares) or not 0 < 2 * needed <= sampling.steps_per_level:
        return
    n = facts.counted or sampling.chains
    found = furthest(facts.shares, facts.true_shares, n)
    if found.chance >= _MOST_CHANCE:
        return
    true = facts.true_shares[found.place]
    if _SHARE_BOUNDS[0] < found.samples / (n * true) < _SHARE_BOUNDS[1]:
        return
    # Half, not as few as the ladder needs: the steps between also mend what the network gets wrong on the way down.
    given = sampling.steps_per_level
    steps = max(needed, given // 2)
    yield Advice(
        "Too many steps per level",
        f"{_counted(found, facts, n)}. "
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
    explained = facts.explained
    if explained is None:
        yield Advice(
            title,
            f"{evidence} Why? draws some of them again, with one change each: exact score, no guidance, more steps, "
            "another seed.",
            "Why?",
            ask="why",
        )
        return
    if not explained.complete:
        yield Advice(title, f"{evidence} {explained.text}", "Stop", ask="stop")
        return
    cause = explained.cause
    if cause is None:
        more = f"Why? with {MORE * explained.trials[0].count} chains"
        yield Advice(title, f"{evidence} {explained.text}", more, ask="why")
    elif cause.cause == "network":
        yield Advice("The network errs", f"{evidence} {explained.text}", "Train longer", ask="train")
    else:
        title, action = _remedy(spec, cause)
        yield Advice(title, f"{evidence} {explained.text}", action, cause.values)


def _remedy(spec: ExperimentSpec, cause: Trial) -> tuple[str, str]:
    """Return title and button for a cause that new settings mend."""
    match cause.cause:
        case "guidance":
            return f"Guidance w = {number(spec.sampling.guidance)} kills chains", "Set w = 1"
        case "conditioning":
            return "The denoiser is told too little noise", "Give the actual noise"
        case "steps":
            return "Too few steps", f"Set T = {cause.values['sampling.steps_per_level']}"
        case _:
            return "This seed is an exception", "Use another seed"
