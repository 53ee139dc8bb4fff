"""The variance-preserving SDE dx = −½β x dt + √β dw (Song et al. 2021, arXiv:2011.13456, §3.4 and appendix C).

β(t) = β_0 + t (β_1 − β_0) from 0.1 to 20, so that ln ᾱ = −(β_0 t + ½(β_1 − β_0) t²).
"""

from __future__ import annotations

from torch import Tensor

from msd_engine.noise.preserving import Preserving
from msd_engine.noise.process import Process
from msd_engine.specs import NoiseSpec

FIRST, LAST = 0.1, 20.0


class LinearRate(Preserving):
    """The process with β linear in time."""

    def log_signal(self, t: Tensor) -> Tensor:
        """Return ln ᾱ at times t."""
        return -t * (FIRST + (LAST - FIRST) / 2 * t)


def process(spec: NoiseSpec) -> Process:
    """Return the process; it has no settings."""
    del spec
    return LinearRate()
