"""The process of DDPM (Ho et al. 2020, arXiv:2006.11239, §4): 1000 steps with β linear from 10⁻⁴ to 0.02."""

from __future__ import annotations

import torch

from msd_engine.noise.preserving import Discrete
from msd_engine.noise.process import Process
from msd_engine.specs import NoiseSpec

STEPS, FIRST, LAST = 1000, 1e-4, 0.02


def process(spec: NoiseSpec) -> Process:
    """Return the process; it has no settings."""
    del spec
    return Discrete(torch.linspace(FIRST, LAST, STEPS, dtype=torch.float64))
