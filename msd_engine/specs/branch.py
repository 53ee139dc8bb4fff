"""Chains by hand: what is done with them, and where they branch off: a kept state of one chain, to go on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ChainTask = Literal["draw", "inpaint", "interpolate"]
"""What chains by hand do: as the sampling job, paint part of a picture anew, or lead from one seed to another."""


@dataclass(frozen=True, eq=False)
class Branch:
    """A kept state.

    Attributes:
        y: The copies of one chain, with shape (k, C, H, W), float32.
        step: Number of steps that it had done.
        stream: Number of its stream of random numbers, and how often it had given normal and uniform ones by then.
        carried: What the dynamics carries beside the copies, such as their velocities, each with the shape of `y`;
            empty for dynamics that know the copies alone. Other dynamics begin anew from the copies.
        same_noise: Whether the first branch goes on with the chain's own random numbers; else all have new ones.
    """

    y: NDArray[np.float32]
    step: int
    stream: tuple[int, int, int]
    carried: tuple[NDArray[np.float32], ...] = ()
    same_noise: bool = True
