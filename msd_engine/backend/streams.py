"""Random numbers for chains: one stream per chain, so that a chain never depends on its neighbours.

Chain i draws from its own generator, seeded by numpy's `SeedSequence(seed, spawn_key=(i,))`. Numbers are drawn for
several steps at once, which is faster and cannot be seen in the result: a stream is one sequence of numbers,
however it is cut into blocks.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# A block holds at most this many numbers (4 MB) and this many steps.
_BLOCK_NUMBERS = 2**20
_BLOCK_STEPS = 256

_Law = Literal["normal", "uniform"]


class ChainStreams:
    """Standard normal and uniform numbers for a set of chains, each chain from streams of its own.

    The two laws have separate streams, so that drawing one does not move the other. Every call gives each chain the
    next prod(shape) numbers of its stream: the numbers of chain i depend on the seed, on i, on the law and on the
    count of calls before, and on nothing else.
    """

    def __init__(
        self,
        seed: int,
        chains: int,
        shape: tuple[int, ...],
        *,
        device: torch.device | str = "cpu",
        block: int = 0,
        chains_innermost: bool = False,
        numbers: Sequence[int] | None = None,
    ) -> None:
        """Prepare the streams; generators are made when numbers are first asked for.

        Args:
            seed: Seed of all chains, 0 or more.
            chains: Number of chains B.
            shape: Shape of what one chain draws in one step, such as (k, *event).
            device: Where the numbers are wanted.
            block: Number of steps drawn at once, 0 for a number that suits the size; the result is the same.
            chains_innermost: Let the chains be neighbours in memory, which makes arithmetic on many small chains
                faster; the numbers and the shape are the same.
            numbers: Number of the stream of each chain; by default 0, 1, 2 and so on.
        """
        self._seed = seed
        self._chains = chains
        self._shape = shape
        self._numbers = range(chains) if numbers is None else numbers
        # Calls of normal and uniform, and where each chain's streams were before the first of them.
        self._calls: dict[_Law, int] = {"normal": 0, "uniform": 0}
        self._skipped = np.zeros((chains, 2), dtype=np.int64)
        self._device = torch.device(device)
        count = math.prod(shape)
        self._chains_innermost = chains_innermost
        self._block = block or max(1, min(_BLOCK_STEPS, _BLOCK_NUMBERS // (chains * count)))
        self._generators: dict[_Law, list[np.random.Generator]] = {}
        self._waiting: dict[_Law, deque[Tensor]] = {"normal": deque(), "uniform": deque()}

    def normal(self) -> Tensor:
        """Return the next standard normal numbers with shape (B, *shape), float32, on the device."""
        return self._next("normal")

    def uniform(self) -> Tensor:
        """Return the next numbers uniform in [0, 1) with shape (B, *shape), float32, on the device."""
        return self._next("uniform")

    def positions(self) -> NDArray[np.int64]:
        """Return where every chain's streams are: their number and how often they gave numbers of either law.

        Returns:
            Number, count of normal and count of uniform draws, with shape (B, 3).
        """
        calls = np.array([self._calls["normal"], self._calls["uniform"]], dtype=np.int64)
        return np.column_stack((np.asarray(self._numbers, dtype=np.int64), self._skipped + calls))

    def skip(self, chain: int, normals: int, uniforms: int) -> None:
        """Let one chain go on where another run of it has been; to be called before any number is drawn.

        Args:
            chain: Which chain, by its place.
            normals: Draws of normal numbers to leave out.
            uniforms: Draws of uniform numbers to leave out.
        """
        self._skipped[chain] += (normals, uniforms)
        unwanted = np.empty(math.prod(self._shape), dtype=np.float32)
        counts: dict[_Law, int] = {"normal": normals, "uniform": uniforms}
        for law, count in counts.items():
            fill = self._fillers(law)[chain]
            for _ in range(count):
                fill(unwanted)

    def _next(self, law: _Law) -> Tensor:
        self._calls[law] += 1
        waiting = self._waiting[law]
        if not waiting:
            waiting.extend(self._draw(law).unbind(0))
        return waiting.popleft()

    def _draw(self, law: _Law) -> Tensor:
        """Draw one block with shape (steps, B, *shape)."""
        count = math.prod(self._shape)
        if self._chains_innermost:
            block = np.empty((self._block, count, self._chains), dtype=np.float32).swapaxes(1, 2)
        else:
            block = np.empty((self._block, self._chains, count), dtype=np.float32)
        drawn = np.empty((self._block, count), dtype=np.float32)
        for chain, fill in enumerate(self._fillers(law)):
            fill(drawn)
            block[:, chain] = drawn
        return torch.from_numpy(block).to(self._device).reshape(self._block, self._chains, *self._shape)

    def _fillers(self, law: _Law) -> list[Callable[[NDArray[np.float32]], object]]:
        if law not in self._generators:
            branch = () if law == "normal" else (1,)
            self._generators[law] = [
                np.random.Generator(np.random.SFC64(np.random.SeedSequence(self._seed, spawn_key=(number, *branch))))
                for number in self._numbers
            ]
        if law == "normal":
            return [_normal_filler(generator) for generator in self._generators[law]]
        return [_uniform_filler(generator) for generator in self._generators[law]]


def _normal_filler(generator: np.random.Generator) -> Callable[[NDArray[np.float32]], object]:
    return lambda out: generator.standard_normal(dtype=np.float32, out=out)


def _uniform_filler(generator: np.random.Generator) -> Callable[[NDArray[np.float32]], object]:
    return lambda out: generator.random(dtype=np.float32, out=out)
