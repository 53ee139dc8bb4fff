"""The state of dynamics that know nothing but where the copies are, and what a step of them finds out."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from msd_engine.denoisers.posterior import Posterior


class State(NamedTuple):
    """Where the chains are.

    Attributes:
        y: The copies with shape (B, k, *event).
    """

    y: Tensor


class Info(NamedTuple):
    """What a step found out on the way.

    Attributes:
        posterior: The posterior at the state before the step.
    """

    posterior: Posterior


def init(y: Tensor) -> State:
    """Begin at given copies.

    Args:
        y: The copies with shape (B, k, *event).

    Returns:
        The state before any step.
    """
    return State(y)
