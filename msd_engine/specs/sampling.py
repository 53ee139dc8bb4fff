"""What can be asked of sampling: the dynamics, the ladder of noise levels, the step and the chains."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from msd_engine.specs.base import Spec, param


class SamplingSpec(Spec):
    """How chained Langevin dynamics draws new data."""

    method: Literal["annealed", "fixed"] = param(
        "annealed",
        title="Dynamics",
        help="Annealed: down a geometric ladder from σ₁ to σ_L. Fixed: all steps at σ_L.",
        formula="y_i ← y_i + α (x̂ − y_i)/σ² + √(2α) z_i",
    )
    source: Literal["exact", "trained"] = param(
        "exact",
        title="Source of the score",
        help="Exact: the true posterior mean (mixtures). Trained: the denoiser learned by this run.",
    )
    sigma_1: float = param(
        20.0,
        title="First noise",
        symbol="σ₁",
        gt=0.0,
        le=1e4,
        slider=(0.1, 200.0),
        scale="log",
        help="Noise of one copy at the first level. σ₁/√k must swamp the spread of the data.",
        formula="σ_i = σ₁ (σ_L/σ₁)^((i−1)/(L−1))",
    )
    sigma_L: float = param(
        1.0,
        title="Last noise",
        symbol="σ_L",
        gt=0.0,
        le=1e4,
        slider=(0.001, 10.0),
        scale="log",
        help="Noise of one copy at the last level.",
        formula="σ_i = σ₁ (σ_L/σ₁)^((i−1)/(L−1))",
    )
    levels: int = param(
        10, title="Levels", symbol="L", ge=1, le=10_000, slider=(1, 250), scale="log", help="Number of noise levels."
    )
    steps_per_level: int = param(
        100,
        title="Steps per level",
        symbol="T",
        ge=1,
        le=1_000_000,
        slider=(1, 1000),
        scale="log",
        help="Langevin steps at each noise level; with fixed noise, the length of the chain.",
    )
    epsilon: float = param(
        0.1,
        title="Step size",
        symbol="ε",
        gt=0.0,
        le=1e6,
        slider=(1e-6, 10.0),
        scale="log",
        help="Langevin step at the last level; every level has the same ratio r = ε/σ_L². r ≥ 2 blows up.",
        formula="α_i = ε σ_i²/σ_L²,  r = ε/σ_L² < 2",
    )
    chains: int = param(
        100, title="Chains", symbol="N", ge=1, le=100_000, slider=(1, 1000), scale="log", help="Number of chains."
    )
    start: Literal["gaussian", "uniform"] = param(
        "gaussian",
        title="Start",
        help="Where chains begin: a Gaussian as wide as the data, or uniform in a box; each copy adds σ₁ noise.",
    )
    start_width: float = param(
        8.0,
        title="Half width of the start box",
        gt=0.0,
        le=1e4,
        slider=(0.5, 50.0),
        scale="log",
        help="A uniform start is drawn from [−w, w] in every coordinate.",
    )
    jump: bool = param(
        True,
        title="Last jump",
        help="Give x̂(y₁…y_k) as the sample; without it the mean copy ȳ, which still carries noise σ_L/√k.",
    )
    seed: int = param(
        0, title="Seed", ge=0, le=2**31 - 1, help="Seed of the chains; chain i is the same for any number of chains."
    )

    @model_validator(mode="after")
    def _ladder_descends(self) -> Self:
        if self.method == "annealed" and self.sigma_L > self.sigma_1:
            raise ValueError(
                f"sampling.sigma_L ({self.sigma_L:g}) must not exceed sampling.sigma_1 ({self.sigma_1:g})."
            )
        return self

    @property
    def step_ratio(self) -> float:
        """The dimensionless step r = ε/σ_L², the same at every level; the chain is stable for r < 2."""
        return self.epsilon / self.sigma_L**2

    @property
    def total_steps(self) -> int:
        """Number of Langevin steps of one chain."""
        return self.steps_per_level * (self.levels if self.method == "annealed" else 1)
