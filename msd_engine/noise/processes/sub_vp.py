"""The sub-VP SDE (Song et al. 2021, arXiv:2011.13456, §3.4): α of the VP SDE and the smaller σ = 1 − ᾱ."""

from __future__ import annotations

import torch
from torch import Tensor

from msd_engine.noise.process import Process
from msd_engine.noise.processes.vp import LinearRate
from msd_engine.specs import NoiseSpec


class LessNoise(LinearRate):
    """The variance (1 − ᾱ)² is smaller than that of the VP SDE at every time."""

    def sigma(self, log_signal: Tensor) -> Tensor:
        """Return σ for ln ᾱ."""
        return torch.expm1(log_signal).neg()


def process(spec: NoiseSpec) -> Process:
    """Return the process; it has no settings."""
    del spec
    return LessNoise()
