"""The experiments of the seed report as comparisons, in full or within a budget.

The report (theory §2): U-net of width 64, batch 256, learning rate 3e-3, s = 25, 100 epochs for each k in
{1, 2, 4, 8, 16}, 10 Langevin steps at each level; its claim is that the denoising error falls with k (Table 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from msd_engine.specs.base import Spec, SpecError
from msd_engine.specs.experiment import ExperimentSpec
from msd_engine.specs.models import load_preset
from msd_engine.specs.sweep import SweepSpec

Reported = Literal["report-mnist", "report-cifar10"]

_IMAGES = {"mnist": 60_000, "cifar-10": 50_000}
_EPOCHS = 100
# Share of a time budget for training; the rest is for sampling and measuring.
_TRAINING_SHARE = 0.8
_OVERHEAD_S = 6.0
_CURVE_POINTS = 40
# Seconds per run below which the network is narrower and the batches smaller, so that it makes enough steps.
_NARROW = ((60.0, 16, 64), (600.0, 32, 64))
_MOST_STEPS = 100_000_000
# Below this time, samples are judged only by a judge that already exists.
_JUDGED_MINUTES = 10.0


@dataclass(frozen=True)
class Reproduction:
    """A planned reproduction.

    Attributes:
        spec: The comparison.
        whole: The comparison at full size, as in the report.
        budget: One sentence on the budget.
        judges: Whether to make a missing judge of the samples, which takes minutes.
    """

    spec: SweepSpec
    whole: SweepSpec
    budget: str
    judges: bool = True


def reproduction(name: Reported, *, scale: float = 1.0, minutes: float = 0.0, **lists: Any) -> Reproduction:
    """Plan a reproduction.

    Args:
        name: Experiment of the report.
        scale: Fraction of the report's epochs, above 0.
        minutes: Total time, instead of a fraction; 0 sets none.
        lists: `ks`, `seeds` and `modes` of the comparison; by default the report's k, one seed and both modes.

    Raises:
        SpecError: The scale or the minutes are out of range.
    """
    _check_budget(scale, minutes)
    base = load_preset("report-mnist")
    if name == "report-cifar10":
        base = base.replace_all({"title": "CIFAR-10 with the settings of the report", "data.name": "cifar-10"})
    full_steps = round(_EPOCHS * _IMAGES[base.data.name] / base.training.batch)
    base = base.replace("training.steps", full_steps)
    whole = SweepSpec.from_fields({"title": base.title, "base": base.model_dump(), "seeds": (0,), **lists})
    if minutes:
        fields, budget = _within(minutes, len(whole.children()))
    else:
        steps = max(1, round(full_steps * scale))
        fields = {"training.steps": steps, "training.evaluate_every": max(1, steps // _CURVE_POINTS)}
        budget = (
            f"{scale:g} of the report's {_EPOCHS} epochs for each k: {steps:,} steps of {base.training.batch} images."
        )
    judges = not 0.0 < minutes < _JUDGED_MINUTES
    return Reproduction(whole.replace("base", base.replace_all(fields)), whole, budget, judges)


def _check_budget(scale: float, minutes: float) -> None:
    if not (0.0 < scale <= 1000.0):
        raise SpecError("scale", f"scale must be more than 0 and at most 1000, but is {scale:g}.")
    if not (0.0 <= minutes <= 1e5):
        raise SpecError("minutes", f"minutes must be 0 to 100000, but is {minutes:g}.")


def _within(minutes: float, runs: int) -> tuple[dict[str, Any], str]:
    seconds = max(1.0, minutes * 60.0 * _TRAINING_SHARE / runs - _OVERHEAD_S)
    fields: dict[str, Any] = {"training.seconds": round(seconds, 1), "training.steps": _MOST_STEPS}
    fields["training.evaluate_every"] = 20
    sentence = f"{minutes:g} minutes for everything: {seconds:.0f} s of training for each of {runs} runs."
    for limit, width, batch in _NARROW:
        if seconds < limit:
            fields |= {"network.width": width, "training.batch": batch}
            sentence += f" To fit, the network is narrower (width {width}) and the batch smaller ({batch})."
            break
    return fields, sentence


Noise = Literal["white", "coloured"]

NoiseReported = Literal["noise-mnist", "noise-cifar10"]

PUBLISHED: dict[int, tuple[float, float]] = {
    1000: (6.05, 6.95),
    100: (12.25, 12.68),
    50: (16.61, 16.91),
    20: (26.35, 30.41),
    10: (44.95, 60.32),
}
"""FID on CIFAR-10 of DDPM and of NI-DDPM by steps, of the paper on non-isotropic noise."""

NOISE_SEEDS = (0, 1, 2)
_PAPER_SAMPLES = 50_000
# Shares of a time budget for trainings, which are shortened in favour of samples, and for samples; features of real
# images and the page take the rest.
_NOISE_TRAINING_SHARE, _SAMPLING_SHARE = 0.45, 0.45


class NoisesSpec(Spec):
    """A comparison of white and coloured noise: the same network, seeds and order of the data, one training for each.

    Attributes:
        title: Display title.
        base: The experiment with coloured noise.
        seeds: Seeds of training and chains.
        steps: Numbers of evaluations of a chain, without repeats.
        chains: Samples of each noise, seed and number of steps; 0 for as many as the seconds allow.
        training_s: Most seconds for each training; 0 takes the steps of `base`.
        sampling_s: Seconds for the samples of each training.
    """

    format: Literal["msd-noises-1"] = "msd-noises-1"
    title: str = Field("", max_length=200)
    base: ExperimentSpec
    seeds: tuple[int, ...] = Field(NOISE_SEEDS, min_length=1, max_length=32)
    steps: tuple[int, ...] = Field(tuple(PUBLISHED), min_length=1, max_length=16)
    chains: int = Field(0, ge=0, le=100_000)
    training_s: float = Field(0.0, ge=0.0)
    sampling_s: float = Field(0.0, ge=0.0)

    @model_validator(mode="after")
    def _can_compare(self) -> Self:
        base = self.base
        if base.data.kind != "images" or base.noise.covariance == "isotropic":
            raise ValueError("base must have images and a noise.covariance other than isotropic.")
        if base.sampling.source != "trained" or not base.sampling.glides:
            raise ValueError("base must have sampling.source trained and sampling.sampler ddim or ode.")
        if min(self.steps) < 2 or len({*self.steps}) < len(self.steps) or len({*self.seeds}) < len(self.seeds):
            raise ValueError("steps must be at least 2, and steps and seeds must not repeat.")
        if not self.chains and not self.sampling_s:
            raise ValueError("chains must be positive where sampling_s is 0.")
        return self

    @property
    def seconds(self) -> float:
        """Seconds for everything; 0 where steps or samples are given."""
        if self.chains or not (self.training_s and self.sampling_s):
            return 0.0
        return 2 * len(self.seeds) * (self.training_s + self.sampling_s) / (_NOISE_TRAINING_SHARE + _SAMPLING_SHARE)

    def experiment(self, noise: Noise, seed: int, steps: int = 0) -> ExperimentSpec:
        """Return the experiment of a training and, with a number of steps, of its chains."""
        spec = self.base.replace_all({"training.seed": seed, "sampling.seed": seed})
        if noise == "white":
            spec = spec.replace("noise.covariance", "isotropic")
        if self.chains:
            spec = spec.replace("sampling.chains", self.chains)
        return spec.replace_all({"sampling.levels": steps, "sampling.steps_per_level": 1}) if steps else spec


class NoisesFolder(Spec):
    """The plan in the folder of a comparison: as asked, and with what timing has settled since.

    Attributes:
        asked: As asked.
        settled: As settled.
        spent_s: Seconds spent.
    """

    format: Literal["msd-noises-folder-1"] = "msd-noises-folder-1"
    asked: NoisesSpec
    settled: NoisesSpec
    spent_s: float = Field(0.0, ge=0.0)


class NoiseCell(Spec):
    """Figures of the samples of one noise, seed and number of steps.

    Attributes:
        features: Features behind the figures.
        figures: The figures by name, such as ``frechet``.
        titles: Their titles by name.
    """

    format: Literal["msd-noise-cell-1"] = "msd-noise-cell-1"
    noise: Noise
    seed: int
    steps: int
    features: str
    figures: dict[str, float]
    titles: dict[str, str]


def noise_reproduction(
    name: NoiseReported, *, scale: float = 1.0, minutes: float = 0.0, seeds: tuple[int, ...] = NOISE_SEEDS
) -> tuple[NoisesSpec, str]:
    """Plan a comparison of white and coloured noise, and describe its budget in a sentence.

    Args:
        name: Its data.
        scale: Fraction of the paper's iterations and samples, above 0.
        minutes: Total time, with the small network of the preset, instead of a fraction; 0 sets none.
        seeds: The seeds.

    Raises:
        SpecError: The scale, the minutes or the seeds are out of range.
    """
    _check_budget(scale, minutes)
    base = load_preset(name)
    fields: dict[str, Any] = {"title": base.title, "seeds": seeds}
    if minutes:
        each = minutes * 60.0 / (2 * max(1, len(seeds)))
        training_s, sampling_s = round(each * _NOISE_TRAINING_SHARE, 1), round(each * _SAMPLING_SHARE, 1)
        fields |= {"base": base.model_dump(), "training_s": training_s, "sampling_s": sampling_s}
        runs = 2 * len(seeds)
        words = f"{minutes:g} minutes for everything, at most {training_s:g} s of training for each of {runs} runs."
        return NoisesSpec.from_fields(fields), words
    whole = load_preset("paper-noise").replace_all({"data.name": base.data.name, "title": base.title})
    if name == "noise-mnist":
        whole = whole.replace("training.flips", False)
    steps, chains = max(1, round(whole.training.steps * scale)), max(8, round(_PAPER_SAMPLES * scale))
    fields |= {"base": whole.replace("training.steps", steps).model_dump(), "chains": chains}
    words = f"{scale:g} of the paper's 300,000 iterations and 50,000 samples: {steps:,} and {chains:,}."
    return NoisesSpec.from_fields(fields), words
