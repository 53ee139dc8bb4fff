"""Events of sampling."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msd_engine.events.base import Event

LOST = 1e6
"""Bound in data units at which the states of events are clipped; a chain with a copy beyond it counts as lost."""


@dataclass(frozen=True, eq=False)
class Ladder(Event):
    """The noise levels of the chains, once after the start of sampling.

    Attributes:
        sigma: Noise of one copy at each level, with shape (L,), from the first level to the last.
        alpha: Step α_i = r σ_i² at each level, with shape (L,); the step itself without noise.
        steps: Steps at each level, or from it to the next one, int64, with shape (L,).
        swelling: Theoretical s_T²/σ_i², the variance of y_i − ȳ at the end of each level over its value in exact
            sampling, with shape (L,).
        evaluations: Evaluations of the denoiser for each chain.
        settled: Limit of s_T²/σ² for many steps per level.
        steps_needed: Steps per level that bring s_T²/σ² close to that limit at every level; 0 if impossible.
        guidance_missing: Whether guidance is requested, but the network has no earlier weights.
        network_evaluations: Evaluations without those that the exact mean over the images replaces; all `evaluations`
            for the exact score, which has no network.
    """

    sigma: NDArray[np.float64]
    alpha: NDArray[np.float64]
    steps: NDArray[np.int64]
    swelling: NDArray[np.float64]
    evaluations: int
    settled: float = 1.0
    steps_needed: int = 1
    guidance_missing: bool = False
    network_evaluations: int = 0


@dataclass(frozen=True, eq=False)
class Modes(Event):
    """The mixture that chains in the plane draw from, once after their `Ladder`.

    Attributes:
        weights: Weights of the modes, with shape (J,), float64.
        means: Their means, with shape (J, d).
        covariances: Their covariances, with shape (J, d, d).
        noise: Covariance of the noise of a copy with σ = 1, with shape (d, d).
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    noise: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Proposed(Event):
    """Settings derived from the data.

    Attributes:
        values: New values of fields by dotted path.
        text: Their basis, in one sentence.
    """

    values: Mapping[str, float | int | str]
    text: str


@dataclass(frozen=True, eq=False)
class ChainSegment(Event):
    """A segment of the history of chains in the plane: kept states only.

    The first segment of a job begins with the state before any step (step 0). The job fixes the stride between kept
    states at its start, so that a whole history stays small.

    Attributes:
        steps: Step numbers of the kept states, int64, with shape (n,).
        level: Index of the noise level of each state, from 0, with shape (n,).
        sigma: Noise of one copy at each state by the ladder, with shape (n,).
        noise: Noise of one copy that the denoiser gets at each state, with shape (n,).
        y: The copies, with shape (n, B, k, 2), float32.
        x_hat: The posterior mean at each state, with shape (n, B, 2), float32.
        total: Number of steps of the whole job.
    """

    steps: NDArray[np.int64]
    level: NDArray[np.int64]
    sigma: NDArray[np.float64]
    noise: NDArray[np.float64]
    y: NDArray[np.float32]
    x_hat: NDArray[np.float32]
    total: int


@dataclass(frozen=True, eq=False)
class ChainMoves(Event):
    """How the copies of one chain in the plane move in successive steps, split into drift and noise.

    Attributes:
        steps: Number of the step before each move, int64, with shape (n,).
        y: The copies before each move, with shape (n, k, 2), float32.
        drift: What each copy moves without noise, with shape (n, k, 2), float32.
        noise: What noise adds, with shape (n, k, 2): to the next state, or to the proposal where a test rejects it;
            NaN where that is not known, in the warm-up.
        accepted: Whether the test of each proposal accepts it, with shape (n,); true for samplers without a test.
    """

    steps: NDArray[np.int64]
    y: NDArray[np.float32]
    drift: NDArray[np.float32]
    noise: NDArray[np.float32]
    accepted: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TwinSegment(Event):
    """Kept states of the one-sample twins of chains in the plane: those whose steps a `ChainSegment` keeps.

    Attributes:
        steps: Step numbers of the kept states, int64, with shape (n,).
        path: The twins, with shape (n, B, 2), float32.
        distance: Largest distance between the ȳ of a chain and its twin up to each state, with shape (n,).
    """

    steps: NDArray[np.int64]
    path: NDArray[np.float32]
    distance: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Split(Event):
    """Chains of k copies split into ȳ and residuals y_i − ȳ, over the second half of the last level.

    Attributes:
        lags: Numbers of steps, from 0, int64, with shape (n,).
        residuals: Autocorrelation of the residuals at each lag, with shape (n,).
        expected: The same by theory, (1 − r)^lag for Langevin steps; NaN for samplers without such a law.
        means: Autocorrelation of ȳ about its mean over all chains.
        thermometer: Variance of the residuals over σ²(1 − 1/k).
        predicted: The same by theory after many steps, 1/(1 − r/2) for Langevin steps.
    """

    lags: NDArray[np.int64]
    residuals: NDArray[np.float64]
    expected: NDArray[np.float64]
    means: NDArray[np.float64]
    thermometer: float
    predicted: float


