"""The report's objective E‖x̂(y_1..y_k; σ) − x‖², whose minimiser is the posterior mean, and its weighting over σ.

The plain form weighs every σ alike. The preconditioned form divides by c_out², so that each noise asks the same of the
network (theory §4): λ = (σ_eff² + σ_d²)/(σ_eff σ_d)².
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.denoisers.learned import Form


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return ‖x̂ − x‖² of each datum.

    Args:
        x_hat: Estimates with shape (B, *event).
        x: Clean data with shape (B, *event).

    Returns:
        Squared errors, summed over the event, with shape (B,).
    """
    return (x_hat - x).square().flatten(1).sum(dim=1)


def weight(form: Form, sigma: Tensor, k: int, sigma_data: Tensor) -> Tensor:
    """Return the weight of each datum in the objective.

    Args:
        form: Form of the denoiser.
        sigma: Noise of one copy with shape (B,).
        k: Number of copies.
        sigma_data: Standard deviation σ_d of the data, with shape ().

    Returns:
        λ with shape (B,).
    """
    if form == "plain":
        return torch.ones_like(sigma)
    sigma_eff = sigma / math.sqrt(k)
    return (sigma_eff.square() + sigma_data.square()) / (sigma_eff * sigma_data).square()
