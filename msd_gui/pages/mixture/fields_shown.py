"""Which fields the mixture page has controls for."""

from __future__ import annotations

from msd_engine.specs.tables.samplers import OWN_FIELDS

GROUPS = [
    ("Target and copies", ["data.name", "data.count", "training.k"]),
    (
        "Sampler",
        [
            "sampling.sampler",
            *(f"sampling.{name}" for name in OWN_FIELDS if name != "conditioning"),
            "sampling.guidance",
        ],
    ),
    (
        "Ladder",
        [
            "sampling.method",
            "sampling.ladder",
            "sampling.rho",
            "sampling.sigma_1",
            "sampling.sigma_L",
            "sampling.levels",
            "sampling.steps_per_level",
            "sampling.conditioning",
        ],
    ),
    ("Noise", ["noise.covariance", "noise.elongation", "noise.angle", "noise.process"]),
    ("Chains", ["sampling.chains", "sampling.start", "sampling.start_width", "sampling.seed", "sampling.source"]),
    (
        "Training",
        [
            "training.form",
            "training.objective",
            "training.steps",
            "training.learning_rate",
            "training.batch",
            "training.averaging",
            "network.width",
            "network.depth",
            "network.fusion",
            "noise.law",
            "noise.log_mean",
            "noise.log_std",
            "noise.largest",
            "noise.smallest",
            "noise.noises",
            "training.seed",
        ],
    ),
]
