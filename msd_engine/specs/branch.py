"""Tasks of manual chains, kept chain states to branch from, and the branch of an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from msd_engine.specs.base import Spec, param
from msd_engine.specs.sampling import SamplingSpec

ChainTask = Literal["draw", "inpaint", "interpolate"]
"""Task of manual chains: draw like the sampling job, inpaint, or interpolate between two seeds."""


@dataclass(frozen=True, eq=False)
class Branch:
    """A kept state of one chain.

    Attributes:
        y: The copies, with shape (k, C, H, W), float32.
        step: Steps done.
        stream: Number of the chain's random stream, and its counts of normal and uniform draws so far.
        carried: Other state of the dynamics, such as velocities, each with the shape of `y`; empty for dynamics without
            any. Other dynamics restart from the copies.
        same_noise: Whether the first branch continues with the chain's own random numbers; all others get new ones.
    """

    y: NDArray[np.float32]
    step: int
    stream: tuple[int, int, int]
    carried: tuple[NDArray[np.float32], ...] = ()
    same_noise: bool = True


class BranchSpec(Spec):
    """Chains in the plane that go on from a state of chains of other settings.

    Their number of copies, data, noise and network are those of the experiment.

    Attributes:
        sampling: Settings of the chains up to the branch; their number of chains does not matter.
    """

    step: int = param(0, title="Branch at", unit="steps", ge=0, help="Steps that both settings share.")
    sampling: SamplingSpec = SamplingSpec()
