"""What training tells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event


@dataclass(frozen=True, eq=False)
class LossPoints(Event):
    """Training losses since the last such event.

    Attributes:
        steps: Step numbers, int64, with shape (n,).
        loss: Squared error ‖x̂ − x‖² of the report, summed over the datum and averaged over the batch, with shape (n,).
        elapsed_s: Seconds of training at each step, with shape (n,).
    """

    steps: NDArray[np.int64]
    loss: NDArray[np.float64]
    elapsed_s: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeldOutLoss(Event):
    """One measurement with the averaged weights on data that are not trained on, with fixed noise.

    Attributes:
        step: Step number.
        loss: Mean squared error ‖x̂ − x‖² over the law of σ; whitened, that is in the coordinates in which the noise is
            white, as all errors here.
        elapsed_s: Seconds of training so far.
        band_sigma_eff: Centres of the bands of σ_eff, with shape (bands,).
        band_loss: Mean squared error at each σ_eff, with shape (bands,).
        band_mmse: Error of the exact posterior mean on the same draws at each σ_eff, NaN where it is not known, with
            shape (bands,).
        mmse: The same in all where it is known, else NaN: the least possible error but for the chance of these draws.
        standard_error: That of `loss` over the choice of the draws; NaN where it was not kept.
    """

    step: int
    loss: float
    elapsed_s: float
    band_sigma_eff: NDArray[np.float64]
    band_loss: NDArray[np.float64]
    band_mmse: NDArray[np.float64]
    mmse: float
    standard_error: float = math.nan


@dataclass(frozen=True, eq=False)
class StripFrame(Event):
    """A few fixed held-out images with fixed noise, as the averaged weights see them now.

    Attributes:
        step: Step number.
        sigma: Noise of one copy for each image, with shape (n,).
        clean: x with shape (n, C, H, W), in [-1, 1].
        noisy: y_1..y_k with shape (n, k, C, H, W).
        x_hat: x̂ with shape (n, C, H, W).
        error: ‖x̂ − x‖² of each image, with shape (n,).
    """

    keep: ClassVar[str] = "latest"
    step: int
    sigma: NDArray[np.float32]
    clean: NDArray[np.float32]
    noisy: NDArray[np.float32]
    x_hat: NDArray[np.float32]
    error: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Checkpointed(Event):
    """The run folder now holds the state and the averaged weights of this step.

    Attributes:
        step: Step number.
        path: The run folder.
    """

    keep: ClassVar[str] = "latest"
    step: int
    path: str