@dataclass(frozen=True, eq=False)
class ImageFrame(Event):
    """The present state of all chains of images.

    Attributes:
        step: Steps done.
        total: Steps in all.
        level: Index of the noise level, from 0.
        sigma: Noise of one copy by the ladder.
        x_hat: x̂ of every chain, with shape (N, C, H, W), float32, in data units.
        y: The first copy of every chain, with shape (N, C, H, W), float32.
    """

    keep: ClassVar[str] = "latest"
    step: int
    total: int
    level: int
    sigma: float
    x_hat: NDArray[np.float32]
    y: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FilmFrame(Event):
    """A kept state of chains of images, for the film; a job keeps its first and last ones.

    The number and size of all frames of a job are bounded: of many chains only the first ones keep all their copies,
    and of long walks only evenly spaced states are kept.

    Attributes:
        step: Steps done.
        level: Index of the noise level, from 0.
        sigma: Noise of one copy by the ladder.
        x_hat: x̂ of every chain as 8-bit values, with shape (N, C, H, W), uint8.
        y: The first copy of every chain as 8-bit values, with shape (N, C, H, W), uint8.
        copies: All copies of the first M chains, with shape (M, k, C, H, W), float32, exact to the bit.
        streams: Positions of the random streams of these chains, with shape (M, 3), int64: number of the stream,
            counts of normal and uniform draws; a number of −1 cannot be continued.
        carried: Other state of the dynamics, such as velocities, each with the shape of `copies`; empty for dynamics
            without any.
    """

    step: int
    level: int
    sigma: float
    x_hat: NDArray[np.uint8]
    y: NDArray[np.uint8]
    copies: NDArray[np.float32]
    streams: NDArray[np.int64]
    carried: tuple[NDArray[np.float32], ...] = ()


@dataclass(frozen=True, eq=False)
class ScoreErrors:
    """Errors of the learned score where the chains were, level by level.

    An error is √(mean ‖s − s*‖²/mean ‖s*‖²) over states of the chains: 0 for the exact score s* of ȳ, 1 for none.

    Attributes:
        sigma_eff: Noise σ/√k of ȳ at each measured level, with shape (n,).
        level: Their numbers from 0, int64, with shape (n,).
        error: Errors over all states of the level, with shape (n,); NaN without a living chain.
        share: Share of the states in each of `msd_engine.events.scores.fields.REGIONS`, for data with the noise of the
            level, with shape (n, 3).
        by_region: Errors in each region, with shape (n, 3); NaN without a state.
        trained: Least and largest σ_eff of nineteen in twenty noises of the training.
    """

    sigma_eff: NDArray[np.float64]
    level: NDArray[np.int64]
    error: NDArray[np.float64]
    share: NDArray[np.float64]
    by_region: NDArray[np.float64]
    trained: tuple[float, float]

    @property
    def worst(self) -> int | None:
        """Place of the level with the largest error; None without a measured one."""
        return int(np.nanargmax(self.error)) if np.isfinite(self.error).any() else None


