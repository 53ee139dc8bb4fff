"""The preconditioned form of theory §4, after Karras et al. 2022 (arXiv:2206.00364).

With the data mean m removed and σ_eff = σ/√k:

    x̂ = m + c_skip (ȳ − m) + c_out F(c_in (y_1 − m)..c_in (y_k − m), c_noise),
    c_skip = σ_d²/(σ_eff² + σ_d²),  c_out = σ_eff σ_d/√(σ_eff² + σ_d²),  c_in = 1/√(σ² + σ_d²),  c_noise = ln(σ_eff)/4.

Where the network is one of the mean copy, c_in is that of one copy at σ_eff. Squared errors are weighted by 1/c_out²,
which equalises the loss over noises: λ = (σ_eff² + σ_d²)/(σ_eff σ_d)².
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.denoisers.outputs.output import Known, Network, Output, on_scaled, widths


def _estimate(network: Network, y: Tensor, sigma: Tensor, known: Known) -> Tensor:
    _, sigma_eff, total = widths(sigma, known)
    c_out = sigma_eff * known.sigma_data * torch.rsqrt(total)
    skip = (y - known.data_mean).mean(dim=1) * (known.sigma_data.square() / total)
    return known.data_mean + skip + c_out * on_scaled(network, y, sigma, known)


def _weight(sigma: Tensor, known: Known) -> Tensor:
    sigma_eff = sigma / math.sqrt(known.k)
    return (sigma_eff.square() + known.sigma_data.square()) / (sigma_eff * known.sigma_data).square()


# The coordinate ln(σ_eff)/4 maps all noises to about [-1, 1].
OUTPUT = Output(_estimate, _weight, feature_scale=1.0)
