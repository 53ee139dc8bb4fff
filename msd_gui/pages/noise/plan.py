"""The comparison of white and coloured noise that the settings of the noise page ask for."""

from __future__ import annotations

import shlex

from msd_engine.specs import ExperimentSpec, load_preset
from msd_engine.specs.reproduction import NOISE_SEEDS, NoisesSpec
from msd_engine.specs.tables.noise import COVARIANCES

PRESETS = ("noise-digits", "noise-mnist", "noise-cifar10", "paper-noise")
_OF_SET = {
    "digits": "noise-digits",
    "mnist": "noise-mnist",
    "fashion-mnist": "noise-mnist",
    "cifar-10": "noise-cifar10",
}
_REPRODUCED = {"mnist": "noise-mnist", "cifar-10": "noise-cifar10"}
# Seconds of sampling over those of training.
_SAMPLING = 0.5


def why_not(spec: ExperimentSpec) -> str:
    """Return why no comparison can begin; empty if it can."""
    if spec.data.name not in _OF_SET:
        return "Choose digits, MNIST, Fashion-MNIST or CIFAR-10: samples of other data have no judge here."
    if spec.noise.covariance == "isotropic":
        return f"Choose noise that is not white, such as {COVARIANCES['power-law'].title.lower()}."
    return ""


def plan_of(spec: ExperimentSpec) -> NoisesSpec:
    """Return the comparison: the settings of the page if they can draw, else those of the preset with this noise.

    Args:
        spec: Settings without an objection of `why_not`.

    Raises:
        SpecError: Settings do not go together.
    """
    base = spec
    if spec.sampling.source != "trained" or not spec.sampling.glides:
        base = load_preset(_OF_SET[spec.data.name]).replace_all({"data": spec.data, "training.k": spec.training.k})
        colour = {f"noise.{name}": getattr(spec.noise, name) for name in spec.noise.colour_fields}
        base = base.replace_all({"noise.process": spec.noise.process, **colour})
    seconds = base.training.seconds
    chains = 0 if seconds else base.sampling.chains
    fields = {"title": base.title, "base": base.model_dump(), "seeds": NOISE_SEEDS, "chains": chains}
    return NoisesSpec.from_fields(fields | {"training_s": seconds, "sampling_s": _SAMPLING * seconds})


def command_of(spec: ExperimentSpec) -> str:
    """Return the `msd` command with a comparison like that of the page; empty where there is none."""
    name = _REPRODUCED.get(spec.data.name)
    if name is None or why_not(spec):
        return ""
    words = ["msd", "reproduce", name, "--minutes", "15", "--out", name]
    for field in spec.noise.colour_fields:
        words += [f"--noise.{field}", f"{getattr(spec.noise, field)}"]
    return shlex.join(words)
