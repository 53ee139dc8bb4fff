"""Settings of sampling: dynamics, ladder of noise levels, step and chains."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import model_validator

from msd_engine.specs.base import param
from msd_engine.specs.tables.samplers import BEYOND_NETWORKS, WALL, ChosenSampler

StepRule = Literal["long-ladder", "ncsnv2"]
"""Rule of a proposed step: the limit of a long ladder, or each level from its exact noise (NCSNv2)."""


class SamplingSpec(ChosenSampler):
    """Settings of the chains that draw new data."""

    method: Literal["annealed", "fixed"] = param(
        "annealed",
        title="Dynamics",
        help="Annealed: down the ladder from σ₁ to σ_L. Fixed: all steps at σ_L.",
        choices={"fixed": "Fixed noise"},
    )
    ladder: Literal["geometric", "report", "quadratic", "karras", "as-trained"] = param(
        "geometric",
        title="Ladder",
        help="Spacing of the levels from σ₁ to σ_L. Geometric: equal ratios. Report: equal steps of the time t of the "
        "forward process. Quadratic: equal steps of √t. Karras: equal steps of σ^(1/ρ). As trained: half of the levels "
        "uniform in ln σ, half by the noise law F of training.",
        choices={"report": "Report (time)", "quadratic": "Quadratic (√t)", "karras": "Karras ρ"},
        formula="σ_i = σ₁ (σ_L/σ₁)^u;  σ(t)/α(t) at t₁ + u (t_L − t₁), or at (√t₁ + u (√t_L − √t₁))²;  "
        "(σ₁^(1/ρ) + u (σ_L^(1/ρ) − σ₁^(1/ρ)))^ρ;  "
        "ln(σ₁/σ_i)/ln(σ₁/σ_L) + (F(σ₁) − F(σ_i))/(F(σ₁) − F(σ_L)) = 2u;  "
        "u = (i−1)/(L−1)",
    )
    rho: float = param(
        7.0,
        title="Ladder exponent",
        symbol="ρ",
        ge=1.0,
        le=100.0,
        slider=(1.0, 20.0),
        help="Exponent of the Karras ladder: 1 gives equal steps of σ, larger values put more levels at small noise.",
        formula="σ_i = (σ₁^(1/ρ) + (i−1)/(L−1) (σ_L^(1/ρ) − σ₁^(1/ρ)))^ρ",
    )
    source: Literal["exact", "trained"] = param(
        "exact",
        title="Source of the score",
        help="Exact: the true posterior mean of the mixture or of the training images; needs no training. "
        "Trained: the denoiser that this run has learned.",
    )
    sigma_1: float = param(
        20.0,
        title="First noise",
        symbol="σ₁",
        gt=0.0,
        le=1e4,
        slider=(0.1, 200.0),
        scale="log",
        help="Noise of one copy at the first level. σ₁/√k must be much larger than the spread of the data, above all "
        "for a probability flow, which keeps the shape of its start.",
        formula="σ_eff = σ/√k",
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
        formula="σ_eff = σ/√k",
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
        help="Steps at each noise level; from one level to the next for samplers whose noise falls at every step "
        "(consistent and ode); the length of the chain with fixed noise.",
    )
    guidance: float = param(
        1.0,
        title="Guidance",
        symbol="w",
        ge=1.0,
        le=4.0,
        slider=(1.0, 3.0),
        help="Extrapolate from a network's earlier weights (x̂₀, after a tenth of the training) to its last ones (x̂₁). "
        "1: no guidance. Larger: sharper samples from a briefly trained network, exaggerated ones if too large. Costs "
        "a second evaluation at noises that training often draws.",
        formula="x̂ = x̂₀ + w (x̂₁ − x̂₀)",
    )
    exact_above: float = param(
        1e4,
        title="Exact above",
        symbol="σ_eff",
        gt=0.0,
        le=1e5,
        slider=(0.5, 50.0),
        scale="log",
        help="Above this noise σ/√k the exact posterior mean over the training images replaces a trained denoiser; a "
        "value above σ₁/√k switches it off. At large noise it errs less on new images than a network that seldom "
        "trains there; at small noise it only repeats the training images.",
        formula="x̂ = Σ_j ρ_j x_j  where σ/√k > σ_eff",
    )
    chains: int = param(
        100, title="Chains", symbol="N", ge=1, le=100_000, slider=(1, 1000), scale="log", help="Number of chains."
    )
    start: Literal["gaussian", "uniform"] = param(
        "gaussian",
        title="Start",
        help="Start of the chains: a Gaussian as wide as the data, or uniform in a box; each copy adds noise σ₁.",
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
        help="Use x̂(y₁…y_k) as the sample; otherwise the mean copy ȳ, which still has noise σ_L/√k.",
    )
    seed: int = param(
        0, title="Seed", ge=0, le=2**31 - 1, help="Seed of the chains; chain i does not depend on their number."
    )

    @model_validator(mode="after")
    def _ladder_descends(self) -> Self:
        if self.method == "annealed" and self.sigma_L > self.sigma_1:
            raise ValueError(
                f"sampling.sigma_L ({self.sigma_L:g}) must not exceed sampling.sigma_1 ({self.sigma_1:g})."
            )
        return self

    @model_validator(mode="after")
    def _sampler_fits(self) -> Self:
        if self.needs_ladder and self.method == "fixed":
            raise ValueError(f"sampling.method must be 'annealed' where sampling.sampler is {self.sampler!r}.")
        if self.glides and self.levels < 2:
            raise ValueError(f"sampling.levels must be at least 2 where sampling.sampler is {self.sampler!r}.")
        if self.needs_exact and self.source == "trained":
            why = BEYOND_NETWORKS[self.traits.needs]
            raise ValueError(f"sampling.source must be 'exact' where sampling.sampler is {self.sampler!r}: {why}.")
        return self

    @property
    def ends(self) -> tuple[float, float]:
        """Noise of one copy at the first and at the last level."""
        if self.noiseless:
            return 0.0, 0.0
        return self.sigma_1 if self.annealed else self.sigma_L, self.sigma_L

    @property
    def epsilon(self) -> float:
        """The step size at the last level, ε = r σ_L², or that of dynamics without noise."""
        return self.step_size if self.noiseless else self.step_ratio * self.sigma_L**2

    @property
    def noiseless(self) -> bool:
        """Whether chains move the datum itself, without noise, ladder and copies."""
        return self.traits.noiseless

    @property
    def annealed(self) -> bool:
        """Whether chains go down a ladder of noise levels."""
        return self.method == "annealed" and not self.noiseless

    @property
    def annealed_again(self) -> dict[str, Any]:
        """Changes of an experiment that anneal fixed dynamics, with as many steps in all.

        Chains without noise become those of Song and Ermon 2019 (arXiv:1907.05600, algorithm 1), whose denoiser gets
        the noise of the level.
        """
        other = {"sampling.sampler": "langevin", "sampling.conditioning": "scheduled"} if self.noiseless else {}
        return other | {
            "sampling.method": "annealed",
            "sampling.sigma_1": max(self.sigma_1, self.sigma_L),
            "sampling.steps_per_level": max(1, self.steps_per_level // self.levels),
        }

    @property
    def blows_up(self) -> bool:
        """Whether r is at or beyond the wall of the sampler, where chains diverge."""
        return self.has_wall and self.step_ratio >= WALL

    @property
    def glides(self) -> bool:
        """Whether the noise falls at every step instead of staying fixed within a level."""
        return self.traits.glides

    @property
    def needs_ladder(self) -> bool:
        """Whether the sampler works only down a ladder."""
        return self.traits.needs_ladder or self.glides

    @property
    def needs_exact(self) -> bool:
        """Whether the sampler needs an exact denoiser."""
        return self.traits.needs_exact

    @property
    def has_step(self) -> bool:
        """Whether the sampler has a step size."""
        return self.traits.has_step

    @property
    def has_wall(self) -> bool:
        """Whether chains diverge from some step ratio on."""
        return self.traits.has_wall

    @property
    def total_steps(self) -> int:
        """Number of steps of one chain."""
        levels = self.levels if self.annealed else 1
        return self.steps_per_level * (levels - self.glides)

    @property
    def evaluations(self) -> int:
        """Evaluations of x̂ for one chain: those of every step, and one for the last jump."""
        return self.total_steps * self.traits.evaluations + 1
