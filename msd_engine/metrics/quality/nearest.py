"""The nearest training images of given ones: does a network repeat its training data?

A sample much nearer to a training image than held-out images are is a copy and not a new image.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from msd_engine.data.images import ImageSet

_CHUNK = 5000


def nearest_in_pixels(x: Tensor, train: Tensor, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Find the nearest training images, a few thousand at a time.

    Args:
        x: Images with shape (N, C, H, W), in [-1, 1].
        train: Training images with shape (n, C, H, W), uint8.
        count: Number of neighbours for each.

    Yields:
        Root mean square differences in data units with shape (N, m), ascending, and the indices of the training
        images with shape (N, m), among all images so far; the last is the answer, with m = count or n.
    """
    flat = x.float().nan_to_num(0.0).clamp(-1, 1).flatten(1)
    squares = flat.square().sum(1, keepdim=True)
    best = flat.new_empty((len(x), 0))
    indices = torch.empty((len(x), 0), dtype=torch.long)
    for start in range(0, len(train), _CHUNK):
        other = ImageSet.to_data(train[start : start + _CHUNK]).flatten(1)
        distance = (squares + other.square().sum(1) - 2.0 * flat @ other.T).clamp(min=0.0)
        numbers = torch.arange(start, start + len(other)).expand(len(x), -1)
        both, places = torch.cat((best, distance), 1), torch.cat((indices, numbers), 1)
        best, order = both.topk(min(count, both.shape[1]), dim=1, largest=False)
        indices = places.gather(1, order)
        yield (best / flat.shape[1]).sqrt(), indices
