"""The log density of data by the probability flow (Y. Song et al. 2021, arXiv:2011.13456, §4.3, eq. 39).

In coordinates with white noise the flow of the mean copy in u = ln s, s = σ/√k, is dx/du = x − x̂(x, s), and along it
d log p/du = tr ∂x̂/∂x − d, with p the density of data with noise s. The flow is followed from the least noise to the
largest, where p is nearly the Gaussian of the data's mean and variance.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.backend.errors import UserError
from msd_engine.denoisers.posterior import Denoiser

_EXACT_TRACE = 8
"""Most dimensions for which the trace is exact; above, x̂ is differentiated along one direction of signs per datum
(Hutchinson's estimate, unbiased)."""


@dataclass(frozen=True, eq=False)
class Flow:
    """What a probability flow needs.

    Attributes:
        denoiser: Gives x̂ of k copies; it must be differentiable.
        k: Number of copies.
        least: Smallest noise of the mean copy, positive.
        largest: Largest noise of the mean copy, far above the data's standard deviation along any direction.
        mean: Mean of the data with shape (*event).
        std: Standard deviation of the data about their mean, over all coordinates.
        dtype: Precision of the denoiser.
        tolerance: Relative and absolute error of a step of the solver.
    """

    denoiser: Denoiser
    k: int
    least: float
    largest: float
    mean: Tensor
    std: float
    dtype: torch.dtype = torch.float64
    tolerance: float = 1e-6


def flow_log_density(flow: Flow, x: Tensor, draws: torch.Generator) -> Generator[float, None, Tensor]:
    """Follow data along the probability flow.

    Args:
        flow: The flow.
        x: Data with the noise `flow.least`, with shape (B, *event), on the device of the denoiser.
        draws: Draws residuals of the copies and directions of the trace, on the CPU.

    Yields:
        The share that is done, at each step.

    Returns:
        Log density of data with the noise `flow.least`, with shape (B,), float64, on the CPU.

    Raises:
        UserError: The denoiser gives numbers that are not finite.
    """
    from scipy.integrate import DOP853

    rates = _Rates(flow, x, draws)
    start, end = math.log(flow.least), math.log(flow.largest)
    state = np.concatenate([x.cpu().double().numpy().ravel(), np.zeros(len(x))])
    solver = DOP853(rates, start, state, end, rtol=flow.tolerance, atol=flow.tolerance)
    while solver.status == "running":
        if message := solver.step():
            raise UserError(f"The flow cannot be followed to its end: {message}")
        yield (solver.t - start) / (end - start)
    end_state = torch.from_numpy(solver.y)
    moved, change = end_state[: x.numel()], end_state[x.numel() :]
    variance = flow.std**2 + flow.largest**2
    squares = (moved.reshape(x.shape) - flow.mean.cpu().double()).square().flatten(1).sum(1)
    prior: Tensor = -0.5 * (squares / variance + x[0].numel() * math.log(2 * math.pi * variance))
    return prior - change


class _Rates:
    """Derivatives of data and of their log density by u."""

    def __init__(self, flow: Flow, x: Tensor, draws: torch.Generator) -> None:
        self._flow, self._shape, self._device = flow, x.shape, x.device
        copies = torch.randn((len(x), flow.k, *x.shape[1:]), generator=draws, dtype=torch.float64)
        self._residuals = (copies - copies.mean(1, keepdim=True)).to(flow.dtype).to(x.device)
        signs = torch.randint(2, x.shape, generator=draws) * 2 - 1
        self._signs = signs.to(flow.dtype).to(x.device)

    def __call__(self, u: float, state: NDArray[np.float64]) -> NDArray[np.float64]:
        size = math.prod(self._shape)
        x = torch.from_numpy(state[:size]).reshape(self._shape).to(self._flow.dtype).to(self._device).requires_grad_()
        sigma = math.exp(u) * math.sqrt(self._flow.k)
        with torch.enable_grad():
            x_hat = self._flow.denoiser(x.unsqueeze(1) + sigma * self._residuals, sigma).mean
            trace = self._trace(x_hat, x)
        rates = torch.cat([(x - x_hat).flatten(), trace - x[0].numel()]).detach().cpu().double()
        if not bool(torch.isfinite(rates).all()):
            raise UserError("The denoiser gives numbers that are not finite: no likelihood can be computed.")
        return rates.numpy()

    def _trace(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Return tr ∂x̂/∂x with shape (B,)."""
        if x[0].numel() > _EXACT_TRACE:
            (slope,) = torch.autograd.grad((x_hat * self._signs).sum(), x)
            return (slope * self._signs).flatten(1).sum(1)
        flat = x_hat.flatten(1)
        slopes = [torch.autograd.grad(flat[:, a].sum(), x, retain_graph=True)[0] for a in range(flat.shape[1])]
        return torch.stack([slope.flatten(1)[:, a] for a, slope in enumerate(slopes)]).sum(0)
