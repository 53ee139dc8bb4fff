"""The report's U-net: four convolutions of w, 2w, 4w, 8w filters and transposed convolutions back.

Each convolution is followed by adding a linear map of the noise features, group normalisation and swish. The copies
enter as k·C channels. Source: the report (its network is w = 64), after the score network of Song et al.

Options beyond the report: residual blocks at every stage of stride 2, residual convolutions and self-attention at the
coarsest one, and other fusions of the copies, all permutation invariant. *Mean*: the network's input is ȳ, a sufficient
statistic (theory §3, fact 1). *Set*: the input is ȳ and averaged features of each copy (`nets.copies`), for any k.
*Set of k*: the first stage applies the same filters to each copy and averages the feature maps, and does not know k.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from msd_engine.nets.copies import PooledCopies, with_copies
from msd_engine.nets.embedding import FourierFeatures
from msd_engine.nets.stages import ResidualBlock, SelfAttention, groups
from msd_engine.specs.nets import Fusion

_LEAST_POOLED = 4


class Head(nn.Module):
    """The last convolution, 3×3 with stride 1 (so transposed or not is one), from feature maps to colour channels.

    On a CPU it is a 1×1 convolution to the nine taps and a sum of shifted maps: with one output channel that takes a
    fifth of the time of a direct convolution (tests/benchmarks/throughput.py). Accelerators use the direct convolution:
    the shifted maps would cost forty launches.

    The taps start at zero, so that the preconditioned denoiser starts from its skip connection.

    Args:
        sources: Channels of each input feature map; the maps act as one concatenated map.
        channels: Colour channels C of the output.
    """

    def __init__(self, sources: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.taps = nn.ParameterList(torch.zeros(9 * channels, size, 1, 1) for size in sources)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, *maps: Tensor) -> Tensor:
        """Return the image (B, C, H, W), float32 or wider, from one feature map (B, size, H, W) per source."""
        return self.by_taps(maps) if maps[0].device.type == "cpu" else self.at_once(maps)

    def at_once(self, maps: tuple[Tensor, ...]) -> Tensor:
        """Return the output by one convolution of the concatenated maps."""
        # The taps are the positions of the 3×3 filter in reading order.
        weights = [weight.reshape(3, 3, self.channels, -1).permute(2, 3, 0, 1) for weight in self.taps]
        out = functional.conv2d(torch.cat(maps, dim=1), torch.cat(weights, dim=1), self.bias, padding=1)
        return out if out.dtype == torch.float64 else out.float()

    def by_taps(self, maps: tuple[Tensor, ...]) -> Tensor:
        """Return the output by a sum of shifted maps."""
        taps = functional.conv2d(maps[0], self.taps[0])
        for h, weight in zip(maps[1:], self.taps[1:], strict=True):
            taps = taps + functional.conv2d(h, weight)
        wide = taps if taps.dtype == torch.float64 else taps.float()
        rows, columns = wide.shape[2:]
        padded = functional.pad(wide.reshape(-1, 9, self.channels, rows, columns), (1, 1, 1, 1))
        out = self.bias[:, None, None].expand(self.channels, rows, columns)
        for tap in range(9):
            i, j = divmod(tap, 3)
            out = out + padded[:, tap, :, i : i + rows, j : j + columns]
        return out


class UNet(nn.Module):
    """Map k noisy copies of an image and the noise coordinate to an image.

    Args:
        channels: Colour channels C of an image.
        k: Number of copies; read only where they are concatenated.
        width: Filters w of the first stage.
        embedding: Length of the noise features.
        blocks: Residual convolutions at the coarsest stage, where a large receptive field is cheap; none in the report.
        residual: Residual blocks after each convolution of stride 2, on both paths; none in the report.
        attention: Self-attention at the coarsest stage; none in the report.
        fusion: How the copies are combined; the report concatenates them.
        scale: Standard deviation of the feature frequencies.
    """

    def __init__(
        self,
        channels: int,
        k: int,
        *,
        width: int = 64,
        embedding: int = 256,
        blocks: int = 0,
        residual: int = 0,
        attention: bool = False,
        fusion: Literal[Fusion, "set-of-k"] = "concat",
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.fusion = fusion
        pooled = max(_LEAST_POOLED, width // 4) if fusion == "set" else 0
        w = (width, 2 * width, 4 * width, 8 * width)
        inputs = k if fusion == "concat" else 1
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=stride, padding=1, bias=False)
            for a, b, stride in zip((inputs * channels + pooled, *w), w, (1, 2, 2, 2), strict=False)
        )
        self.blocks = nn.ModuleList(nn.Conv2d(w[3], w[3], 3, padding=1, bias=False) for _ in range(blocks))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, bias=False)
            for a, b in ((w[3], w[2]), (2 * w[2], w[1]), (2 * w[1], w[0]))
        )
        self.head = Head((w[0], w[0]), channels)
        plain = (*w, *[w[3]] * blocks, w[2], w[1], w[0])
        self.norms = nn.ModuleList(nn.GroupNorm(groups(size), size) for size in plain)
        self.features = FourierFeatures(embedding, scale)
        _tie_copies(self.down[0], inputs)
        # In forward order: after stages 1 to 3 down, and after the first two up.
        residual_sizes = [size for size in (w[1], w[2], w[3], w[2], w[1]) for _ in range(residual)]
        self.residual = nn.ModuleList(ResidualBlock(size) for size in residual_sizes)
        self.attention = SelfAttention(w[3]) if attention else None
        self.copies = PooledCopies(nn.Conv2d(channels, pooled, 3, padding=1, bias=False)) if pooled else None
        self.sizes = (*plain, *residual_sizes, *((pooled,) if pooled else ()))
        # One product for the terms of all stages: the weights of one linear map each, in fewer calls.
        self.conditions = nn.Linear(self.features.length + bool(pooled), sum(self.sizes))

    def forward(self, y: Tensor, c: Tensor) -> Tensor:
        """Return the output (B, C, H, W) for copies y (B, k, C, H, W), H and W ≥ 8, and noise coordinates c (B,)."""
        features = self.features(c) if self.copies is None else with_copies(self.features(c), y.shape[1])
        terms = list(self.conditions(features)[:, :, None, None].split(self.sizes, dim=1))
        if self.copies is not None:
            y = self.copies(y, terms.pop()).unsqueeze(1)
        blocks = iter(zip(self.residual, terms[len(self.norms) :], strict=True))
        each = len(self.residual) // 5
        h = self._first(y, terms[0])
        skips = [h]
        for stage, layer in enumerate(self.down[1:], start=1):
            h = functional.silu(self.norms[stage](layer(h) + terms[stage]))
            h = _apply_blocks(blocks, each, h)
            skips.append(h)
        skips.pop()
        if self.attention is not None:
            h = self.attention(h)
        for stage, layer in enumerate(self.blocks, start=len(self.down)):
            h = h + functional.silu(self.norms[stage](layer(h) + terms[stage]))
        for stage, layer in enumerate(self.up, start=len(self.down) + len(self.blocks)):
            # The output size is that of the skip connection, which restores odd sizes.
            h = layer(h, output_size=skips[-1].shape[2:])
            h = functional.silu(self.norms[stage](h + terms[stage]))
            if len(skips) > 1:
                h = torch.cat((_apply_blocks(blocks, each, h), skips.pop()), dim=1)
        out: Tensor = self.head(h, skips.pop())
        return out

    def hidden_weights(self) -> list[nn.Parameter]:
        """Return the weights between hidden features, each a matrix when its first axis is kept."""
        stages = [self.down, self.blocks, self.up, *(block.get_submodule("layers") for block in self.residual)]
        if self.attention is not None:
            stages += [self.attention.qkv, self.attention.out]
        return [weight for stage in stages for weight in stage.parameters() if weight.ndim == 4]

    def _first(self, y: Tensor, term: Tensor) -> Tensor:
        """Return the feature map of the finest stage, with shape (B, w, H, W)."""
        layer, norm = self.down[0], self.norms[0]
        if self.fusion == "set-of-k":
            b, k = y.shape[:2]
            maps = layer(y.flatten(0, 1))
            maps = maps.reshape(b, k, *maps.shape[1:]) + term.unsqueeze(1)
            pooled: Tensor = functional.silu(norm(maps.flatten(0, 1))).reshape(maps.shape).mean(dim=1)
            return pooled
        inputs = y.mean(dim=1) if self.fusion == "mean" else y.flatten(1, 2)
        first: Tensor = functional.silu(norm(layer(inputs) + term))
        return first


def _apply_blocks(blocks: Iterator[tuple[nn.Module, Tensor]], count: int, h: Tensor) -> Tensor:
    for block, term in itertools.islice(blocks, count):
        h = block(h, term)
    return h


@torch.no_grad()
def _tie_copies(first: nn.Module, k: int) -> None:
    """Give all copies the same first filters, so that the first features depend on ȳ; training may separate them.

    Measured on MNIST with k = 8: 2 to 4 % less error at small and medium noise after 600 steps.
    """
    for weight in first.parameters():
        one = weight[:, : weight.shape[1] // k] / k**0.5
        weight.copy_(one.repeat(1, k, 1, 1))
