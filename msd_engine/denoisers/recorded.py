"""The estimate of a network with constant weights, recorded on a card for one number of chains and replayed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from msd_engine.backend.recording import Graph, Repeated

Estimate = Callable[[Tensor, Tensor], Tensor]


class RecordedEstimate:
    """x̂ of up to a fixed number of chains.

    Args:
        estimate: Maps copies (rows, k, *event) and their noises (rows,) to x̂ with shape (rows, *event).
        shape: Shape of the copies, (rows, k, *event).
        device: Their device.
        graph: Recording to use; None calls the estimate every time.
    """

    def __init__(self, estimate: Estimate, shape: tuple[int, ...], device: torch.device, graph: Graph | None) -> None:
        rows, _, *event = shape
        self._y, self._sigma = torch.zeros(shape, device=device), torch.ones(rows, device=device)
        self._x_hat = torch.zeros((rows, *event), device=device)
        self._estimate = estimate
        self._work = Repeated(self._compute, graph)

    def _compute(self) -> None:
        self._x_hat.copy_(self._estimate(self._y, self._sigma))

    def pop_trouble(self) -> str:
        """Return once why the card cannot record it; otherwise an empty string."""
        trouble, self._work.trouble = self._work.trouble, ""
        return trouble

    @torch.no_grad()
    def __call__(self, y: Tensor, sigma: Tensor) -> Tensor:
        """Return a new tensor x̂ (n, *event) for copies (n, k, *event), n ≤ rows, and noises (n,), padded to rows."""
        count = len(y)
        self._y[:count].copy_(y)
        self._sigma[:count].copy_(sigma)
        self._y[count:].zero_()
        self._sigma[count:].fill_(1.0)
        self._work()
        return self._x_hat[:count].clone()
