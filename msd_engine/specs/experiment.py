"""The one spec that goes down: everything about a job."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from msd_engine.specs.base import LARGEST_SEED, Spec, SpecError
from msd_engine.specs.data import DataSpec, ImagesSpec, MixtureSpec
from msd_engine.specs.denoise import DenoiseSpec
from msd_engine.specs.nets import MlpSpec, UNetSpec
from msd_engine.specs.noise import NoiseSpec
from msd_engine.specs.sampling import SamplingSpec
from msd_engine.specs.training import TrainingSpec

GENERATOR = "philox4x32-10"
"""What draws the random numbers of chains and trainings: by another generator the same seed gives other ones."""

JobName = Literal["train", "sample", "denoise", "inpaint", "interpolate"]
JOBS: tuple[JobName, ...] = get_args(JobName)
"""What can be done with a spec."""

# The format that gave the step ε at σ_L in the place of r = ε/σ_L², and the range that it gave ε.
_WITH_STEP_SIZE = "msd-experiment-1"
_LARGEST_STEP_SIZE = 1e6


class ExperimentSpec(Spec):
    """Data, noise, network, training and sampling of one experiment.

    As JSON it names the generator of the program that wrote it, and at need a job, which are no settings: see
    `generator_of` and `job_of`.

    Training reads all parts but `sampling` and `denoise`; sampling reads `data`, `sampling`, and `training.k`, the
    number of copies; work by hand reads `denoise` too.
    """

    notes: ClassVar = ("generator", "job")
    older: ClassVar = (_WITH_STEP_SIZE,)

    format: Literal["msd-experiment-2"] = "msd-experiment-2"
    title: str = Field("", max_length=200)
    data: DataSpec = MixtureSpec()
    noise: NoiseSpec = NoiseSpec()
    network: Annotated[MlpSpec | UNetSpec, Field(discriminator="kind")] = MlpSpec()
    training: TrainingSpec = TrainingSpec()
    sampling: SamplingSpec = SamplingSpec()
    denoise: DenoiseSpec = DenoiseSpec()

    @classmethod
    def present(cls, document: dict[str, Any]) -> dict[str, Any]:
        """Return a document with ε in the place of r as one with r; others as they are."""
        document = super().present(document)
        return _with_step_ratio(document) if document.get("format") == _WITH_STEP_SIZE else document

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if isinstance(self.data, ImagesSpec):
            if not isinstance(self.network, UNetSpec):
                raise ValueError("network.kind must be 'unet' where data.kind is 'images'.")
        elif not isinstance(self.network, MlpSpec):
            raise ValueError("network.kind must be 'mlp' where data.kind is 'mixture'.")
        return self

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the spec as JSON text that `from_json` reads back unchanged, with the generator of this program."""
        fields = self.model_dump(mode="json")
        fields = {"format": fields.pop("format"), "generator": GENERATOR} | fields
        separators = None if indent else (",", ":")
        return json.dumps(fields, indent=indent, separators=separators, ensure_ascii=False)

    def sigma_eff(self, sigma: float) -> float:
        """Return the noise of ȳ, σ/√k, where each copy has the noise σ."""
        return sigma / math.sqrt(self.training.k)

    def sigma_of_copy(self, sigma_eff: float) -> float:
        """Return the noise σ of each copy where ȳ has the noise σ_eff: the inverse of `sigma_eff`."""
        return sigma_eff * math.sqrt(self.training.k)

    def with_next_seed(self) -> Self:
        """Return the experiment with other chains."""
        return self.replace("sampling.seed", (self.sampling.seed + 1) % (LARGEST_SEED + 1))


