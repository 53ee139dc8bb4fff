"""Which fields each page has controls for, and what stands beside the sliders of the ladder and the step."""

from __future__ import annotations

from msd_engine.specs import ExperimentSpec
from msd_gui.pages.ladder_figures import near_wall
from msd_gui.pages.readings import number
from msd_gui.views.base.rich import SIGMA_EFF
from msd_gui.widgets.controls.spec_form import SpecForm

MIXTURE_GROUPS = [
    ("Target and copies", ["data.name", "training.k"]),
    ("Sampler", ["sampling.sampler", "sampling.epsilon", "sampling.friction", "sampling.guidance"]),
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
        ],
    ),
    ("Chains", ["sampling.chains", "sampling.start", "sampling.start_width", "sampling.seed", "sampling.source"]),
    (
        "Training",
        [
            "training.form",
            "training.steps",
            "training.learning_rate",
            "training.batch",
            "training.averaging",
            "network.width",
            "network.depth",
            "noise.log_mean",
            "noise.log_std",
            "training.seed",
        ],
    ),
]
IMAGES_GROUPS = [
    ("Data and copies", ["data.name", "data.split", "training.k"]),
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
            "sampling.epsilon",
            "sampling.friction",
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
        ],
    ),
    (
        "More of training",
        [
            "noise.law",
            "noise.log_mean",
            "noise.log_std",
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
DENOISE_GROUPS = [
    (
        "Picture and copies",
        ["data.name", "denoise.sigma", "training.k", "denoise.seed", "denoise.index", "sampling.source"],
    ),
    ("Copies test", ["denoise.change", "denoise.copy_index", "denoise.other"]),
    ("Chains", ["sampling.chains", "sampling.seed", "denoise.second_seed"]),
    (
        "Sampler and ladder",
        [
            "sampling.sampler",
            "sampling.epsilon",
            "sampling.friction",
            "sampling.guidance",
            "sampling.exact_above",
            "sampling.ladder",
            "sampling.rho",
            "sampling.sigma_1",
            "sampling.sigma_L",
            "sampling.levels",
            "sampling.steps_per_level",
        ],
    ),
    ("Painting anew", ["denoise.painting"]),
]


def show_step(form: SpecForm, spec: ExperimentSpec) -> None:
    """Show the ratio r = ε/σ² beside the step size, and the wall r = 2 on its slider where the sampler has one.

    Args:
        form: With a slider of the step size.
        spec: The experiment.
    """
    asked, epsilon = spec.sampling, form.slider("sampling.epsilon")
    ratio = asked.step_ratio
    severity = "" if not near_wall(asked) else "error" if ratio >= 2 else "warning"
    epsilon.set_marker(2 * asked.sigma_L**2 if asked.has_wall else None, "r = 2")
    if not asked.has_step:
        epsilon.set_trailing("")
    elif asked.has_wall:
        epsilon.set_trailing(f"r = ε/σ² = {number(ratio)}", severity)
    else:
        epsilon.set_trailing(f"η = ε/σ² = {number(ratio)}")


def show_sigma_eff(form: SpecForm, spec: ExperimentSpec) -> None:
    """Show the noise of ȳ beside the noises of one copy.

    Args:
        form: With sliders of the first and the last noise.
        spec: The experiment.
    """
    root_k = spec.training.k**0.5
    for path in ("sampling.sigma_1", "sampling.sigma_L"):
        form.slider(path).set_trailing(f"{SIGMA_EFF} = {number(spec.get(path) / root_k)}")
    asked, path = spec.sampling, "sampling.exact_above"
    if path in form.paths():
        form.slider(path).set_trailing("never" if asked.exact_above * root_k >= asked.sigma_1 else "")
