"""Counter-based random numbers: each is a function of seed, stream, row, draw and position alone.

The counter of `philox` consists of the block of four numbers, the draw, the row (a chain, or a datum of a batch) and
the stream; the key is the seed. So numbers can be made in any order and on any device: by compiled code on a CPU (by
numpy until that is ready), by one kernel on a CUDA card, by torch operations elsewhere. All agree to the bit, except
on devices that round the square root differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.backend import philox_cuda
from msd_engine.backend.compiled import PHILOX
from msd_engine.backend.philox import Array, Operations, normal_pair, philox, uniform
from msd_engine.specs import GENERATOR

__all__ = ["GENERATOR", "Law", "Rows", "Stream"]

Law = Literal["normal", "uniform"]

_WORD = 0xFFFFFFFF
_NUMPY, _TORCH = Operations(np), Operations(torch)


class Stream(IntEnum):
    """Purpose of random numbers; the streams of one seed are independent."""

    CHAIN_NORMAL = 0
    CHAIN_UNIFORM = 1
    TRAINING_SIGMA = 2
    TRAINING_NOISE = 3
    TRAINING_FLIPS = 4


class Rows:
    """Rows that numbers are drawn for.

    Args:
        numbers: Number of each row, from 0 to 2³² − 1.
        device: Device of the drawn numbers.
    """

    def __init__(self, numbers: Sequence[int] | NDArray[np.int64], device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.words: NDArray[np.uint32] = np.asarray(numbers, dtype=np.int64).astype(np.uint32)
        self._on_device: Tensor | None = None
        self._zero: Tensor | None = None
        if self.device.type == "cuda":
            self._on_device = torch.from_numpy(self.words.view(np.int32)).to(self.device)
            self._zero = torch.zeros(1, dtype=torch.int64, device=self.device)
        elif self.device.type != "cpu":
            self._on_device = torch.from_numpy(self.words.astype(np.int64)).to(self.device)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.words)

    def draw(self, law: Law, seed: int, stream: Stream, first: int | Tensor, count: int, *, draws: int = 1) -> Tensor:
        """Draw numbers for every row.

        Args:
            law: ``normal`` for standard normal numbers, ``uniform`` for [0, 1).
            seed: Seed, 0 or more.
            stream: Purpose of the numbers.
            first: Number of the first draw. A tensor with shape (1,), int64, on the device is read when the numbers are
                made, so that a recorded CUDA graph draws new ones at each replay.
            count: Numbers per row and draw.
            draws: Number of consecutive draws.

        Returns:
            Numbers with shape (draws, rows, count), float32, on the device.
        """
        key = (seed & _WORD, seed >> 32 & _WORD)
        if self.device.type == "cuda":
            return self._by_kernel(law, key, stream, first, count, draws)
        if self.device.type == "cpu" and not isinstance(first, Tensor):
            return torch.from_numpy(self._on_cpu(law, key, stream, first, count, draws))
        return self._by_torch(law, key, stream, first, count, draws)

    def _on_cpu(
        self, law: Law, key: tuple[int, int], stream: int, first: int, count: int, draws: int
    ) -> NDArray[np.float32]:
        compiled = PHILOX.get()
        if compiled is None:
            blocks = np.arange((count + 3) // 4, dtype=np.int64)
            numbers = (first + np.arange(draws, dtype=np.int64)) & _WORD
            rows = self.words.astype(np.int64)
            found: NDArray[np.float32] = _numbers(_NUMPY, law, blocks, numbers, rows, stream, key)[..., :count]
            return found
        out = np.empty((draws, len(self), count), dtype=np.float32)
        fill = compiled.fill_normal if law == "normal" else compiled.fill_uniform
        fill(out, self.words, first & _WORD, int(stream), *key)
        return out

    def _by_torch(
        self, law: Law, key: tuple[int, int], stream: int, first: int | Tensor, count: int, draws: int
    ) -> Tensor:
        blocks = torch.arange((count + 3) // 4, device=self.device)
        numbers = (torch.arange(draws, device=self.device) + first) & _WORD
        rows = torch.from_numpy(self.words.astype(np.int64)) if self._on_device is None else self._on_device
        found: Tensor = _numbers(_TORCH, law, blocks, numbers, rows, stream, key)[..., :count]
        return found

    def _by_kernel(
        self, law: Law, key: tuple[int, int], stream: int, first: int | Tensor, count: int, draws: int
    ) -> Tensor:
        assert self._on_device is not None
        assert self._zero is not None
        offset, start = (first, 0) if isinstance(first, Tensor) else (self._zero, first)
        out = torch.empty((draws, len(self), count), dtype=torch.float32, device=self.device)
        philox_cuda.fill(out, self._on_device, offset, first=start, stream=stream, key=key, normal=law == "normal")
        return out


def _numbers(
    ops: Operations, law: Law, blocks: Array, numbers: Array, rows: Array, stream: int, key: tuple[int, int]
) -> Array:
    """Return numbers with shape (draws, rows, 4 · blocks)."""
    counter = (blocks, numbers[:, None, None], rows[None, :, None], blocks * 0 + stream)
    words = philox(counter, key)
    if law == "normal":
        parts = [*normal_pair(ops, words[0], words[1]), *normal_pair(ops, words[2], words[3])]
    else:
        parts = [uniform(ops, word) for word in words]
    stacked = ops.library.stack(parts, -1)
    return stacked.reshape(*stacked.shape[:2], -1)
