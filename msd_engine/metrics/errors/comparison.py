"""What a comparison of numbers of copies shows: its table, and what that says of the report's claim.

With the same σ for each copy, σ_eff = σ/√k falls with k, and with it the error of even a perfect denoiser (theory §3,
fact 1). With the same σ_eff the exact errors coincide. So of the fall that the first mode shows, the part that remains
in the second is what k did to learning, and the rest is σ/√k:

    share of σ/√k = 1 − ln(e_eff(k)/e_eff(1)) / ln(e_σ(k)/e_σ(1)).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.sweep import TableRow
from msd_engine.specs.sweep import REPORTED, Mode, SweepResult, SweepSpec

_NAN = math.nan
_NOTHING = np.empty(0)


def table(spec: SweepSpec, results: Iterable[SweepResult]) -> tuple[TableRow, ...]:
    """Make the table of a comparison.

    Args:
        spec: The comparison.
        results: How its runs ended, as far as they have.

    Returns:
        One row for each mode and k, in this order, k ascending.
    """
    known = [result for result in results if result.seed in spec.seeds]
    return tuple(_row(spec, mode, k, known) for mode in spec.modes for k in sorted(spec.ks))


def _row(spec: SweepSpec, mode: Mode, k: int, results: Sequence[SweepResult]) -> TableRow:
    # A run of k = 1 belongs to both modes, whichever of them were asked for when it was made.
    of_k = [result for result in results if result.k == k and (k == 1 or mode in result.modes)]
    found = {result.seed: result for result in of_k if result.error is not None}
    first = {result.seed: result for result in results if result.k == 1 and result.error is not None}
    errors = [_number(result.error) for result in found.values()]
    ratios = [_number(result.error) / _number(first[seed].error) for seed, result in found.items() if seed in first]
    floor = next((_number(result.floor) for result in found.values()), _NAN)
    first_floor = next((_number(result.floor) for result in first.values()), _NAN)
    # The report has the same σ for every k.
    reported = REPORTED.get(spec.base.data.name, {}) if mode == "same-sigma" else {}
    bands = np.array([result.band_error for result in found.values()])
    one = next(iter(found.values()), None)
    return TableRow(
        mode=mode,
        k=k,
        seeds=len(found),
        failed=len(of_k) - len(found),
        steps=float(np.mean([result.step for result in found.values()])) if found else _NAN,
        error=_mean(errors),
        spread=_spread(errors),
        ratio=_mean(ratios),
        ratio_spread=_NAN if k == 1 else _spread(ratios),
        floor=floor,
        floor_ratio=floor / first_floor,
        reported=reported.get(k, _NAN),
        reported_ratio=reported.get(k, _NAN) / reported.get(1, _NAN),
        band_sigma_eff=np.array(one.band_sigma_eff) if one else _NOTHING,
        band_error=bands.mean(0) if one else _NOTHING,
        band_spread=_band_spread(bands) if one else _NOTHING,
        band_floor=_band_floor(one) if one else _NOTHING,
    )


def _number(value: float | None) -> float:
    return _NAN if value is None else value


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else _NAN


def _spread(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else _NAN


def _band_spread(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    return bands.std(0, ddof=1) if len(bands) > 1 else np.full(bands.shape[1], _NAN)


def _band_floor(result: SweepResult) -> NDArray[np.float64]:
    return np.array(result.band_floor) if result.band_floor else np.full(len(result.band_error), _NAN)


def findings(rows: Sequence[TableRow]) -> tuple[str, ...]:
    """Say what the figures confirm and refute of the report's claim that more copies lower the error.

    Args:
        rows: The table.

    Returns:
        At most one sentence for each mode and one on how much of the gain is σ/√k; nothing where figures are missing.
    """
    by_mode = {
        mode: [row for row in rows if row.mode == mode and not math.isnan(row.error)]
        for mode in ("same-sigma", "same-sigma-eff")
    }
    sentences = [_falling(by_mode["same-sigma"]), _coinciding(by_mode["same-sigma-eff"])]
    sentences.append(_share(by_mode["same-sigma"], by_mode["same-sigma-eff"]))
    return tuple(sentence for sentence in sentences if sentence)


def _falling(rows: Sequence[TableRow]) -> str:
    if not _spans(rows):
        return ""
    first, last = rows[0], rows[-1]
    rises = [(low.k, high.k) for low, high in itertools.pairwise(rows) if high.error >= low.error]
    if last.error >= first.error:
        verdict = "Refuted here: with the same σ for each copy the error does not fall"
    elif rises:
        steps = ", ".join(f"from k = {low} to {high}" for low, high in rises)
        verdict = f"Confirmed on the whole: with the same σ for each copy the error falls, though not {steps}"
    else:
        verdict = "Confirmed: with the same σ for each copy the error falls at every step of k"
    sentence = (
        f"{verdict}, {_with_spread(first)} at k = 1 to {_with_spread(last)} at k = {last.k}, ratio {last.ratio:.3f}"
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
    low, high = min(ratios), max(ratios)
    off = [row for row in rows[1:] if _is_off(row)]
    between = f"the errors of all k lie between {low:.3f} and {high:.3f} times that of k = 1"
    if not off:
        return f"Confirmed: at the same σ_eff {between}, within chance or 5 %, as theory says of perfect denoisers."
    named = ", ".join(f"k = {row.k} ({row.ratio:.3f})" for row in off)
    named += " differs" if len(off) == 1 else " differ"
    if any(row.seeds == 1 for row in off):
        return (
            f"At the same σ_eff {between}; {named} from 1 by more than 5 %, which a perfect denoiser would not; "
            "with one seed it cannot be told whether that is learning or chance."
        )
    return (
        f"At the same σ_eff {between}; {named} from 1 by more than chance and 5 %, which a perfect "
        "denoiser would not: this difference is one of learning."
    )


def _is_off(row: TableRow) -> bool:
    """Whether a ratio differs from 1: by more than 5 %, and twice its standard error where there are seeds for one."""
    away = abs(row.ratio - 1.0)
    chance = 0.0 if math.isnan(row.ratio_spread) else 2 * row.ratio_spread / math.sqrt(row.seeds)
    return away > max(0.05, chance)


def _share(plain: Sequence[TableRow], fair: Sequence[TableRow]) -> str:
    both = [(row, other) for row in plain for other in fair if row.k == other.k and row.k > 1]
    if not (_spans(plain) and _spans(fair) and both):
        return ""
    row, other = both[-1]
    if row.ratio >= 1.0:
        return ""
    share = 1.0 - math.log(other.ratio) / math.log(row.ratio)
    if not _is_off(other):
        left = f"what remains at the same σ_eff (ratio {other.ratio:.3f}) is within chance or 5 %"
    elif other.ratio < 1.0:
        left = f"the rest remains at the same σ_eff (ratio {other.ratio:.3f}) and is what the copies did for learning"
    else:
        left = f"at the same σ_eff the copies made learning harder (ratio {other.ratio:.3f})"
    if share > 1.005:
        if not _is_off(other):
            left = f"the difference (ratio {other.ratio:.3f} at the same σ_eff) is within chance or 5 %"
        return (
            f"From k = 1 to {row.k} the error fell (ratio {row.ratio:.3f}) by less than σ/√k alone gives, which is "
            f"{100 * share:.0f} % of that fall in the logarithm; {left}."
        )
    return (
        f"Of the fall of the logarithm of the error from k = 1 to {row.k} (ratio {row.ratio:.3f}), "
        f"{100 * share:.0f} % is σ/√k alone; {left}."
    )


def _spans(rows: Sequence[TableRow]) -> bool:
    return len(rows) > 1 and rows[0].k == 1 and not any(math.isnan(row.ratio) for row in rows)


def _with_spread(row: TableRow) -> str:
    return f"{row.error:.3f}" + ("" if math.isnan(row.spread) else f" ± {row.spread:.3f}")
