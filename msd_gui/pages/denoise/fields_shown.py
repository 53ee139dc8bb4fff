"""Fields with controls on the denoise page."""

from __future__ import annotations

from msd_engine.specs.tables.samplers import OWN_FIELDS

GROUPS = [
    (
        "Picture and copies",
        ["data.name", "denoise.sigma", "training.k", "denoise.seed", "denoise.index", "sampling.source"],
    ),
    ("Noise", ["noise.covariance", "noise.gamma", "noise.blur"]),
    ("Copies test", ["denoise.change", "denoise.copy_index", "denoise.other"]),
    ("Chains", ["sampling.chains", "sampling.seed", "denoise.second_seed"]),
    (
        "Sampler and ladder",
        [
            "sampling.sampler",
            *(f"sampling.{name}" for name in OWN_FIELDS if name != "conditioning"),
            "sampling.guidance",
            "sampling.exact_above",
            "sampling.ladder",
            "sampling.rho",
            "sampling.sigma_1",
            "sampling.sigma_L",
            "sampling.levels",
            "sampling.steps_per_level",
            "sampling.conditioning",
        ],
    ),
    ("Inpainting", ["denoise.painting"]),
]
