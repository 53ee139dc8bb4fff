"""The network outputs the score of ȳ: s = F(c_in (y_1 − m)..c_in (y_k − m), c_noise)/√(σ_eff² + σ_d²).

x̂ = ȳ + σ_eff² s by Tweedie's formula. The factor is the width of noisy data, so that F stays of order one where the
noise is large. c_in and c_noise are those of the preconditioned form. Squared errors of x̂ are weighted by 1/σ_eff², as
by NCSN (arXiv:1907.05600): λ(σ) = σ² for errors of the score.
"""

from __future__ import annotations

from torch import Tensor

from msd_engine.denoisers.outputs.output import Known, Network, Output, of_score, on_scaled, widths


def _score(network: Network, y: Tensor, sigma: Tensor, known: Known) -> Tensor:
    return on_scaled(network, y, sigma, known) / widths(sigma, known).total.sqrt()


def _weight(sigma: Tensor, known: Known) -> Tensor:
    return known.k / sigma.square()


# The coordinate ln(σ_eff)/4 maps all noises to about [-1, 1].
OUTPUT = Output(of_score(_score), _weight, feature_scale=1.0, score=_score)
