"""Fields with controls on the images page."""

from __future__ import annotations

from msd_engine.specs.tables.samplers import OWN_FIELDS

GROUPS = [
    ("Data and copies", ["data.name", "data.size", "data.channels", "data.held_out", "data.split", "training.k"]),
    (
        "Training",
        [
            "network.width",
            "training.form",
            "training.learning_rate",
            "training.batch",
            "training.seconds",
            "training.steps",
        ],
    ),
    (
        "Sampling",
        [
            "sampling.source",
            "sampling.sampler",
            *(f"sampling.{name}" for name in OWN_FIELDS if name != "conditioning"),
            "sampling.guidance",
            "sampling.exact_above",
            "sampling.chains",
            "sampling.seed",
        ],
    ),
    (
        "Ladder",
        [
            "sampling.ladder",
            "sampling.rho",
            "sampling.sigma_1",
            "sampling.sigma_L",
            "sampling.levels",
            "sampling.steps_per_level",
            "sampling.conditioning",
        ],
    ),
    ("Noise", ["noise.covariance", "noise.gamma", "noise.blur", "noise.process"]),
    (
        "More of training",
        [
            "training.objective",
            "noise.law",
            "noise.log_mean",
            "noise.log_std",
            "noise.largest",
            "noise.smallest",
            "noise.noises",
            "noise.s",
            "network.residual",
            "network.blocks",
            "network.attention",
            "network.fusion",
            "training.optimiser",
            "training.muon_rate",
            "training.schedule",
            "training.cooldown",
            "training.averaging",
            "training.flips",
            "training.clip_norm",
            "training.precision",
            "training.evaluate_every",
            "data.limit",
            "training.seed",
        ],
    ),
]
