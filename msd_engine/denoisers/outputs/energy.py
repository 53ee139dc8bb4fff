"""The network gives an energy: E = ½‖u − F‖² with u = (ȳ − m)/√(σ_eff² + σ_d²), and the score is s = −∇E, without curl.

F = F(c_in (y_1 − m)..c_in (y_k − m), c_noise) as in the preconditioned form; F = 0 gives the score of a Gaussian. The
gradient is that for a shift of all copies, which is the score of ȳ. After Salimans and Ho 2021, "Should EBMs model the
energy or the score?"
"""

from __future__ import annotations

import torch
from torch import Tensor

from msd_engine.denoisers.outputs.output import Known, Network, Output, of_score, on_scaled, widths


def _score(network: Network, y: Tensor, sigma: Tensor, known: Known) -> Tensor:
    scale = widths(sigma, known).total.rsqrt()

    def energy(shift: Tensor) -> Tensor:
        moved = y + shift.unsqueeze(1)
        u = (moved.mean(dim=1) - known.data_mean) * scale
        return (u - on_scaled(network, moved, sigma, known)).square().sum() / 2

    gradient: Tensor = torch.func.grad(energy)(torch.zeros_like(y[:, 0]))
    return -gradient


def _weight(sigma: Tensor, known: Known) -> Tensor:
    return known.k / sigma.square()


# The coordinate ln(σ_eff)/4 maps all noises to about [-1, 1].
OUTPUT = Output(of_score(_score), _weight, feature_scale=1.0, score=_score)
