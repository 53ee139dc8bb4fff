"""How alike a chain must be in other company: to the bit on a CPU, within a bound on an accelerator."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from msd_engine.backend.device import choose_device

# On an accelerator as many chains pass through a network at once as are there, and which kernel computes them follows
# from their number; TF32 at its coarsest: .013 was seen on an H100 after a whole ladder.
_ACCELERATED = 0.02


def assert_same_chains(found: ArrayLike, expected: ArrayLike) -> None:
    """Fail unless chains in data units are those of another number of chains, as far as the device promises it."""
    if choose_device().type == "cpu":
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=0, atol=_ACCELERATED)
