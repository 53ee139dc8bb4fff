"""The table of a comparison of numbers of copies; conclusions on the report's claim: `findings`."""

from __future__ import annotations

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
        results: Results of its runs so far.

    Returns:
        One row for each mode and k, in this order, k ascending.
    """
    known = [result for result in results if result.seed in spec.seeds]
    return tuple(_row(spec, mode, k, known) for mode in spec.modes for k in sorted(spec.ks))


def _row(spec: SweepSpec, mode: Mode, k: int, results: Sequence[SweepResult]) -> TableRow:
    # A run of k = 1 belongs to both modes, whatever the modes at its creation.
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
        by_seed={seed: _number(result.error) for seed, result in found.items()},
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
