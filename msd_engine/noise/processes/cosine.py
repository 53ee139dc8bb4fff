"""The cosine process (Nichol and Dhariwal 2021, arXiv:2102.09672, eq. 17): ᾱ = f(t)/f(0) in 1000 steps.

f(t) = cos²(π/2 (t + s)/(1 + s)) with s = 0.008. The last β, which would be 1, is 0.999.
"""

from __future__ import annotations

import math

import torch

from msd_engine.noise.preserving import Discrete
from msd_engine.noise.process import Process
from msd_engine.specs import NoiseSpec

STEPS, OFFSET, MOST = 1000, 0.008, 0.999


def process(spec: NoiseSpec) -> Process:
    """Return the process; it has no settings."""
    del spec
    t = torch.linspace(0.0, 1.0, STEPS + 1, dtype=torch.float64)
    signal = torch.cos((t + OFFSET) / (1 + OFFSET) * (math.pi / 2)).square()
    return Discrete((1 - signal[1:] / signal[:-1]).clamp(max=MOST))
