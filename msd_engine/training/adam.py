"""Adam (Kingma & Ba 2015, arXiv:1412.6980) on one vector of weights; the device reads the rate and whether to step."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from msd_engine.training.flat import Flat

MOMENTS = ("exp_avg", "exp_avg_sq", "step")
_BETAS = (0.9, 0.999)
_EPSILON = 1e-8
_FUSED = ("cpu", "cuda")


class Adam:
    """Adam for a part of a module's weights.

    Args:
        part: The weights.
        fused: Use torch's fused kernel; None uses it where it exists.

    Attributes:
        part: The weights.
        moments: Running means of the gradient and of its square, with shape (n,), and the number of steps, with shape
            (), under torch's names.
    """

    def __init__(self, part: Flat, *, fused: bool | None = None) -> None:
        weights = part.vector
        self.part = part
        self.moments = {
            "exp_avg": torch.zeros_like(weights),
            "exp_avg_sq": torch.zeros_like(weights),
            "step": torch.zeros((), device=weights.device),
        }
        self._fused = weights.device.type in _FUSED if fused is None else fused

    @torch.no_grad()
    def step(self, gradient: Tensor, rate: Tensor, good: Tensor) -> None:
        """Update the weights.

        Args:
            gradient: The gradient with shape (n,).
            rate: Learning rate with shape (), on the device.
            good: 1 to update, 0 to change nothing; with shape (), on the device.
        """
        moments = [self.moments[name] for name in MOMENTS]
        moments[-1].add_(good)
        (self._by_kernel if self._fused else self._by_formula)(gradient, rate, good, *moments)

    def _by_kernel(
        self, gradient: Tensor, rate: Tensor, good: Tensor, first: Tensor, second: Tensor, step: Tensor
    ) -> None:
        # The kernel of torch.optim.Adam(fused=True); its gradient scaler uses `found_inf` to skip steps.
        torch._fused_adam_(
            [self.part.vector],
            [gradient],
            [first],
            [second],
            [],
            [step],
            lr=rate,
            beta1=_BETAS[0],
            beta2=_BETAS[1],
            weight_decay=0.0,
            eps=_EPSILON,
            amsgrad=False,
            maximize=False,
            found_inf=1.0 - good,
        )

    def _by_formula(
        self, gradient: Tensor, rate: Tensor, good: Tensor, first: Tensor, second: Tensor, step: Tensor
    ) -> None:
        allowed = good > 0
        new_first = first.lerp(gradient, 1 - _BETAS[0])
        new_second = second.lerp(gradient.square(), 1 - _BETAS[1])
        # 1 − βⁿ without cancellation.
        shares = [-torch.expm1(step * math.log(beta)) for beta in _BETAS]
        change = new_first / shares[0] / ((new_second / shares[1]).sqrt() + _EPSILON)
        first.copy_(torch.where(allowed, new_first, first))
        second.copy_(torch.where(allowed, new_second, second))
        self.part.vector.sub_(torch.where(allowed, change * rate, 0.0))
