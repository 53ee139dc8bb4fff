"""Settings of the noise: forward process, covariance, and the law of σ in training.

σ is the noise of one copy over α, in the coordinates in which the noise is white (`msd_engine.noise.space`).
"""

from __future__ import annotations

from typing import Literal, Self

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
        title="Covariance of the noise",
        symbol="C",
        help=f"Covariance of the noise of one copy over its coordinates, tr C = d. {noise_help(COVARIANCES)}",
        formula="y = α x + σ C^½ n",
        choices={word: row.title for word, row in COVARIANCES.items()},
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
    def draws_sigma_eff(self) -> bool:
        """Whether the law draws σ_eff = σ/√k, so that σ grows with the number of copies."""
        return self.quantity == "sigma-eff" or (self.quantity == "auto" and self.law == "log-normal")
