"""The update of each sampler as a formula, in symbols and with numbers, in either convention of the papers.

With ε a step adds ε times the score and noise of size √(2ε); with α = 2ε it adds α/2 times the score and noise of √α.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from msd_engine.specs.tables.samplers import ChosenSampler

Convention = Literal["epsilon", "alpha"]

CONVENTIONS: Final[dict[Convention, str]] = {"epsilon": "ε, √(2ε)", "alpha": "α/2, √α"}
"""Titles of the conventions."""

_SYMBOLS: Final[dict[Convention, tuple[str, str, str]]] = {
    "epsilon": ("ε", "{0}", "√(2·{0})"),
    "alpha": ("α", "({0}/2)", "√{0}"),
}
"""Symbol of the step, then how the drift and the noise of an update contain it."""


@dataclass(frozen=True)
class Update:
    """An update, as plain text.

    Attributes:
        symbols: With symbols, such as ``y_i ← y_i + ε (x̂ − y_i)/σ² + √(2ε) z_i``; empty for a sampler without one.
        numbers: With the present numbers in their place.
    """

    symbols: str
    numbers: str


def update_of(sampler: ChosenSampler, sigma: float, convention: Convention = "epsilon") -> Update:
    """Write the update of a sampler.

    Args:
        sampler: The sampler with its own fields.
        sigma: Noise of one copy.
        convention: How the step is written.
    """
    ratio, template = sampler.step_ratio, sampler.traits.update
    epsilon = sampler.step_size if sampler.traits.noiseless else ratio * sigma**2
    symbol, drift, noise = _SYMBOLS[convention]
    shown = _number(epsilon if convention == "epsilon" else 2 * epsilon)
    symbols = {"step": drift.format(symbol), "noise": noise.format(symbol).replace("·", "")}
    numbers = {"step": drift.format(shown), "noise": noise.format(shown)}
    time = _number(sigma * math.sqrt(2 * ratio))
    return Update(
        template.format(**symbols, sigma="σ", ratio="η", time="h"),
        template.format(**numbers, sigma=_number(sigma), ratio=_number(ratio), time=time),
    )


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
