"""Settings of the noise: forward process, covariance, and the law of σ in training.

σ is the noise of one copy over α, in the coordinates in which the noise is white (`msd_engine.noise.space`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Self

from pydantic import model_validator

from msd_engine.specs.base import Spec, param
from msd_engine.specs.tables.noise import COVARIANCES, PROCESSES, Covariance, Process, noise_help


class NoiseSpec(Spec):
    """The noise of one copy, and its law in training."""

    process: Process = param(
        "exploding",
        title="Forward process",
        help=f"Scale of data and noise as functions of the time t. {noise_help(PROCESSES)}",
        formula="y = α x + σ C^½ n",
        choices={word: row.title for word, row in PROCESSES.items()},
    )
    covariance: Covariance = param(
        "isotropic",
        title="Covariance",
        symbol="C",
        help=f"Covariance of the noise of one copy over its coordinates, tr C = d. {noise_help(COVARIANCES)}",
        formula="y = α x + σ C^½ n",
        choices={word: row.title for word, row in COVARIANCES.items()},
    )
    gamma: float = param(
        1.0,
        title="Exponent",
        symbol="γ",
        ge=-1.0,
        le=3.0,
        slider=(-1.0, 3.0),
        help="Power-law noise is white noise filtered by |κ|^(−γ), with its power |κ|^(−2γ): −1 blue, 0 white, "
        "1 the Gaussian free field. At κ = 0 the filter has its value at the smallest other |κ|.",
        formula="C^½ = F* |κ|^(−γ) F, scaled to variance 1 per pixel",
    )
    blur: float = param(
        1.0,
        title="Width of the blur",
        symbol="ℓ",
        unit="pixels",
        ge=0.0,
        le=16.0,
        slider=(0.0, 4.0),
        help="Standard deviation of the Gaussian that blurs the noise. No frequency gets less than 10⁻⁴ of the "
        "strongest power, so that whitening stays exact.",
        formula="C^½ = F* exp(−2π²ℓ²|κ|²) F, scaled to variance 1 per pixel",
    )
    elongation: float = param(
        3.0,
        title="Elongation",
        symbol="a",
        ge=1.0,
        le=20.0,
        slider=(1.0, 10.0),
        scale="log",
        help="Longer over shorter axis of the ellipse of the noise in the plane.",
        formula="C = R diag(a², 1) Rᵀ · 2/(a² + 1)",
    )
    angle: float = param(
        30.0,
        title="Angle",
        symbol="θ",
        unit="°",
        ge=0.0,
        le=180.0,
        slider=(0.0, 180.0),
        help="Angle of the longer axis of the ellipse with the first axis of the plane.",
        formula="C = R diag(a², 1) Rᵀ · 2/(a² + 1)",
    )

    law: Literal["log-normal", "uniform-t", "ladder"] = param(
        "log-normal",
        title="Noise law",
        help="Law of σ in training: log-normal in σ_eff, uniform in the time t of dx = sᵗ dw (as in the report), or "
        "a geometric ladder of noises with equal shares (as in NCSN).",
        choices={"uniform-t": "Uniform t"},
        formula="ln σ_eff ~ N(m, v²), or t ~ U(0, 1) and σ = std(t), or σ = σ_a (σ_b/σ_a)^(i/(n−1)), i = 0…n−1",
    )
    quantity: Literal["auto", "sigma", "sigma-eff"] = param(
        "auto",
        title="Variable of the law",
        help="Variable of the noise law: σ of one copy, σ_eff of the mean copy, or automatic: σ_eff for log-normal and "
        "for networks that serve every k, else σ. With σ of one copy a network serves the k of its training alone.",
        choices={"auto": "Automatic"},
        formula="σ_eff = σ/√k",
    )
    s: float = param(
        25.0,
        title="Base of the SDE",
        symbol="s",
        gt=1.0,
        le=1e4,
        slider=(2.0, 100.0),
        scale="log",
        help="Base s of the forward process dx = sᵗ dw, t in [0, 1]; used by the uniform law and by time features.",
        formula="std(t) = √((s²ᵗ − 1)/(2 ln s))",
    )
    log_mean: float = param(
        -0.6,
        title="Mean of ln σ_eff",
        symbol="m",
        ge=-10.0,
        le=10.0,
        slider=(-4.0, 4.0),
        help="Centre of the log-normal law of σ_eff = σ/√k.",
        formula="ln σ_eff ~ N(m, v²)",
    )
    log_std: float = param(
        1.2,
        title="Spread of ln σ_eff",
        symbol="v",
        gt=0.0,
        le=5.0,
        slider=(0.2, 3.0),
        help="Width of the log-normal law of σ_eff = σ/√k.",
        formula="ln σ_eff ~ N(m, v²)",
    )
    largest: float = param(
        20.0,
        title="Largest noise of training",
        symbol="σ_a",
        gt=0.0,
        le=1e4,
        slider=(0.1, 50.0),
        scale="log",
        help="Largest noise of the ladder of training.",
        formula="σ = σ_a (σ_b/σ_a)^(i/(n−1))",
    )
    smallest: float = param(
        1.0,
        title="Smallest noise of training",
        symbol="σ_b",
        gt=0.0,
        le=1e4,
        slider=(0.02, 10.0),
        scale="log",
        help="Smallest noise of the ladder of training.",
        formula="σ = σ_a (σ_b/σ_a)^(i/(n−1))",
    )
    noises: int = param(
        10,
        title="Noises of training",
        symbol="n",
        ge=1,
        le=10_000,
        slider=(1, 50),
        help="Number of noises of the ladder of training; 1 trains at the smallest noise alone.",
        formula="σ = σ_a (σ_b/σ_a)^(i/(n−1))",
    )

    @model_validator(mode="after")
    def _ladder_falls(self) -> Self:
        if self.law == "ladder" and self.largest < self.smallest:
            raise ValueError("noise.largest must not be below noise.smallest.")
        return self

    @property
    def absent(self) -> Mapping[str, str]:
        """The fields of other covariances."""
        own = COVARIANCES[self.covariance].own
        return {
            name: f"it belongs to noise.covariance {word!r}"
            for word, row in COVARIANCES.items()
            for name in row.own
            if name not in own
        }

    @property
    def colour_fields(self) -> tuple[str, ...]:
        """The fields that determine the covariance."""
        return "covariance", *COVARIANCES[self.covariance].own

    @property
    def colour(self) -> tuple[object, ...]:
        """Values of `colour_fields`: equal for equal C of equal data."""
        return tuple(getattr(self, name) for name in self.colour_fields)

    @property
    def draws_sigma_eff(self) -> bool:
        """Whether the law draws σ_eff = σ/√k, so that σ grows with the number of copies."""
        return self.quantity == "sigma-eff" or (self.quantity == "auto" and self.law == "log-normal")


COLOUR_FIELDS: Final = ("covariance", *(name for row in COVARIANCES.values() for name in row.own))
"""Fields that determine the covariance."""