def step_ratio_of(epsilon: Any, sigma_L: float) -> float:
    """Return the step ratio r = ε/σ_L² of a step size at the last level.

    Args:
        epsilon: The step size ε, as a person or an older file gives it.
        sigma_L: The last noise, positive.

    Raises:
        SpecError: ε is no number in its range, or σ_L² is so small that there is no r.
    """
    path, shown = (
        "sampling.epsilon",
        repr(epsilon) if isinstance(epsilon, str | int | float) else type(epsilon).__name__,
    )
    number = not isinstance(epsilon, bool) and isinstance(epsilon, int | float)
    if not number or not 0 < epsilon <= _LARGEST_STEP_SIZE:
        text = f"{path} must be a number above 0, at most {_LARGEST_STEP_SIZE:g}, but is {shown[:80]}."
        raise SpecError(path, text)
    if not (sigma_L**2):
        raise SpecError(path, f"{path} has no ratio to the square of sampling.sigma_L, which is {sigma_L:g}.")
    ratio: float = epsilon / sigma_L**2
    return ratio


def _with_step_ratio(fields: dict[str, Any]) -> dict[str, Any]:
    """Change a document of the format with ε into one with r."""
    sampling = fields.get("sampling", {})
    if isinstance(sampling, dict) and "step_ratio" not in sampling:
        sampling = dict(sampling)
        epsilon, sigma_L = sampling.pop("epsilon", 0.1), sampling.get("sigma_L", 1.0)
        # Any other σ_L is refused in its own name.
        if isinstance(sigma_L, int | float) and 0 < sigma_L < 1e100:
            sampling["step_ratio"] = step_ratio_of(epsilon, sigma_L)
    return fields | {"format": "msd-experiment-2", "sampling": sampling}


def generator_of(text: str | bytes) -> str:
    """Return the name of the generator that the program which wrote a spec drew with.

    Args:
        text: A spec as JSON, one that `ExperimentSpec.from_json` accepts.

    Returns:
        The name; empty where it was written before generators were named, or by a person.
    """
    return str(json.loads(text).get("generator", ""))


def for_job(spec_json: str, job: JobName) -> str:
    """Return a spec as JSON that says which job it is of, so that `msd run` does that."""
    return json.dumps({"job": job} | json.loads(spec_json), ensure_ascii=False)


def job_of(text: str | bytes) -> JobName | None:
    """Return the job that a spec says it is of.

    Args:
        text: A spec as JSON, one that `ExperimentSpec.from_json` accepts.

    Returns:
        The job; None where none that this program knows is named.
    """
    named = json.loads(text).get("job")
    return next((job for job in JOBS if job == named), None)


# Chains that keep a part of a picture need several steps at each noise. Where the noise falls at each step (a flow,
# consistent sampling) the new part cannot settle to the part that is kept, which is put back with fresh noise after
# each step: what RePaint (arXiv:2201.09865, §4.2) calls a lack of harmony.
_STEPS = 4
# Guidance acts at every step: what is right for a flow, which passes each noise once, exaggerates here.
_MOST_GUIDANCE = 1.3
_RATIO = 0.6
_FRICTION = 100.0


def for_painting(spec: ExperimentSpec, keep: Collection[str] = ()) -> ExperimentSpec:
    """Let chains settle at each noise, with about as many evaluations, where they would glide past it.

    Args:
        spec: The experiment; nothing is changed where its `denoise.painting` asks for the sampler itself.
        keep: Dotted paths of fields that somebody has chosen; with the sampler among them nothing is changed.

    Returns:
        The spec with underdamped dynamics of high friction in the place of a gliding sampler; else the spec itself.
    """
    sampling = spec.sampling
    if not sampling.glides or spec.denoise.painting == "same" or "sampling.sampler" in keep:
        return spec
    fields: dict[str, Any] = {
        "sampling.sampler": "underdamped",
        "sampling.friction": _FRICTION,
        "sampling.step_ratio": _RATIO,
        "sampling.levels": max(2, sampling.evaluations // _STEPS),
        "sampling.steps_per_level": _STEPS,
        "sampling.guidance": min(sampling.guidance, _MOST_GUIDANCE),
    }
    return spec.replace_all({path: value for path, value in fields.items() if path not in keep})
