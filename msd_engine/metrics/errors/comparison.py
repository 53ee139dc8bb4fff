"""The table of a comparison of numbers of copies. `findings` puts into words what it says of the report's claim."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.sweep import TableRow
from msd_engine.metrics.errors.footing import Footing, HeldOutCurves, at_step, footing
from msd_engine.specs.sweep import REPORTED, Mode, SweepResult, SweepSpec

_NAN = math.nan
_NOTHING = np.empty(0)


def table(spec: SweepSpec, results: Iterable[SweepResult], curves: HeldOutCurves | None = None) -> tuple[TableRow, ...]:
    """Make the table of a comparison.

    Args:
        spec: The comparison.
        results: How its runs ended, as far as they have.
        curves: Their held-out curves, from which errors are taken where the runs took different numbers of steps.

    Returns:
        One row for each mode, fusion and k, in this order, k ascending.
    """
    known = [result for result in results if result.seed in spec.seeds]
    measured = [result for result in known if result.error is not None]
    curves = curves or {}
    ground = footing(spec, measured, curves)
    compared = measured
    if not (ground.ended or math.isnan(ground.step)):
        compared = [at_step(result, curves[result.name], ground.step) for result in measured]
    failed = [result for result in known if result.error is None]
    rows = itertools.product(spec.modes, range(len(spec.compared)), sorted(spec.ks))
    return tuple(_row(spec, mode, place, k, compared, failed, ground) for mode, place, k in rows)


def _row(
    spec: SweepSpec,
    mode: Mode,
    place: int,
    k: int,
    measured: Sequence[SweepResult],
    failed: Sequence[SweepResult],
    ground: Footing,
) -> TableRow:
    fusions = spec.compared

    def of(results: Sequence[SweepResult], fusion: str, k: int) -> dict[int, SweepResult]:
        own = [result for result in results if (result.fusion or spec.base.network.fusion) == fusion]
        # A run of k = 1 belongs to both modes, whichever of them were asked for when it was made.
        return {result.seed: result for result in own if result.k == k and (k == 1 or mode in result.modes)}

    found, lost = (of(results, fusions[place], k) for results in (measured, failed))
    first, beside = of(measured, fusions[place], 1), of(measured, fusions[0], k) if place else {}
    if math.isnan(ground.step):
        # Errors after different numbers of steps have no ratio worth telling.
        first, beside = {}, {}
    steps = [result.step for result in found.values()]
    errors = [_number(result.error) for result in found.values()]
    ratios, fusion_ratios = _ratios(found, first), _ratios(found, beside)
    floor = next((_number(result.floor) for result in found.values()), _NAN)
    first_floor = next((_number(result.floor) for result in measured if result.k == 1), _NAN)
    # The report has the same σ for every k.
    reported = REPORTED.get(spec.base.data.name, {}) if mode == "same-sigma" else {}
    bands = np.array([result.band_error for result in found.values()])
    one = next(iter(found.values()), None)
    return TableRow(
        mode=mode,
        k=k,
        fusion=fusions[place] if len(fusions) > 1 else "",
        place=place,
        seeds=len(found),
        failed=len(lost),
        steps=_mean(steps),
        fewest_steps=float(min(steps, default=_NAN)),
        most_steps=float(max(steps, default=_NAN)),
        compared_at=ground.step,
        judged=ground.judged,
        error=_mean(errors),
        spread=_spread(errors),
        by_seed={seed: _number(result.error) for seed, result in found.items()},
        ratio=_mean(ratios),
        ratio_spread=_NAN if k == 1 else _spread(ratios),
        fusion_ratio=_mean(fusion_ratios),
        fusion_spread=_spread(fusion_ratios),
        floor=floor,
        floor_ratio=floor / first_floor,
        reported=reported.get(k, _NAN),
        reported_ratio=reported.get(k, _NAN) / reported.get(1, _NAN),
        band_sigma_eff=np.array(one.band_sigma_eff) if one else _NOTHING,
        band_error=bands.mean(0) if one else _NOTHING,
        band_spread=_band_spread(bands) if one else _NOTHING,
        band_floor=_band_floor(one) if one else _NOTHING,
    )


def _ratios(found: Mapping[int, SweepResult], others: Mapping[int, SweepResult]) -> list[float]:
    """Return the ratios of errors of every seed that both have."""
    return [_number(one.error) / _number(others[seed].error) for seed, one in found.items() if seed in others]


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
