"""The learned k-sample denoiser: a network, and what its output stands for (`denoisers.outputs`, theory §4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from msd_engine.backend.recording import Graph
from msd_engine.denoisers.outputs.output import Known, Output
from msd_engine.denoisers.posterior import Posterior, tweedie
from msd_engine.denoisers.recorded import RecordedEstimate
from msd_engine.noise.process import Process


class LearnedDenoiser(nn.Module):
    """A network that estimates the posterior mean of x from k copies of it.

    Its state holds all that sampling needs: the weights, the data statistics and the arithmetic that was chosen.

    Args:
        net: The network, forward(y (B, k, *event), c (B,)) -> (B, *event).
        output: What the network's output stands for.
        k: Number of copies.
        sigma_data: Standard deviation σ_d of the data about their mean, over all coordinates.
        data_mean: Mean m of the data with shape (*event).
        process: Forward process, for the time coordinate of the plain form.
        sees_mean: The network joins the copies to ȳ before anything else, so that c_in is that of one copy at σ_eff.
        mixed: Compute the network in bfloat16 where that is safe (autocast).
        tile: Chains that pass through the network together outside training, at most. The last tile is padded, so
            that the bits of one chain do not depend on the number of chains; 0 lets any number pass at once.
        least_tile: Where fewer chains would leave most of a tile empty it shrinks by halves, but not below this: an
            accelerator is filled by many chains and kept waiting by few. The bits of one chain then depend on the
            number of chains through the size of the tile alone. 0 for a tile of fixed size.

    Attributes:
        new_graph: Makes what a tile is recorded in, where the weights stay as they are; None calls the network.
    """

    sigma_data: Tensor
    data_mean: Tensor
    arithmetic: Tensor

    def __init__(
        self,
        net: nn.Module,
        output: Output,
        k: int,
        sigma_data: float,
        data_mean: Tensor,
        process: Process,
        *,
        sees_mean: bool = False,
        mixed: bool = False,
        tile: int = 0,
        least_tile: int = 0,
    ) -> None:
        super().__init__()
        self.net = net
        self.output = output
        self.k = k
        self.process = process
        self.tile = tile
        self.least_tile = least_tile
        self.sees_mean = sees_mean
        self.register_buffer("sigma_data", torch.tensor(sigma_data, dtype=torch.float32))
        self.register_buffer("data_mean", data_mean.detach().clone().float())
        self.register_buffer("arithmetic", torch.tensor(int(mixed)))
        self.new_graph: Callable[[], Graph] | None = None
        self._recorded: dict[int, RecordedEstimate] = {}
        # The plain value beside the stored one: reading a tensor at each step would make a GPU wait.
        self._mixed = mixed

    @property
    def mixed(self) -> bool:
        """Whether the network computes in bfloat16 where that is safe (autocast)."""
        return self._mixed

    @mixed.setter
    def mixed(self, chosen: bool) -> None:
        self._mixed = chosen
        self._recorded = {}
        self.arithmetic.fill_(int(chosen))

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Take up a state as any module does, and with it the arithmetic."""
        outcome = super().load_state_dict(*args, **kwargs)
        self._mixed = bool(self.arithmetic)
        return outcome

    def pop_trouble(self) -> str:
        """Return why the card cannot record the estimate, the first time; else an empty text."""
        return next((trouble for each in self._recorded.values() if (trouble := each.pop_trouble())), "")

    def estimate(self, y: Tensor, sigma: Tensor) -> Tensor:
        """Return the estimate of the posterior mean, differentiable, for training.

        Args:
            y: Copies with shape (B, k, *event), float32.
            sigma: Noise of one copy with shape (B,), float32.

        Returns:
            x̂ with shape (B, *event), float32.
        """
        return self.output.estimate(self._network, y, sigma, self._known)

    def weight(self, sigma: Tensor) -> Tensor:
        """Return how much a squared error of the estimate weighs in the objective.

        Args:
            sigma: Noise of one copy with shape (B,).

        Returns:
            λ with shape (B,).
        """
        return self.output.weight(sigma, self._known)

    @property
    def _known(self) -> Known:
        return Known(self.k, self.sigma_data, self.data_mean, self.process, self.sees_mean)

    def forward(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the posterior as the network sees it.

        Args:
            y: Copies with shape (B, k, *event), of any floating dtype.
            sigma: Noise of one copy, a number or a tensor with shape (B,).

        Returns:
            Mean with shape (B, *event) and score with shape (B, k, *event), in the dtype of `y`; the network itself
            computes in float32 or bfloat16.

        Raises:
            ValueError: `y` has another number of copies, or another event, than the network was made for.
        """
        event = self.data_mean.shape
        if y.shape[1:] != (self.k, *event):
            raise ValueError(f"y has shape {tuple(y.shape)}; this denoiser takes (B, {self.k}, {tuple(event)}).")
        # A number is filled in where it is needed: carrying it over would be a transfer at each step.
        noise = sigma if isinstance(sigma, Tensor) else y.new_full((), sigma, dtype=torch.float32)
        noise = noise.to(y.device, torch.float32).expand(len(y))
        estimate = self._tiled if self.tile else self.estimate
        mean = estimate(y.float(), noise).to(y.dtype)
        return Posterior(mean, lambda: tweedie(mean, y, sigma))

    def _tiled(self, y: Tensor, sigma: Tensor) -> Tensor:
        tile = tile_of(len(y), self.least_tile, self.tile) if self.least_tile else self.tile
        estimate = self._recorded_for(tile, y) if self.new_graph else partial(self._padded, tile)
        parts = (
            [estimate(*part) for part in zip(torch.split(y, tile), torch.split(sigma, tile), strict=True)]
            if len(y)
            else []
        )
        return torch.cat(parts) if parts else y.new_zeros(0, *y.shape[2:])

    def _padded(self, tile: int, y: Tensor, sigma: Tensor) -> Tensor:
        count = len(y)
        if count < tile:
            y = torch.cat((y, y.new_zeros(tile - count, *y.shape[1:])))
            sigma = torch.cat((sigma, sigma.new_ones(tile - count)))
        return self.estimate(y, sigma)[:count]

    def _recorded_for(self, tile: int, y: Tensor) -> RecordedEstimate:
        if tile not in self._recorded:
            assert self.new_graph is not None
            shape = (tile, *y.shape[1:])
            self._recorded[tile] = RecordedEstimate(self.estimate, shape, y.device, self.new_graph())
        return self._recorded[tile]

    def _network(self, y: Tensor, c: Tensor) -> Tensor:
        if not self._mixed:
            out: Tensor = self.net(y, c)
            return out
        with torch.autocast(y.device.type, torch.bfloat16):
            out = self.net(y, c)
        return out.float()


def tile_of(rows: int, least: int, most: int) -> int:
    """Return the smallest power of two that holds some rows, within bounds that are powers of two themselves."""
    return min(most, max(least, 1 << (rows - 1).bit_length()))
