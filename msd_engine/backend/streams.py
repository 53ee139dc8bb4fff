"""Random numbers for chains: those of a chain never depend on its neighbours.

Draw n of chain i is a function of the seed, i, n and the law alone (`backend.counter`), so a chain can go on from any
moment, and is the same whatever the number of chains. On a CPU numbers are made for several draws at once, which is
faster and cannot be seen in the result.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msd_engine.backend.counter import Law, Rows, Stream

# A block holds at most this many numbers (4 MB) and this many draws.
_BLOCK_NUMBERS, _BLOCK_DRAWS = 2**20, 256
_FIRST_DRAWS = 2
_STREAMS: dict[Law, Stream] = {"normal": Stream.CHAIN_NORMAL, "uniform": Stream.CHAIN_UNIFORM}


class ChainStreams:
    """Standard normal and uniform numbers for a set of chains.

    The two laws have separate streams, so that drawing one does not move the other. Every call gives each chain the
    prod(shape) numbers of its next draw.
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
        drawn: tuple[int, int] = (0, 0),
    ) -> None:
        """Prepare the streams.

        Args:
            seed: Seed of all chains, 0 or more.
            chains: Number of chains B.
            shape: Shape of what one chain draws at once, such as (k, *event).
            device: Where the numbers are wanted.
            block: Number of draws made at once, 0 for a number that suits size and device; the result is the same.
            chains_innermost: Let the chains be neighbours in memory, which makes arithmetic on many small chains
                faster; the numbers and the shape are the same.
            numbers: Number of each chain; by default 0, 1, 2 and so on.
            drawn: Draws of normal and of uniform numbers that lie behind: the next ones are those that follow.
        """
        self.seed = seed
        self.rows = Rows(range(chains) if numbers is None else numbers, device)
        self._shape = shape
        self._count = math.prod(shape)
        self._chains_innermost = chains_innermost
        # On an accelerator making one draw is as fast as taking it out of a block.
        fitting = min(_BLOCK_DRAWS, _BLOCK_NUMBERS // max(1, chains * self._count))
        most = max(1, fitting) if self.rows.device.type == "cpu" else 1
        self._largest_block = block or most
        # Blocks grow: whoever needs only the start of the chains makes little more.
        first_block = block or min(_FIRST_DRAWS, most)
        self._block: dict[Law, int] = {"normal": first_block, "uniform": first_block}
        self._drawn: dict[Law, int] = {"normal": drawn[0], "uniform": drawn[1]}
        self._waiting: dict[Law, deque[Tensor]] = {"normal": deque(), "uniform": deque()}

    @property
    def normals_drawn(self) -> int:
        """Number of draws of normal numbers so far."""
        return self._drawn["normal"]

    def normal(self) -> Tensor:
        """Return the next standard normal numbers with shape (B, *shape), float32, on the device."""
        return self._next("normal")

    def uniform(self) -> Tensor:
        """Return the next numbers uniform in [0, 1) with shape (B, *shape), float32, on the device."""
        return self._next("uniform")

    def leave_out_normals(self, draws: int) -> None:
        """Pass over draws of normal numbers, which another place makes by itself.

        Args:
            draws: How many.
        """
        waiting = self._waiting["normal"]
        for _ in range(min(draws, len(waiting))):
            waiting.popleft()
        self._drawn["normal"] += draws

    def positions(self) -> NDArray[np.int64]:
        """Return where every chain stands: its number and how often it drew of either law.

        Returns:
            Number, count of normal and count of uniform draws, with shape (B, 3).
        """
        drawn = np.array([self._drawn["normal"], self._drawn["uniform"]], dtype=np.int64)
        return np.column_stack((self.rows.words.astype(np.int64), np.tile(drawn, (len(self.rows), 1))))

    def _next(self, law: Law) -> Tensor:
        waiting = self._waiting[law]
        if not waiting:
            waiting.extend(self._make(law).unbind(0))
        self._drawn[law] += 1
        return waiting.popleft()

    def _make(self, law: Law) -> Tensor:
        """Make one block with shape (draws, B, *shape)."""
        draws = self._block[law]
        self._block[law] = min(2 * draws, self._largest_block)
        block = self.rows.draw(law, self.seed, _STREAMS[law], self._drawn[law], self._count, draws=draws)
        if self._chains_innermost:
            block = block.mT.contiguous().mT
        return block.reshape(draws, len(self.rows), *self._shape)