@dataclass(frozen=True, eq=False)
class ChainReport(Event):
    """Figures of the chains in the plane at their end, or before it with NaN for theory.

    Attributes:
        step: Steps done.
        mode_weights: Mean probability of each mode given ȳ and its noise, with shape (J,); for exact draws its weight.
            J is 0 for data without modes.
        true_weights: Weights of the mixture, with shape (J,).
        within_std: Standard deviation of the last x̂ (or ȳ) about its mode, pooled over modes and coordinates, in the
            coordinates in which the noise is white.
        predicted_std: The same by theory for these steps, ladder and start with the exact score; NaN without a theory,
            infinite past the wall.
        residual_inflation: Variance of y_i − ȳ in the present state over its value for exact sampling, σ²(1 − 1/k);
            NaN for k = 1.
        predicted_inflation: The same by the recursion of the sampler, NaN or infinite as `predicted_std`; for settled
            Langevin dynamics 1/(1 − r/2).
        r_hat: Split R̂ of ȳ over the kept states of the second half of the last level, with shape (d,); NaN for too few.
        ess: Effective sample size of the mean of ȳ over the same states of all chains, with shape (d,); NaN likewise.
        alive: Share of the chains whose state is finite and not beyond 1e6 data units.
        stayed: Share of the living chains whose most likely mode at the end is that in the middle of the last level;
            NaN before the end.
        off: Share of all chains that are alive but whose sample lies outside of the 99.5 % ellipse of every mode; NaN
            before the end.
        distance: Sliced Wasserstein distance of the samples to the data, where the noise is white, for data without
            modes; NaN before the end.
        exact_distance: What this distance stays below in 19 of 20 samplings by as many exact draws with the same last
            noise and jump; NaN likewise.
        acceptance: Share of the proposals at the present level that were accepted, without its warm-up; NaN for
            samplers without proposals, and in the warm-up.
        step_ratio: Median over the chains of their adapted r = ε/σ²; NaN likewise.
        exact_weight_error: What the largest error of `mode_weights` stays at or below in 19 of 20 samplings by as many
            exact draws; NaN before the end and for data without modes.
        score_errors: Errors of the learned score where the chains were; None before the end, for the exact score, with
            guidance, for copies that move in turn, for branches, and outside the plane.
    """

    keep: ClassVar[str] = "latest"
    step: int
    mode_weights: NDArray[np.float64]
    true_weights: NDArray[np.float64]
    within_std: float
    predicted_std: float
    residual_inflation: float
    predicted_inflation: float
    r_hat: NDArray[np.float64]
    ess: NDArray[np.float64]
    alive: float
    stayed: float = math.nan
    off: float = math.nan
    distance: float = math.nan
    exact_distance: float = math.nan
    acceptance: float = math.nan
    step_ratio: float = math.nan
    exact_weight_error: float = math.nan
    score_errors: ScoreErrors | None = None


@dataclass(frozen=True, eq=False)
class Samples(Event):
    """The final states of all chains.

    Attributes:
        x_hat: The samples, x̂ with shape (N, *event), float32, in data units.
        y: All copies of the last state, with shape (N, k, *event), float32.
        seed: Seed of the chains.
        spec_json: The spec as JSON.
    """

    x_hat: NDArray[np.float32]
    y: NDArray[np.float32]
    seed: int
    spec_json: str


@dataclass(frozen=True, eq=False)
class FieldFrame(Event):
    """Density and scores in the plane at one noise, on a grid.

    Attributes:
        sigma: Noise of one copy.
        bounds: (x_min, x_max, y_min, y_max) in data units.
        log_density: log p_{σ_eff} on a grid, with shape (rows, columns), row 0 at y_min.
        points: Positions of the scores, with shape (m, 2).
        exact_score: ∇ log p_{σ_eff} of ȳ at the points, with shape (m, 2).
        trained_score: Estimate of a trained denoiser at the same points, with shape (m, 2), or None.
        data: Draws from the data distribution, with shape (n, 2).
        means: Means of the modes, with shape (J, 2).
    """

    keep: ClassVar[str] = "latest"
    sigma: float
    bounds: tuple[float, float, float, float]
    log_density: NDArray[np.float32]
    points: NDArray[np.float32]
    exact_score: NDArray[np.float32]
    trained_score: NDArray[np.float32] | None
    data: NDArray[np.float32]
    means: NDArray[np.float32]
