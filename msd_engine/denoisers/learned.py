"""The learned k-sample denoiser: a network and the meaning of its output (`denoisers.outputs`, theory §4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from msd_engine.backend.recording import Graph
from msd_engine.denoisers.outputs.output import Known, Output, widths
from msd_engine.denoisers.posterior import Posterior, tweedie
from msd_engine.denoisers.recorded import RecordedEstimate
from msd_engine.noise.process import Process
from msd_engine.noise.space import Isotropic, Space
from msd_engine.noise.spectral import spectral_space
from msd_engine.specs import DrawnBy


class LearnedDenoiser(nn.Module):
    """A network that estimates the posterior mean of x from its k copies.

    Its state contains all that sampling needs: weights, data statistics and the chosen arithmetic.

    Args:
        net: The network, forward(y (B, k, *event), c (B,)) -> (B, *event).
        output: Meaning of the network's output.
        k: Number of copies of the experiment of the training.
        sigma_data: Standard deviation σ_d of the data about their mean, over all coordinates.
        data_mean: Mean m of the data with shape (*event).
        process: Forward process, for the time coordinate of the plain form.
        sees_mean: The input of the network is scaled for ȳ: c_in is that of one copy at σ_eff.
        any_k: The network takes any number of copies, else `k`.
        power: Power spectrum (H, W) of coloured noise of pictures, with mean 1; None for other noise. Copies are in the
            coordinates in which that noise is white, but the network sees pictures.
        mixed: Compute the network in bfloat16 where that is safe (autocast).
        tile: Largest number of chains per call of the network outside training. The last tile is padded, so that the
            bits of one chain do not depend on the number of chains; 0 removes the limit.
        least_tile: For few chains the tile shrinks by powers of two, but not below this size, which fills an
            accelerator. Then the bits of one chain depend on the number of chains through the tile size alone. 0 fixes
            the tile size.

    Attributes:
        new_graph: Creates the recording of a tile, for constant weights; None calls the network.
        weights: Where its weights come from; None in training.
    """

    sigma_data: Tensor
    data_mean: Tensor
    arithmetic: Tensor
    power: Tensor | None

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
        any_k: bool = False,
        power: Tensor | None = None,
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
        self.any_k = any_k
        self.register_buffer("sigma_data", torch.tensor(sigma_data, dtype=torch.float32))
        self.register_buffer("data_mean", data_mean.detach().clone().float())
        self.register_buffer("arithmetic", torch.tensor(int(mixed)))
        # No part of the state where it is None.
        self.register_buffer("power", None if power is None else power.detach().clone().float())
        self._space = self._space_of_power()
        self.new_graph: Callable[[], Graph] | None = None
        self.weights: DrawnBy | None = None
        # By tile and number of copies.
        self._recorded: dict[tuple[int, int], RecordedEstimate] = {}
        # A Python copy: reading the tensor at each step would synchronise with the GPU.
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
        """Load a state as any module does, including the arithmetic."""
        outcome = super().load_state_dict(*args, **kwargs)
        self._mixed = bool(self.arithmetic)
        self._space = self._space_of_power()
        return outcome

    @property
    def space(self) -> Space:
        """Coordinates of the copies, beside those of the pictures that the network sees."""
        return self._space

    def _space_of_power(self) -> Space:
        power = self.power
        return Isotropic() if power is None else spectral_space(power.cpu(), self.data_mean.shape[0])

    def pop_trouble(self) -> str:
        """Return once why the card cannot record the estimate; otherwise an empty string."""
        return next((trouble for each in self._recorded.values() if (trouble := each.pop_trouble())), "")

    def estimate(self, y: Tensor, sigma: Tensor) -> Tensor:
        """Return x̂ (B, *event), differentiable, for training; copies (B, k, *event) and noises (B,) are float32."""
        return self.output.estimate(self._network, y, sigma, self._known(y.shape[1]))

    def score(self, y: Tensor, sigma: Tensor) -> Tensor:
        """Return the score of ȳ (B, *event), differentiable, for training; arguments as of `estimate`."""
        known = self._known(y.shape[1])
        if self.output.score is not None:
            return self.output.score(self._network, y, sigma, known)
        x_hat = self.output.estimate(self._network, y, sigma, known)
        return (x_hat - y.mean(dim=1)) / widths(sigma, known).sigma_eff.square()

    def weight(self, sigma: Tensor, k: int) -> Tensor:
        """Return the weight λ (B,) of a squared error of the estimate in the objective.

        Args:
            sigma: Noise of one copy with shape (B,).
            k: Number of copies.
        """
        return self.output.weight(sigma, self._known(k))

    def _known(self, k: int) -> Known:
        return Known(k, self.k, self.sigma_data, self.data_mean, self.process, self.sees_mean)

    def forward(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the posterior as estimated by the network.

        Args:
            y: Copies with shape (B, k, *event), of any floating dtype.
            sigma: Noise of one copy, a number or a tensor with shape (B,).

        Returns:
            Mean with shape (B, *event) and score with shape (B, k, *event), in the dtype of `y`; the network itself
            computes in float32 or bfloat16.

        Raises:
            ValueError: `y` has another number of copies or event shape than the network.
        """
        event = self.data_mean.shape
        k = y.shape[1] if self.any_k and y.ndim > 1 else self.k
        if k < 1 or y.shape[1:] != (k, *event):
            wanted = "k" if self.any_k else self.k
            raise ValueError(f"y has shape {tuple(y.shape)}; this denoiser expects (B, {wanted}, {tuple(event)}).")
        # Fill the number in on the device, which avoids a transfer at each step.
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
        key = (tile, y.shape[1])
        if key not in self._recorded:
            assert self.new_graph is not None
            # Recordings hold memory of the card: keep those of the present k alone.
            self._recorded = {other: kept for other, kept in self._recorded.items() if other[1] == key[1]}
            shape = (tile, *y.shape[1:])
            self._recorded[key] = RecordedEstimate(self.estimate, shape, y.device, self.new_graph())
        return self._recorded[key]

    def _network(self, y: Tensor, c: Tensor) -> Tensor:
        pictures = self._space.decode(y)
        if self._mixed:
            with torch.autocast(y.device.type, torch.bfloat16):
                out: Tensor = self.net(pictures, c)
            out = out.float()
        else:
            out = self.net(pictures, c)
        return self._space.encode(out) if self.output.in_pictures else out


def tile_of(rows: int, least: int, most: int) -> int:
    """Return the smallest power of two that holds `rows`, clipped to bounds that are powers of two."""
    return min(most, max(least, 1 << (rows - 1).bit_length()))
