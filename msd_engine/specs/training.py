"""Settings of training: copies, objective, optimiser and budget."""

from __future__ import annotations

from typing import Literal

from msd_engine.specs.base import LARGEST_SEED, Spec, param
from msd_engine.specs.tables.forms import FORMS, Form, form_help
from msd_engine.specs.tables.objectives import OBJECTIVES, Objective, objective_help


class TrainingSpec(Spec):
    """Settings of the training of a k-sample denoiser."""

    k: int = param(
        8,
        title="Copies",
        symbol="k",
        ge=1,
        le=64,
        slider=(1, 16),
        help="Number of independent noisy copies y₁…y_k of one datum that the denoiser takes. Networks that serve "
        "every k (see the fusion of copies) take any number when they sample.",
        formula="σ_eff = σ/√k",
    )
    form: Form = param(
        "preconditioned",
        title="Parametrisation",
        help=form_help(),
        formula="x̂ = c_skip ȳ + c_out F(c_in y₁…y_k, c_noise), or x̂ = F(y₁…y_k, t), or x̂ = ȳ + σ_eff² s",
        choices={form: row.title for form, row in FORMS.items()},
    )
    objective: Objective = param(
        "mse",
        title="Objective",
        help=f"What training minimises; s is the score of ȳ, with x̂ = ȳ + σ_eff² s. {objective_help()}",
        choices={objective: row.title for objective, row in OBJECTIVES.items()},
    )
    batch: int = param(
        128, title="Batch", unit="data", ge=1, le=65_536, slider=(16, 1024), scale="log", help="Data in one step."
    )
    learning_rate: float = param(
        2e-3,
        title="Learning rate",
        gt=0.0,
        le=1.0,
        slider=(1e-5, 1e-1),
        scale="log",
        help="Largest step size of the Adam optimiser.",
    )
    optimiser: Literal["adam", "muon"] = param(
        "adam",
        title="Optimiser",
        help="Adam for all weights, as in the report; or Muon for weights between features and Adam for the rest: "
        "slower steps that each learn more.",
        formula="Muon: W ← W − η √max(1, rows/columns) U Vᵀ, where U S Vᵀ is the momentum",
    )
    muon_rate: float = param(
        0.02,
        title="Muon learning rate",
        symbol="η",
        gt=0.0,
        le=1.0,
        slider=(1e-3, 0.2),
        scale="log",
        help="Largest step size of Muon; it follows the same schedule.",
    )
    schedule: Literal["constant", "cosine", "cooldown"] = param(
        "cosine",
        title="Learning-rate schedule",
        help="Keep the learning rate, or lower it to zero: along a cosine over the budget, or linearly over its last "
        "part. All schedules warm up first.",
    )
    cooldown: float = param(
        0.6,
        title="Cooldown",
        unit="of budget",
        gt=0.0,
        le=1.0,
        slider=(0.1, 1.0),
        help="Last share of the budget, in which the schedule “cooldown” lowers the learning rate.",
        formula="rate × min(1, (1 − spent)/cooldown)",
    )
    steps: int = param(
        2000,
        title="Steps",
        unit="steps",
        ge=1,
        le=100_000_000,
        slider=(100, 100_000),
        scale="log",
        help="Training ends after this many steps.",
    )
    seconds: float = param(
        0.0,
        title="Time budget",
        unit="s",
        ge=0.0,
        le=1e7,
        slider=(0.0, 600.0),
        help="Training also ends after this many seconds; 0: no limit. Only runs without it are exactly reproducible.",
    )
    averaging: float = param(
        0.999,
        title="Weight averaging",
        ge=0.0,
        lt=1.0,
        slider=(0.9, 0.9999),
        help="Decay of the running mean of the weights, which sampling uses; 0 switches it off.",
        formula="w̄ ← a w̄ + (1 − a) w",
    )
    clip_norm: float = param(
        1.0,
        title="Gradient clip",
        ge=0.0,
        le=1e6,
        slider=(0.0, 10.0),
        help="Largest norm of the gradient; larger gradients are scaled down. 0 switches it off.",
    )
    flips: bool = param(
        False,
        title="Mirror images",
        help="Mirror each training image left to right with probability ½. Right for photographs, wrong for digits.",
    )
    precision: Literal["auto", "float32", "bfloat16"] = param(
        "auto",
        title="Precision",
        help="Number format of the network's arithmetic; automatic measures at the start which is faster on this "
        "machine. Choose one of them for an exactly reproducible run.",
        choices={"auto": "Automatic", "float32": "float32", "bfloat16": "bfloat16"},
    )
    evaluate_every: int = param(
        100,
        title="Evaluate every",
        unit="steps",
        ge=1,
        le=1_000_000,
        slider=(10, 1000),
        scale="log",
        help="Steps between two measurements of the held-out loss.",
    )
    seed: int = param(0, title="Training seed", ge=0, le=LARGEST_SEED, help="Seed of weights, data order and noise.")
