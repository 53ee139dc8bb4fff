"""Survival of chains of images: each end of a chain compared with the data.

Every bound is computed from the data. With v(x) the variance over the pixels of a channel, averaged over the channels,
a chain is *monochrome* where v(x̂) is below half the value under which one datum in two hundred lies. With s(x) the
share of pixels at or beyond the ends of the range [-1, 1], it is *saturated* where s(x̂) is more than half way from the
value over which one datum in two hundred lies to 1. It *blew up* where its state is not finite or beyond 1e6, or where
x̂ lies *far*: more than twice as far from the mean image as any datum. *Noise is left over* where a chain would be far,
saturated or off the data, while its copies lie about x̂ by more than twice the last noise, but no farther than the
first: it has not diverged, its steps were too few. It is *off the data* where a feature network says so
(`metrics/quality/support.py`). The spread of a set of images is its mean pairwise
distance, as in Song and Ermon 2020 (arXiv:2006.09011, §3.1), whose first technique asks for its largest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from msd_engine.data.images import ImageSet
from msd_engine.events.verdicts import ALIVE
from msd_engine.metrics.chains.figures import alive

Verdict = Literal["alive", "blew up", "noise left over", "monochrome", "saturated", "off the data"]

# Number of real images behind bounds and distances: enough for quantiles and means to a few percent.
_LOOKED_AT = 2048
_RARE = 0.005
_FACTOR = 0.5
_REACH = 2.0
# The root of 2 is what σ and the posterior's width, σ/√k at the most, give together.
_LEFT_OVER = 2.0
# Half a grey value of 256 from an end of the range counts as that end.
_END = 1.0 - 1.0 / 255.0


@dataclass(frozen=True, eq=False)
class DataStatistics:
    """Statistics of an image set for judging chains.

    Attributes:
        mean: The mean image, with shape (C, H, W).
        reach: Largest distance of an image from the mean image.
        least_variance: Spatial variance below which a chain counts as monochrome.
        most_saturation: Share of saturated pixels above which a chain counts as saturated.
        mean_distance: Mean pairwise distance.
        largest_distance: Largest pairwise distance found.
        std: Standard deviation of a pixel about the mean image, over all pixels.
        count: Number of images used.
    """

    mean: Tensor
    reach: float
    least_variance: float
    most_saturation: float
    mean_distance: float
    largest_distance: float
    std: float
    count: int


def data_statistics(images: Tensor) -> DataStatistics:
    """Compute the statistics of a set of images.

    Args:
        images: With shape (n, C, H, W), uint8; from more than 2 048, a fixed random subset of this size is used.

    Returns:
        The statistics, in data units.
    """
    # Random, not the first ones: sets are often sorted by writer or by class.
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    x = ImageSet.to_data(images[order[:_LOOKED_AT].to(images.device)])
    mean = x.mean(0)
    saturation = torch.quantile(saturated_share(x), 1 - _RARE).item()
    distances = pair_distances(x)
    return DataStatistics(
        mean=mean,
        reach=(x - mean).flatten(1).norm(dim=1).max().item(),
        least_variance=_FACTOR * torch.quantile(spatial_variance(x), _RARE).item(),
        most_saturation=saturation + _FACTOR * (1 - saturation),
        mean_distance=distances.mean().item() if len(distances) else math.nan,
        largest_distance=distances.max().item() if len(distances) else math.nan,
        std=(x - mean).square().mean().sqrt().item(),
        count=len(x),
    )


def spatial_variance(x: Tensor) -> Tensor:
    """Return the variance over the pixels of each channel, averaged over the channels.

    Args:
        x: Images with shape (N, C, H, W).

    Returns:
        Variances with shape (N,): 0 for an image of one colour.
    """
    return x.flatten(2).var(2, correction=0).mean(1)


def saturated_share(x: Tensor) -> Tensor:
    """Return the share of pixels at or beyond the ends of the range [-1, 1], with shape (N,), for (N, C, H, W)."""
    return (x.abs() >= _END).flatten(1).float().mean(1)


def pair_distances(x: Tensor) -> Tensor:
    """Return the distances of all pairs of a set.

    Args:
        x: Data with shape (N, *event).

    Returns:
        ‖x_i − x_j‖ for all i < j, with shape (N (N − 1)/2,), in the dtype of `x`.
    """
    flat = x.flatten(1)
    # About their own mean, so that the matrix product keeps the digits of a narrow set.
    flat = flat - flat.mean(0)
    squares = flat.square().sum(1)
    both = torch.addmm(squares[:, None] + squares, flat, flat.T, alpha=-2).clamp_(min=0)
    first, second = torch.triu_indices(len(flat), len(flat), 1, device=x.device)
    return both[first, second].sqrt()


def mean_pair_distance(x: Tensor) -> float:
    """Return the mean pairwise distance of the first 2 048 data with shape (N, *event); NaN for fewer than two."""
    distances = pair_distances(x[:_LOOKED_AT])
    return distances.mean().item() if len(distances) else math.nan


def verdicts(
    x_hat: Tensor,
    y: Tensor,
    statistics: DataStatistics | None,
    off: Tensor | None = None,
    noise: tuple[float, float] | None = None,
) -> list[Verdict]:
    """Judge each chain at its end.

    Args:
        x_hat: The samples with shape (N, C, H, W).
        y: The last copies with shape (N, k, C, H, W).
        statistics: What the data look like; without it only chains beyond all bounds are judged.
        off: Which samples a feature network calls off the data, with shape (N,); None where none was asked.
        noise: Noise of one copy at the start and at the end; None where it is unknown.

    Returns:
        A verdict for each chain.
    """
    lost = ~alive(y) | ~alive(x_hat)
    found: list[tuple[Verdict, Tensor]] = [("blew up", lost)]
    if statistics is not None:
        far = (x_hat - statistics.mean.to(x_hat)).flatten(1).norm(dim=1) > _REACH * statistics.reach
        saturated = saturated_share(x_hat) > statistics.most_saturation
        failed = far | saturated if off is None else far | saturated | off
        left = failed & _noise_left(x_hat, y, noise) & ~lost
        found = [
            ("noise left over", left),
            ("blew up", lost | far),
            ("monochrome", spatial_variance(x_hat) < statistics.least_variance),
            ("saturated", saturated),
        ]
    if off is not None:
        found.append(("off the data", off))
    judged: list[Verdict] = [ALIVE] * len(x_hat)
    # The first one that applies counts.
    for name, which in reversed(found):
        for index in which.nonzero().flatten().tolist():
            judged[index] = name
    return judged


def _noise_left(x_hat: Tensor, y: Tensor, noise: tuple[float, float] | None) -> Tensor:
    """Return which chains still have noise of an earlier level, with shape (N,)."""
    if noise is None:
        return torch.zeros(len(y), dtype=torch.bool, device=y.device)
    spread = (y - x_hat[:, None]).flatten(1).square().mean(1).sqrt()
    return (spread > _LEFT_OVER * noise[1]) & (spread <= noise[0])
