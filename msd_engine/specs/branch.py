"""Where chains branch off: a kept state of one chain, to go on from with other parameters or other noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Branch:
    """A kept state.

    Attributes:
        y: The copies of one chain, with shape (k, C, H, W), float32.
        step: Number of steps that it had done.
        stream: Number of its stream of random numbers, and how often it had given normal and uniform ones by then.
        same_noise: Whether the first branch goes on with the chain's own random numbers; else all have new ones.
    """

    y: NDArray[np.float32]
    step: int
    stream: tuple[int, int, int]
    same_noise: bool = True
