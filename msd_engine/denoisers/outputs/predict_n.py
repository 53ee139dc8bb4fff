"""The network predicts the white noise of ȳ: x̂ = ȳ − σ_eff F(c_in (y_1 − m)..c_in (y_k − m), c_noise).

DDPM's form (arXiv:2006.11239, §3.2), with c_in and c_noise of the preconditioned form. Squared errors of x̂ are weighted
by 1/σ_eff², so that the loss is ‖F − n‖², in the same units for noise of every covariance.
"""

from __future__ import annotations

from torch import Tensor

from msd_engine.denoisers.outputs.output import Known, Network, Output, of_score, on_scaled, widths


def _score(network: Network, y: Tensor, sigma: Tensor, known: Known) -> Tensor:
    return -on_scaled(network, y, sigma, known) / widths(sigma, known).sigma_eff


def _weight(sigma: Tensor, known: Known) -> Tensor:
    return known.k / sigma.square()


# The coordinate ln(σ_eff)/4 maps all noises to about [-1, 1].
OUTPUT = Output(of_score(_score), _weight, feature_scale=1.0, score=_score)
