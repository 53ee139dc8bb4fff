"""Rules that find problems of sampling settings, with evidence in figures and changes of fields as remedies.

With σ_eff = σ/√k, r = ε/σ², the ratio γ of neighbouring levels, T steps per level and the dimension d they check:

* the wall: chains blow up from r = 2 on, and plain Langevin steps swell by 1/(1 − r/2) before it (theory §3, fact 4);
* the start: σ₁/√k below half the root mean square distance of the data from their mean, std·√d; the remedy is
  technique 1 of Song and Ermon 2020 (arXiv:2006.09011), σ₁/√k = largest pairwise distance (theory §3, fact 5);
* the ladder: what a level has not yet shrunk of the noise of the one before, by how far technique 4's s_T²/σ² is from
  what it tends to, as the engine predicts it for every sampler and every ladder; it is blamed on γ where technique 2's
  C = Φ(√(2d)(γ−1) + 3γ) − Φ(√(2d)(γ−1) − 3γ) is far below 1/2, else on T;
* the end: σ_L/√k above a quarter of the data's standard deviation, of which the last jump makes a blur;
* fixed noise: the share of a mode beyond chance by an exact test, while nearly all chains end in the mode that they
  were in half way; the remedy is to anneal, from the same start and with as many steps;
* a mode or class without any sample, beyond chance, while σ₁/√k is below the largest distance of the data;
* a learned score with less than half of the mean square of the exact one at some level, in the plane; the remedy is a
  ladder inside the noises of training where it is wrong only beyond them, else the exact score;
* acceptance of Metropolis proposals below 0.2 or above 0.95; the remedy is to adapt the step in a warm-up;
* too many steps: the share of a class or mode beyond chance by an exact test, from a network, with twice the steps
  that the ladder needs or more (theory §3, fact 8); the remedy is as many as it needs, for images half of the steps;
* chains that have died or have ended off the data, and shares that are wrong for any other reason: no rule knows the
  cause, so the card offers the experiment.

Measurements count only for the settings of their own sampling.
"""

from __future__ import annotations

from msd_engine.specs import ExperimentSpec, SpecError
from msd_gui.pages.advice import chains, learned, reach, settings
from msd_gui.pages.advice.findings import Advice, Facts, Fields

_RULES = (
    settings.wall,
    settings.start,
    settings.ladder,
    settings.end,
    chains.stuck,
    reach.acceptance,
)


def advise(spec: ExperimentSpec, facts: Facts) -> list[Advice]:
    """Find problems of a sampling.

    Returns:
        Advice, the worst first. Each remedy, applied to the spec, removes its advice.
    """
    found = [advice for rule in _RULES for advice in rule(spec, facts)]
    # The shares of dead chains mean nothing, and a score that is known to be wrong is the cause of either.
    rules = (learned.wrong, chains.dead, reach.unvisited, chains.drift, chains.shares)
    found += next((cards for rule in rules if (cards := [*rule(spec, facts)])), [])
    return [advice for advice in found if _accepted(spec, advice.remedy)]


def _accepted(spec: ExperimentSpec, remedy: Fields) -> bool:
    """Check whether a remedy stays within the bounds of its fields."""
    try:
        spec.replace_all(dict(remedy))
    except SpecError:
        return False
    return True
