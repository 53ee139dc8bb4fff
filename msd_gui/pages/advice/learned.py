"""Problems of a learned score where the chains are, against the exact score of data in the plane."""

from __future__ import annotations

import math
from collections.abc import Iterator

from msd_engine.events import ScoreErrors
from msd_engine.specs import ExperimentSpec
from msd_gui.pages.advice.findings import Advice, Facts, Fields
from msd_gui.pages.advice.settings import down_to
from msd_gui.widgets.controls.numbers import number

# The learned score then has less than half of the mean square of the exact one right.
MOST_ERROR = math.sqrt(0.5)
_WHERE = "are inside the data", "between its parts", "outside"


def wrong(spec: ExperimentSpec, facts: Facts) -> Iterator[Advice]:
    """Report a learned score that is hardly better than none at some level (theory §3, fact 6)."""
    found, sampling = facts.score_errors, spec.sampling
    # A set of points has a score at small noise that no network should learn.
    if sampling != facts.sampled or found is None or found.worst is None or not facts.true_shares:
        return
    worst, (least, most) = found.worst, found.trained
    if not found.error[worst] > MOST_ERROR:
        return
    where = ", ".join(
        f"{number(100 * share, 2)} % {place} (error {number(100 * error, 2)} %)"
        for place, share, error in zip(_WHERE, found.share[worst], found.by_region[worst], strict=True)
        if share > 0
    )
    remedy = _within(spec, found)
    trained = f"Training drew σ/√k between {number(least)} and {number(most)}"
    cause = ": the network has not seen such noise." if remedy else ", so the network should know: train it longer."
    yield Advice(
        "The learned score is wrong where the chains are",
        f"At level {found.level[worst] + 1}, σ/√k = {number(found.sigma_eff[worst])}, its error is "
        f"{number(100 * found.error[worst], 2)} % of the exact score. Of the chains {where}. {trained}{cause}",
        "Keep to the trained noise" if remedy else "Use the exact score",
        remedy or {"sampling.source": "exact"},
    )


def _within(spec: ExperimentSpec, found: ScoreErrors) -> Fields:
    """Return the fields of a ladder inside the noises of training; empty where the score is wrong there, too."""
    (least, most), sampling = found.trained, spec.sampling
    bad = found.sigma_eff[found.error > MOST_ERROR]
    below, above = bad < least, bad > most
    if not (below | above).all():
        return {}
    remedy: dict[str, float | int] = down_to(spec, spec.sigma_of_copy(least)) if below.any() else {}
    if above.any():
        remedy["sampling.sigma_1" if sampling.annealed else "sampling.sigma_L"] = spec.sigma_of_copy(most)
    ends = remedy.get("sampling.sigma_1", sampling.sigma_1), remedy.get("sampling.sigma_L", sampling.sigma_L)
    return remedy if not sampling.annealed or ends[0] > ends[1] else {}
