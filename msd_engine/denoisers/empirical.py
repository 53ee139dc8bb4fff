"""The exact k-sample denoiser of a set of images: the data distribution is the set itself (theory §3, fact 1).

Each of the n images x_j is a mode of weight 1/n, a point or, with a kernel width h, a Gaussian N(x_j, h² I). With
τ² = σ²/k + h², as in the mixtures of Song and Ermon 2020 (arXiv:2006.09011, §3.1):

    ρ_j ∝ exp(−‖ȳ − x_j‖²/(2τ²)),    x̂ = Σ_j ρ_j x_j + (h²/τ²)(ȳ − Σ_j ρ_j x_j).

All distances come from one matrix product, ‖ȳ − x_j‖² = ‖ȳ‖² − 2 ȳ·x_j + ‖x_j‖² with the mean image removed from
both. It subtracts large numbers, so its rounding is bounded, and what is decided by it allows for that bound: where all
but a few images have, beyond doubt, a smaller share than the arithmetic resolves, these few are compared again by
differences, which are exact to rounding at any noise; else the noise is so large that rounding hardly counts, or the
differences are taken for every image that may count.
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

# Images that are compared by differences for each chain, in one go.
_FEW = 16
# Largest rounding of log ρ, in the worst case, that the matrix product may bring into a posterior of many images.
# The usual rounding is smaller by the root of the number of pixels and more.
_ROUNDING = 0.1
_CHUNK = 1024


class _Tile(NamedTuple):
    """Chains that are computed together; rows beyond `chains` only fill the tile up.

    Attributes:
        v: ȳ less the mean image, with shape (T, D).
        tau: τ with shape (T, 1).
        chains: Number of rows that are chains.
    """

    v: Tensor
    tau: Tensor
    chains: int


class _Few(NamedTuple):
    """The images nearest to each chain, compared by differences.

    Attributes:
        indices: Which images, with shape (T, M).
        rho: Their responsibilities, with shape (T, M).
        whole: Whether all other images together count for nothing, with shape (T,).
    """

    indices: Tensor
    rho: Tensor
    whole: Tensor


class EmpiricalDenoiser:
    """The posterior mean and the joint score where the data are a given set of images.

    Attributes:
        event: Shape of one image.
        width: Kernel width h.
    """

    def __init__(self, images: Tensor, *, width: float = 0.0, tile: int = 32) -> None:
        """Remove the mean image and prepare the distances.

        Args:
            images: The set with shape (n, *event), float32 or float64, on the device that is to compute.
            width: Kernel width h; 0 makes every image a point.
            tile: Chains that are computed together. The last tile is padded, so that the bits of one chain do not
                depend on the number of chains.

        Raises:
            ValueError: There is no image, or the width is negative.
        """
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
        """Return the same denoiser, of the same memory, for another number of chains that are computed together.

        Args:
            rows: Number of chains; 1 where single pictures are denoised.
        """
        other = copy.copy(self)
        other._tile_rows = rows
        return other

    def __len__(self) -> int:
        """Return the number of images n."""
        return len(self._x)

    def __call__(self, y: Tensor, sigma: float | Tensor) -> Posterior:
        """Return the exact posterior.

        Args:
            y: The copies with shape (B, k, *event), on the device of the images.
            sigma: Noise of one copy, positive, a number or a tensor with shape (B,).

        Returns:
            Mean with shape (B, *event) and score with shape (B, k, *event), in the dtype of `y`.
        """
        parts = [self._posterior_mean(tile)[: tile.chains] for tile in self._tiles(y, sigma)]
        mean = torch.cat(parts) if parts else y.new_zeros(0, self._x.shape[1])
        mean = mean.to(y.dtype).reshape(len(y), *self.event)
        return Posterior(mean, lambda: tweedie(mean, y, sigma))

    def draw(self, y: Tensor, sigma: float, noise: Noise) -> Tensor:
        """Draw the clean image from its exact posterior, given its copies.

        Args:
            y: The copies with shape (B, k, *event).
            sigma: Noise of one copy.
            noise: Gives the random numbers: one uniform number chooses the image; normal ones count for h > 0 alone.

        Returns:
            x with shape (B, *event), in the dtype of `y`: with h = 0 one of the images, x_j with probability ρ_j.
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
            x: With shape (B, *event), on the device of the images.
            count: Number of neighbours, at most n.

        Returns:
            Distances ‖x − x_j‖, ascending, and indices j, both with shape (B, count).
        """
        distances, indices = [], []
        for part in torch.split(x.flatten(1).to(self._x) - self._mean, self._tile_rows):
            cross = torch.addmm(-self._half_squares, part, self._x.T)
            # A few more than asked for, since rounding may swap neighbours that are almost as near.
            near = cross.topk(min(count + _FEW, len(self)), dim=1).indices
            found = self._squares(part, near).sqrt().sort(dim=1)
            distances.append(found.values[:, :count])
            indices.append(near.gather(1, found.indices[:, :count]))
        return torch.cat(distances), torch.cat(indices)

    def _tiles(self, y: Tensor, sigma: float | Tensor) -> Iterator[_Tile]:
        """Cut chains into tiles of equal size."""
        if y.shape[2:] != self.event:
            raise ValueError(f"y has shape {tuple(y.shape)}; this denoiser takes (B, k, {tuple(self.event)}).")
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
        if bool(few.whole.any()):
            chosen = self._x[few.indices]
            mean = (few.rho.unsqueeze(-1) * chosen).sum(1)
        if not bool(few.whole.all()):
            rho = functional.threshold(logits.softmax(1), self._eps / len(self), 0.0)
            mean = torch.where(few.whole.unsqueeze(1), mean, rho @ self._x)
        for row in doubtful:
            indices, rho = self._all_that_count(tile, logits, row)
            parts = zip(torch.split(indices, _CHUNK), torch.split(rho, _CHUNK), strict=True)
            mean[row] = torch.stack([weights @ self._x[part] for part, weights in parts]).sum(0)
        return self._within(tile.v, tile.tau, mean) + self._mean

    def _draw_index(self, tile: _Tile, uniform: Tensor) -> Tensor:
        """Return for each row the number of an image, drawn by its share; with shape (T,)."""
        logits, few, doubtful = self._compare(tile)
        place = _inverse(few.rho, uniform)
        drawn = few.indices.gather(1, place.unsqueeze(1)).squeeze(1)
        if not bool(few.whole.all()):
            drawn = torch.where(few.whole, drawn, _inverse(logits.softmax(1), uniform))
        for row in doubtful:
            indices, rho = self._all_that_count(tile, logits, row)
            drawn[row] = indices[_inverse(rho[None], uniform[row, None])[0]]
        return drawn

    def _compare(self, tile: _Tile) -> tuple[Tensor, _Few, list[int]]:
        """Compare the images with each row.

        Returns:
            log ρ up to a number per row, by the matrix product, with shape (T, n); the nearest images; and the rows
            for which neither is good enough.
        """
        variance = tile.tau.square()
        logits = torch.addmm(-self._half_squares, tile.v, self._x.T) / variance
        # Rounding of a scalar product of D terms: at most about D ε ‖v‖ ‖x‖.
        length = tile.v.norm(dim=1, keepdim=True)
        pixels = self._x.shape[1]
        rounding = (pixels + 4) * self._eps * self._radius * (length + self._radius) / variance
        top = logits.topk(min(_FEW, len(self)), dim=1)
        gap = (top.values[:, :1] - top.values[:, -1:]) - 2 * rounding
        # Images that are e^-gap less likely than the best, n of them, count for less than the arithmetic resolves.
        whole = (gap > math.log(len(self) / self._eps)).squeeze(1)
        if len(self) <= _FEW:
            whole = torch.isfinite(length).squeeze(1)
        squares = self._squares(tile.v, top.indices)
        rho = ((squares.amin(1, keepdim=True) - squares) / (2 * variance)).softmax(1)
        doubtful = ~whole & (rounding > _ROUNDING).squeeze(1) & torch.isfinite(length).squeeze(1)
        return logits, _Few(top.indices, rho, whole), doubtful.nonzero().flatten().tolist()

    def _all_that_count(self, tile: _Tile, logits: Tensor, row: int) -> tuple[Tensor, Tensor]:
        """Compare every image that may count with one row by differences.

        Returns:
            Their indices and their responsibilities, both with shape (m,).
        """
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
        """Return the mean within a mode of width h around a centre, with shape (T, D)."""
        return centre + (self.width / tau).square() * (v - centre) if self.width else centre


def _mean(flat: Tensor) -> Tensor:
    """Return the mean of rows with shape (n, D), added up in blocks, which keeps the digits of float32."""
    return torch.stack([part.sum(0) for part in torch.split(flat, _CHUNK)]).sum(0) / len(flat)


def _inverse(rho: Tensor, uniform: Tensor) -> Tensor:
    """Return the place at which the running sum of shares (T, m) passes a number in [0, 1) of each row."""
    total = rho.to(widest_float(rho.device)).cumsum(1)
    place = torch.searchsorted(total, (uniform.to(total) * total[:, -1]).unsqueeze(1), right=True).squeeze(1)
    return place.clamp(max=rho.shape[1] - 1)
