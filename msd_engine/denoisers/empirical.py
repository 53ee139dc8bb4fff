"""The exact k-sample denoiser of a set of images as the data distribution (theory §3, fact 1).

Each of the n images x_j is a mode of weight 1/n, a point or, with a kernel width h, a Gaussian N(x_j, h² I). With
τ² = σ²/k + h², as in the mixtures of Song and Ermon 2020 (arXiv:2006.09011, §3.1):

    ρ_j ∝ exp(−‖ȳ − x_j‖²/(2τ²)),    x̂ = Σ_j ρ_j x_j + (h²/τ²)(ȳ − Σ_j ρ_j x_j).

All distances come from one matrix product, ‖ȳ − x_j‖² = ‖ȳ‖² − 2 ȳ·x_j + ‖x_j‖², with the mean image subtracted from
both. It subtracts large numbers, so every decision on its results allows for a bound of its rounding error. Where all
but a few images certainly have shares below the arithmetic's resolution, these few are compared again by differences,
which are exact to rounding at any noise. Otherwise either the noise is so large that rounding hardly matters, or all
images that may matter are compared by differences.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import NamedTuple, Self

import torch
from torch import Tensor
from torch.nn import functional

from msd_engine.backend.device import widest_float
from msd_engine.denoisers.posterior import Noise, Posterior, tweedie

# Number of nearest images that are compared by differences for each chain.
_FEW = 16
# Largest acceptable bound of the rounding of log ρ by the matrix product, in a posterior of many images.
# Typical rounding is smaller by more than the root of the number of pixels.
_ROUNDING = 0.1
_CHUNK = 1024


class _Tile(NamedTuple):
    """Chains that are computed together; rows beyond `chains` are padding.

    Attributes:
        v: ȳ minus the mean image, with shape (T, D).
        tau: τ with shape (T, 1).
        chains: Number of rows that are chains.
    """

    v: Tensor
    tau: Tensor
    chains: int


class _Few(NamedTuple):
    """The images nearest to each chain, compared by differences.

    Attributes:
        indices: Their indices, with shape (T, M).
        rho: Their responsibilities, with shape (T, M).
        decisive: Whether all other images together are negligible, with shape (T,).
    """

    indices: Tensor
    rho: Tensor
    decisive: Tensor


class EmpiricalDenoiser:
    """The posterior mean and the joint score where the data are a given set of images.

    Args:
        images: The set with shape (n, *event), float32 or float64, on the computing device.
        width: Kernel width h; 0 makes every image a point.
        tile: Chains that are computed together. The last tile is padded, so that the bits of one chain do not depend on
            the number of chains.

    Attributes:
        event: Shape of one image.
        width: Kernel width h.

    Raises:
        ValueError: There is no image, or the width is negative.
    """

    def __init__(self, images: Tensor, *, width: float = 0.0, tile: int = 32) -> None:
        if not len(images) or width < 0:
            raise ValueError("An empirical denoiser needs at least one image and a width of 0 or more.")
        self.event = images.shape[1:]
        self.width = width
        self._tile_rows = tile
        flat = images.flatten(1)
        self._mean = _mean(flat)
        self._x = flat - self._mean
        wide = widest_float(images.device)
        squares = torch.cat([part.to(wide).square().sum(1) for part in torch.split(self._x, _CHUNK)])
        self._half_squares = (squares / 2).to(images.dtype)
        self._radius = math.sqrt(squares.max().item())
        self._eps = torch.finfo(images.dtype).eps

    def in_tiles_of(self, rows: int) -> Self:
        """Return this denoiser, sharing its memory, with another tile size; 1 suits single pictures."""
        other = copy.copy(self)
        other._tile_rows = rows
        return other

    def __len__(self) -> int:
        """Return the number of images n."""
        return len(self._x)

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the exact posterior for y (B, k, *event) on the device of the images, in the dtype of `y`."""
        parts = [self._posterior_mean(tile)[: tile.chains] for tile in self._tiles(y, sigma)]
        mean = torch.cat(parts) if parts else y.new_zeros(0, self._x.shape[1])
        mean = mean.to(y.dtype).reshape(len(y), *self.event)
        return Posterior(mean, lambda: tweedie(mean, y, sigma))

    def draw(self, y: Tensor, sigma: float, noise: Noise) -> Tensor:
        """Draw the clean image from its exact posterior, given its copies.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy.
            noise: Source of random numbers: one uniform number selects the image; normal ones matter only for h > 0.

        Returns:
            x with shape (B, *event), in the dtype of `y`; with h = 0 image x_j with probability ρ_j.
        """
        uniform = noise.uniform().flatten(1)[:, 0]
        parts, start = [y.new_zeros(0, self._x.shape[1])], 0
        for tile in self._tiles(y, sigma):
            rows = tile.chains
            u = functional.pad(uniform[start : start + rows], (0, len(tile.v) - rows))
            chosen = self._x[self._draw_index(tile, u)[:rows]]
            parts.append(self._within(tile.v[:rows], tile.tau[:rows], chosen).to(y.dtype))
            start += rows
        x = torch.cat(parts) + self._mean.to(y.dtype)
        if self.width:
            # The posterior within a Gaussian mode has variance h² s²/(h² + s²), s² = σ²/k.
            s = sigma / math.sqrt(y.shape[1])
            x = x + self.width * s / math.hypot(self.width, s) * noise.normal()[:, 0].flatten(1)
        return x.reshape(len(y), *self.event)

    def nearest(self, x: Tensor, count: int = 1) -> tuple[Tensor, Tensor]:
        """Find the images nearest to given ones, such as samples that may be memorised.

        Args:
            x: Images with shape (B, *event), on the device of the set.
            count: Number of neighbours, at most n.

        Returns:
            Distances ‖x − x_j‖, ascending, and indices j, both with shape (B, count).
        """
        distances, indices = [], []
        for part in torch.split(x.flatten(1).to(self._x) - self._mean, self._tile_rows):
            cross = torch.addmm(-self._half_squares, part, self._x.T)
            # Some extra candidates, since rounding may swap neighbours at nearly equal distance.
            near = cross.topk(min(count + _FEW, len(self)), dim=1).indices
            found = self._squares(part, near).sqrt().sort(dim=1)
            distances.append(found.values[:, :count])
            indices.append(near.gather(1, found.indices[:, :count]))
        return torch.cat(distances), torch.cat(indices)

    def _tiles(self, y: Tensor, sigma: float | Tensor) -> Iterator[_Tile]:
        """Split chains into tiles of equal size."""
        if y.shape[2:] != self.event:
            raise ValueError(f"y has shape {tuple(y.shape)}; this denoiser expects (B, k, {tuple(self.event)}).")
        rows, k = self._tile_rows, y.shape[1]
        noise = torch.as_tensor(sigma, dtype=self._x.dtype, device=y.device).expand(len(y))
        for start in range(0, len(y), rows):
            part = y[start : start + rows].flatten(2).to(self._x.dtype)
            count = len(part)
            part = functional.pad(part, (0, 0, 0, 0, 0, rows - count))
            tau = (functional.pad(noise[start : start + rows], (0, rows - count), value=1.0) ** 2 / k).unsqueeze(1)
            yield _Tile(part.mean(1) - self._mean, (tau + self.width**2).sqrt(), count)

    def _posterior_mean(self, tile: _Tile) -> Tensor:
        """Return x̂ with shape (T, D)."""
        logits, few, doubtful = self._compare(tile)
        mean = torch.zeros_like(tile.v)
        if bool(few.decisive.any()):
            chosen = self._x[few.indices]
            mean = (few.rho.unsqueeze(-1) * chosen).sum(1)
        if not bool(few.decisive.all()):
            rho = functional.threshold(logits.softmax(1), self._eps / len(self), 0.0)
            mean = torch.where(few.decisive.unsqueeze(1), mean, rho @ self._x)
        for row in doubtful:
            indices, rho = self._relevant(tile, logits, row)
            parts = zip(torch.split(indices, _CHUNK), torch.split(rho, _CHUNK), strict=True)
            mean[row] = torch.stack([weights @ self._x[part] for part, weights in parts]).sum(0)
        return self._within(tile.v, tile.tau, mean) + self._mean

    def _draw_index(self, tile: _Tile, uniform: Tensor) -> Tensor:
        """Draw an image index for each row by its share; shape (T,)."""
        logits, few, doubtful = self._compare(tile)
        place = _inverse(few.rho, uniform)
        drawn = few.indices.gather(1, place.unsqueeze(1)).squeeze(1)
        if not bool(few.decisive.all()):
            drawn = torch.where(few.decisive, drawn, _inverse(logits.softmax(1), uniform))
        for row in doubtful:
            indices, rho = self._relevant(tile, logits, row)
            drawn[row] = indices[_inverse(rho[None], uniform[row, None])[0]]
        return drawn

    def _compare(self, tile: _Tile) -> tuple[Tensor, _Few, list[int]]:
        """Compare the images with each row.

        Returns:
            log ρ up to a constant per row, by the matrix product, with shape (T, n); the nearest images; and the rows
            for which neither is accurate enough.
        """
        variance = tile.tau.square()
        logits = torch.addmm(-self._half_squares, tile.v, self._x.T) / variance
        # Rounding of a scalar product of D terms: at most about D ε ‖v‖ ‖x‖.
        length = tile.v.norm(dim=1, keepdim=True)
        pixels = self._x.shape[1]
        rounding = (pixels + 4) * self._eps * self._radius * (length + self._radius) / variance
        top = logits.topk(min(_FEW, len(self)), dim=1)
        gap = (top.values[:, :1] - top.values[:, -1:]) - 2 * rounding
        # n images that are e^-gap less likely than the best are below the arithmetic's resolution.
        decisive = (gap > math.log(len(self) / self._eps)).squeeze(1)
        if len(self) <= _FEW:
            decisive = torch.isfinite(length).squeeze(1)
        squares = self._squares(tile.v, top.indices)
        rho = ((squares.amin(1, keepdim=True) - squares) / (2 * variance)).softmax(1)
        doubtful = ~decisive & (rounding > _ROUNDING).squeeze(1) & torch.isfinite(length).squeeze(1)
        return logits, _Few(top.indices, rho, decisive), doubtful.nonzero().flatten().tolist()

    def _relevant(self, tile: _Tile, logits: Tensor, row: int) -> tuple[Tensor, Tensor]:
        """Compare every image that may matter for one row by differences; return indices and responsibilities (m,)."""
        v, variance = tile.v[row : row + 1], float(tile.tau[row]) ** 2
        rounding = (self._x.shape[1] + 4) * self._eps * self._radius * (float(v.norm()) + self._radius) / variance
        margin = math.log(len(self) / self._eps) + 2 * rounding
        indices = (logits[row] > logits[row].max() - margin).nonzero().flatten()
        squares = torch.cat([self._squares(v, part[None])[0] for part in torch.split(indices, _CHUNK)])
        return indices, ((squares.min() - squares) / (2 * variance)).softmax(0)

    def _squares(self, v: Tensor, indices: Tensor) -> Tensor:
        """Return ‖v − x_j‖² by differences, with shape (T, M), for rows (T, D) and indices (T, M)."""
        return (v.unsqueeze(1) - self._x[indices]).square().sum(-1)

    def _within(self, v: Tensor, tau: Tensor, centre: Tensor) -> Tensor:
        """Return the posterior mean within a mode of width h around a centre, with shape (T, D)."""
        return centre + (self.width / tau).square() * (v - centre) if self.width else centre


def _mean(flat: Tensor) -> Tensor:
    """Return the mean of rows with shape (n, D), summed in blocks to keep the precision of float32."""
    return torch.stack([part.sum(0) for part in torch.split(flat, _CHUNK)]).sum(0) / len(flat)


def _inverse(rho: Tensor, uniform: Tensor) -> Tensor:
    """Return the index where the cumulative sum of shares (T, m) passes a number in [0, 1) of each row."""
    total = rho.to(widest_float(rho.device)).cumsum(1)
    place = torch.searchsorted(total, (uniform.to(total) * total[:, -1]).unsqueeze(1), right=True).squeeze(1)
    return place.clamp(max=rho.shape[1] - 1)
