"""The table of a comparison of white and coloured noise, and the sentence on the paper's finding."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.noise import NoiseRow, NoiseTable, Spread
from msd_engine.metrics.errors.student import interval
from msd_engine.specs.reproduction import PUBLISHED, Noise, NoiseCell, NoisesSpec

SHOWN = ("fid", "frechet", "kernel", "precision", "recall", "yield")
"""Figures of the table, in its order."""

COMPARABLE = 0.25
"""Gap of two noises, over the distance under white noise, up to which they are comparable; the paper has 0.15."""

_DISTANCES = SHOWN[:3]
_Values = dict[tuple[Noise, int, int], float]


def noise_table(plan: NoisesSpec, cells: Sequence[NoiseCell], note: str = "") -> NoiseTable:
    """Return the table of the cells so far.

    Args:
        plan: The comparison.
        cells: The figures of its samples.
        note: What was trained and left out.
    """
    rows: list[NoiseRow] = []
    finding = ""
    for name in SHOWN:
        found: _Values = {(cell.noise, cell.seed, cell.steps): cell.figures[name]
                          for cell in cells if name in cell.figures}  # fmt: skip
        titles = [cell.titles[name] for cell in cells if name in cell.titles]
        if not titles:
            continue
        rows += [_row(plan, name, titles[0], steps, found) for steps in plan.steps]
        # A Fréchet distance needs more samples than features: without one, the kernel distance decides.
        if not finding and name in _DISTANCES:
            finding = _finding(plan, titles[0], found)
    features = next((cell.features for cell in cells), "")
    total = 2 * len(plan.seeds) * len(plan.steps)
    return NoiseTable(tuple(rows), finding, features, plan.chains, len(cells), total, note)


def noise_that_stays(band_loss: NDArray[np.float64], sigma_eff: NDArray[np.float64], size: int) -> float:
    """Return the squared error of x̂ over that of ȳ, d σ_eff², averaged over bands of noise.

    Args:
        band_loss: Squared errors of x̂ with shape (bands,).
        sigma_eff: Noises of the mean copy with shape (n,), ascending, which the bands divide.
        size: Numbers d of a datum.
    """
    squares = [np.square(part, dtype=np.float64).mean() for part in np.array_split(sigma_eff, len(band_loss))]
    return float((band_loss / (size * np.array(squares))).mean())


def _row(plan: NoisesSpec, name: str, title: str, steps: int, found: _Values) -> NoiseRow:
    white, coloured = (
        _spread([found[noise, seed, steps] for seed in plan.seeds if (noise, seed, steps) in found])
        for noise in ("white", "coloured")
    )
    gap = _spread(list(_gaps(plan, steps, found).values()))
    published = PUBLISHED.get(steps) if name in ("fid", "frechet") else None
    return NoiseRow(steps, name, title, white, coloured, gap, published or (math.nan, math.nan))


def _gaps(plan: NoisesSpec, steps: int, found: _Values) -> dict[int, float]:
    """Return coloured minus white by seed."""
    return {
        seed: found["coloured", seed, steps] - found["white", seed, steps]
        for seed in plan.seeds
        if ("coloured", seed, steps) in found and ("white", seed, steps) in found
    }


def _spread(values: Sequence[float]) -> Spread:
    if not values:
        return Spread()
    found = interval(values)
    return Spread(found.mean, found.low, found.high, len(values))


def _finding(plan: NoisesSpec, title: str, found: _Values) -> str:
    """Return whether both noises are comparable at many steps and a gap grows to few, or that seeds cannot tell."""
    gaps = {steps: _gaps(plan, steps, found) for steps in sorted(plan.steps)}
    few, at_few = next(iter(gaps.items()))
    # The most steps that have as many seeds as any other length beside the fewest.
    shared = {steps: [seed for seed in at_few if seed in gap] for steps, gap in gaps.items() if steps > few}
    many = max(shared, key=lambda steps: (len(shared[steps]), steps), default=few)
    if not shared.get(many):
        return ""
    at_many, seeds = gaps[many], shared[many]
    start, end = _spread([at_many[seed] for seed in seeds]), _spread([at_few[seed] for seed in seeds])
    growth = _spread([at_few[seed] - at_many[seed] for seed in seeds])
    bound = COMPARABLE * float(np.mean([found["white", seed, many] for seed in seeds]))
    apart = start.low > bound or start.high < -bound
    words = "is not decided"
    if apart or growth.high < 0:
        words = "does not hold"
    elif -bound <= start.low and start.high <= bound and growth.low > 0 and end.low > 0:
        words = "holds"
    over = "1 seed, so without intervals" if len(seeds) == 1 else f"{len(seeds)} seeds, 95 % intervals"
    return (
        f"{title} of coloured over white noise: {_words(start)} at {many} steps (up to ±{bound:.3g} count as "
        f"comparable), {_words(end)} at {few} steps, a growth of {_words(growth)} ({over}). The paper's finding, "
        f"comparable at many steps and a growing gap at few, {words} here."
    )


def _words(spread: Spread) -> str:
    if math.isinf(spread.high):
        return f"{spread.mean:+.3g}"
    return f"{spread.mean:+.3g} ({spread.low:+.3g} to {spread.high:+.3g})"
