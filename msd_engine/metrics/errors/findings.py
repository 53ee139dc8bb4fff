"""Conclusions from the table of a comparison on the report's claim that more copies lower the error.

With the same σ for each copy, σ_eff = σ/√k falls with k, and with it the error of even a perfect denoiser (theory §3,
fact 1). With the same σ_eff the exact errors coincide. So the part of the first mode's fall that remains in the second
mode is the effect of k on learning, and the rest is σ/√k:

    share of σ/√k = 1 − ln(e_eff(k)/e_eff(1)) / ln(e_σ(k)/e_σ(1)).

Every judgement rests on ln(e(k)/e(1)) of each seed and on Student's t: where there is nothing to find, a sentence says
so falsely in at most 5 % of comparisons, however many k it speaks of. What the seeds do not tell is called that.

Fusions of the copies are compared at the same σ_eff, by the mean over k > 1 of ln(e(fusion)/e(first fusion)) of each
seed.

Only errors of the same training step are judged. Where the runs took different numbers of steps, the first sentence
says at which step they are compared, or why nothing is judged.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from msd_engine.events.sweep import TableRow
from msd_engine.metrics.errors.student import Interval, interval, quantile

_REMEDY = "A budget in steps gives all runs the same number"
_ALIKE = 0.05
"""Errors at the same σ_eff count as the same if their ratio is significantly within this of 1."""


def findings(rows: Sequence[TableRow]) -> tuple[str, ...]:
    """Report what the figures confirm, refute and leave open.

    Args:
        rows: The table.

    Returns:
        One sentence on the steps where the runs took different numbers of them; then, where the rows may be judged, at
        most one for each mode, one on how much of the gain is σ/√k, all of the first fusion, and one for each other
        fusion. Nothing where figures are missing.
    """
    steps = _steps(rows)
    if not all(row.judged for row in rows):
        return (steps,)
    by_mode = {
        mode: [row for row in rows if row.mode == mode and not row.place and not math.isnan(row.error)]
        for mode in ("same-sigma", "same-sigma-eff")
    }
    claims = [_falling(by_mode["same-sigma"]), _coinciding(by_mode["same-sigma-eff"])]
    claims.append(_share(by_mode["same-sigma"], by_mode["same-sigma-eff"]))
    of = f"By {rows[0].fusion}: " if rows and rows[0].fusion else ""
    sentences = [steps, *(f"{of}{claim}" for claim in claims if claim), *_by_fusion(rows)]
    return tuple(sentence for sentence in sentences if sentence)


def _steps(rows: Sequence[TableRow]) -> str:
    """Say at which step runs of different length are compared; nothing where all took equally many steps."""
    known = [row for row in rows if row.seeds]
    if not known:
        return ""
    fewest, most = min(row.fewest_steps for row in known), max(row.most_steps for row in known)
    if fewest == most:
        return ""
    ended, at = f"The runs ended after {fewest:,.0f} to {most:,.0f} steps", known[0].compared_at
    if math.isnan(at):
        return (
            f"{ended} and were measured at no step that all of them reached: their errors are not compared. {_REMEDY}."
        )
    table = f"their errors are those at step {at:,.0f}, the last at which all were measured on held-out data"
    if known[0].judged:
        return f"{ended}: {table}."
    return (
        f"{ended}, and nothing is judged: {table}, but the learning rate falls over the budget of a run, and that of "
        f"the longer ones was still high at this step. {_REMEDY}."
    )


def _falling(rows: Sequence[TableRow]) -> str:
    if not _spans(rows):
        return ""
    first, last = rows[0], rows[-1]
    logs = _logs(first, last)
    whole = interval(logs)
    unsure = [f"from k = {low.k} to {high.k}" for low, high in itertools.pairwise(rows) if not _falls(low, high)]
    if len(logs) < 2:
        verdict = "Undecided with one seed: whether the error falls with the same σ for each copy"
    elif whole.high < 0 and not unsure:
        verdict = "Confirmed: with the same σ for each copy the error falls at every step of k"
    elif whole.high < 0:
        verdict = (
            "Confirmed on the whole: with the same σ for each copy the error falls, not significantly "
            f"{', '.join(unsure)}"
        )
    elif whole.low > 0:
        verdict = "Refuted here: with the same σ for each copy the error rises"
    else:
        verdict = (
            f"Undecided: with the same σ for each copy {len(logs)} seeds do not separate the errors of k = 1 and "
            f"{last.k}"
        )
    sentence = (
        f"{verdict}, {_with_spread(first)} at k = 1 to {_with_spread(last)} at k = {last.k}, ratio {last.ratio:.3f}"
        f"{_between(whole)}"
    )
    if not math.isnan(last.reported_ratio):
        sentence += f" (the report's figures: {last.reported_ratio:.3f})"
    if not math.isnan(last.floor_ratio):
        sentence += f"; for the exact posterior mean the ratio is {last.floor_ratio:.3f}"
    return sentence + "."


def _coinciding(rows: Sequence[TableRow]) -> str:
    if not _spans(rows):
        return ""
    ratios = [row.ratio for row in rows]
    between = f"the errors of all k lie between {min(ratios):.3f} and {max(ratios):.3f} times that of k = 1"
    # All are alike if each one is; the test that one differs corrects for their number.
    open_ones = [row for row in rows[1:] if not _alike(rows, row)]
    differ = [row for row in rows[1:] if _differs(rows, row)]
    learned = [row for row in open_ones if row in differ]
    if not open_ones:
        more = f"; {_named(differ)} by more than chance, though by less than that" if differ else ""
        return (
            f"Confirmed to within {100 * _ALIKE:.0f} %: at the same σ_eff {between}, as in theory for perfect "
            f"denoisers{more}."
        )
    if learned:
        return (
            f"At the same σ_eff {between}; {_named(learned)} from 1 by more than chance, unlike a perfect denoiser: "
            "learning makes this difference."
        )
    logs = [_logs(rows[0], row) for row in open_ones]
    if any(len(found) < 2 for found in logs):
        return f"Undecided with one seed, learning or chance: at the same σ_eff {between}."
    intervals = [interval(found) for found in logs]
    low, high = min(one.low for one in intervals), max(one.high for one in intervals)
    return (
        f"Undecided: at the same σ_eff {between}, and the seeds allow ratios from {math.exp(low):.3f} to "
        f"{math.exp(high):.3f}."
    )


def _share(plain: Sequence[TableRow], fair: Sequence[TableRow]) -> str:
    both = [(row, other) for row in plain for other in fair if row.k == other.k and row.k > 1]
    if not (_spans(plain) and _spans(fair) and both):
        return ""
    row, other = both[-1]
    falls = interval(_logs(plain[0], row))
    one_seed = min(len(_logs(plain[0], row)), len(_logs(fair[0], other))) < 2
    if falls.mean >= 0 if one_seed else falls.high >= 0:
        return ""
    share, half = _share_of_noise(plain[0], row, fair[0], other)
    error = (
        " by one seed" if one_seed else f" (95 % interval: {100 * (share - half):.0f} to {100 * (share + half):.0f} %)"
    )
    left = _left(fair, other)
    if share - half > 1.0:
        return (
            f"From k = 1 to {row.k} the error fell (ratio {row.ratio:.3f}) by less than σ/√k alone predicts: the "
            f"predicted fall of its logarithm is {100 * share:.0f} % of the measured one{error}; {left}."
        )
    return (
        f"Of the fall of the logarithm of the error from k = 1 to {row.k} (ratio {row.ratio:.3f}), "
        f"{100 * share:.0f} % is σ/√k alone{error}; {left}."
    )


def _left(rows: Sequence[TableRow], row: TableRow) -> str:
    ratio = f"(ratio {row.ratio:.3f})"
    if _alike(rows, row):
        return f"what remains at the same σ_eff {ratio} is within {100 * _ALIKE:.0f} %"
    if not _differs(rows, row):
        return f"whether anything remains at the same σ_eff {ratio} is undecided"
    if row.ratio < 1:
        return f"the rest remains at the same σ_eff {ratio} and is the gain of the copies in learning"
    return f"at the same σ_eff the copies made learning harder {ratio}"


def _share_of_noise(first: TableRow, row: TableRow, fair_first: TableRow, other: TableRow) -> tuple[float, float]:
    """Return the share of σ/√k and half of its 95 % interval, to first order; NaN for one seed."""
    seeds = [seed for seed in _seeds(first, row) if seed in _seeds(fair_first, other)]
    falls, remains = (
        np.array([math.log(high.by_seed[seed] / low.by_seed[seed]) for seed in seeds])
        for low, high in ((first, row), (fair_first, other))
    )
    if not seeds:
        return 1.0 - math.log(other.ratio) / math.log(row.ratio), math.nan
    part = remains.mean() / falls.mean()
    if len(seeds) < 2:
        return float(1.0 - part), math.nan
    moved = (remains - part * falls) / falls.mean()
    half = quantile(len(seeds) - 1) * moved.std(ddof=1) / math.sqrt(len(seeds))
    return float(1.0 - part), float(half)


def _by_fusion(rows: Sequence[TableRow]) -> list[str]:
    """Say of every further fusion whether it costs anything at the same σ_eff."""
    fair = [row for row in rows if row.mode == "same-sigma-eff" and row.k > 1 and row.by_seed]
    first = {row.k: row for row in fair if not row.place}
    pairs: dict[int, list[tuple[TableRow, TableRow]]] = {}
    for row in fair:
        if row.place and row.k in first:
            pairs.setdefault(row.place, []).append((first[row.k], row))
    return [_cost(of_one, len(pairs)) for of_one in pairs.values()]


def _cost(pairs: Sequence[tuple[TableRow, TableRow]], tests: int) -> str:
    """Say whether a fusion errs more than the first one."""
    low, high = pairs[0]
    seeds = sorted(set.intersection(*(set(_seeds(one, other)) for one, other in pairs)))
    logs = [
        float(np.mean([math.log(other.by_seed[seed] / one.by_seed[seed]) for one, other in pairs])) for seed in seeds
    ]
    given_up = (
        "giving up the order of the copies" if low.fusion == "concat" else f"{high.fusion} in place of {low.fusion}"
    )
    ks = " and ".join(str(other.k) for _, other in pairs)
    text = f"At the same σ_eff, k = {ks}, {high.fusion} errs"
    if not logs:
        return ""
    found, alike = interval(logs, tests), _within(interval(logs))
    text += f" {math.exp(found.mean):.3f} times as much as {low.fusion}{_between(found)}"
    if len(logs) < 2:
        return f"{text}: whether {given_up} costs anything is unclear from one seed."
    little = f", though less than {100 * _ALIKE:.0f} %" if alike else ""
    if found.low > 0:
        return f"{text}: {given_up} costs something{little}."
    if found.high < 0:
        return f"{text}: {given_up} costs nothing, it helps{little}."
    if alike:
        return f"{text}: {given_up} costs nothing to within {100 * _ALIKE:.0f} %."
    return f"{text}: whether {given_up} costs anything is unclear from {len(logs)} seeds."


def _within(found: Interval) -> bool:
    return math.log(1 - _ALIKE) <= found.low and found.high <= math.log(1 + _ALIKE)


def _spans(rows: Sequence[TableRow]) -> bool:
    return len(rows) > 1 and rows[0].k == 1 and not any(math.isnan(row.ratio) for row in rows)


def _seeds(low: TableRow, high: TableRow) -> list[int]:
    return [seed for seed, error in high.by_seed.items() if min(error, low.by_seed.get(seed, 0.0)) > 0]


def _logs(low: TableRow, high: TableRow) -> list[float]:
    """Return ln(e(high)/e(low)) of every seed that both have."""
    return [math.log(high.by_seed[seed] / low.by_seed[seed]) for seed in _seeds(low, high)] or [math.nan]


def _falls(low: TableRow, high: TableRow) -> bool:
    return interval(_logs(low, high)).high < 0


def _differs(rows: Sequence[TableRow], row: TableRow) -> bool:
    """Return whether e(k) differs from e(1) beyond chance, corrected for the number of k in the mode."""
    found = interval(_logs(rows[0], row), len(rows) - 1)
    return found.low > 0 or found.high < 0


def _alike(rows: Sequence[TableRow], row: TableRow) -> bool:
    return _within(interval(_logs(rows[0], row)))


def _named(rows: Sequence[TableRow]) -> str:
    named = ", ".join(f"k = {row.k} ({row.ratio:.3f})" for row in rows)
    return named + (" differs" if len(rows) == 1 else " differ")


def _between(found: Interval) -> str:
    if not math.isfinite(found.low):
        return ""
    return f" (95 % interval {math.exp(found.low):.3f} to {math.exp(found.high):.3f})"


def _with_spread(row: TableRow) -> str:
    return f"{row.error:.3f}" + ("" if math.isnan(row.spread) else f" ± {row.spread:.3f}")
