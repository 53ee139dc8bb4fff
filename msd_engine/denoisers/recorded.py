"""The estimate of a network whose weights stay, recorded on a card for one number of chains and replayed as a whole."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from msd_engine.backend.recording import Graph, Repeated

Estimate = Callable[[Tensor, Tensor], Tensor]


class RecordedEstimate:
    """x̂ of up to a fixed number of chains.

    Args:
        estimate: Gives x̂ with shape (rows, *event) of copies (rows, k, *event) and their noises (rows,).
        shape: Shape of the copies, (rows, k, *event).
        device: Where they are.
        graph: Where the estimate is recorded; None calls it every time.
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
        """Return why the card cannot record it, the first time; else an empty text."""
        trouble, self._work.trouble = self._work.trouble, ""
        return trouble

    @torch.no_grad()
    def __call__(self, y: Tensor, sigma: Tensor) -> Tensor:
        """Return x̂ with shape (n, *event), which is the caller's own.

        Args:
            y: Copies with shape (n, k, *event), n no more than rows; the rest is filled up.
            sigma: Noise of one copy with shape (n,).
        """
        count = len(y)
        self._y[:count].copy_(y)
        self._sigma[:count].copy_(sigma)
        self._y[count:].zero_()
        self._sigma[count:].fill_(1.0)
        self._work()
        return self._x_hat[:count].clone()
