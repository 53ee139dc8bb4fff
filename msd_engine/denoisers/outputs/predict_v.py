"""The network predicts v = a n − b (x − m), with a = 1/√(1 + σ_eff²), b = σ_eff a: x̂ = m + a² (ȳ − m) − b F.

F is that of (c_in (y_1 − m)..c_in (y_k − m), c_noise), with c_in and c_noise of the preconditioned form; x and n are in
coordinates in which the noise is white. After Salimans and Ho 2022 (arXiv:2202.00512, §4). Squared errors of x̂ are
weighted by 1/b², so that the loss is ‖F − v‖².
"""

from __future__ import annotations

from torch import Tensor

from msd_engine.denoisers.outputs.output import Known, Network, Output, on_scaled, widths


def _estimate(network: Network, y: Tensor, sigma: Tensor, known: Known) -> Tensor:
    sigma_eff = widths(sigma, known).sigma_eff
    square = 1 / (1 + sigma_eff.square())
    near = known.data_mean + square * (y.mean(dim=1) - known.data_mean)
    return near - sigma_eff * square.sqrt() * on_scaled(network, y, sigma, known)


def _weight(sigma: Tensor, known: Known) -> Tensor:
    return 1 + known.k / sigma.square()


# The coordinate ln(σ_eff)/4 maps all noises to about [-1, 1].
OUTPUT = Output(_estimate, _weight, feature_scale=1.0)
