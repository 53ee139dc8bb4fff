"""The settings of a whole experiment."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from msd_engine.specs.base import LARGEST_SEED, Spec, SpecError
from msd_engine.specs.branch import BranchSpec
from msd_engine.specs.data import DataSpec, ImagesSpec, MixtureSpec
from msd_engine.specs.denoise import DenoiseSpec
from msd_engine.specs.nets import MlpSpec, UNetSpec
from msd_engine.specs.noise import COLOUR_FIELDS, NoiseSpec
from msd_engine.specs.sampling import SamplingSpec
from msd_engine.specs.tables.forms import FORMS, FormRow
from msd_engine.specs.tables.noise import COVARIANCES
from msd_engine.specs.tables.objectives import OBJECTIVES, ObjectiveRow
from msd_engine.specs.training import TrainingSpec

GENERATOR = "philox4x32-10"
"""Random number generator of chains and trainings; with another generator the same seed gives other numbers."""

JobName = Literal["train", "sample", "denoise", "inpaint", "interpolate"]
JOBS: tuple[JobName, ...] = get_args(JobName)
"""Names of the jobs of a spec."""

BEGUN = "begun from training images"
"""Label of samples whose first steps are those of the exact posterior mean over the training images."""

_ANY_K = ("mean", "set")
KS = (1, 2, 4, 8, 16)
"""Numbers of copies with which a set network is trained in turn, and networks that serve every k are measured."""

# The format with the step ε at σ_L instead of r = ε/σ_L², and its range of ε.
_WITH_STEP_SIZE = "msd-experiment-1"
# The format whose chains always give the denoiser the noise of the level, and whose networks serve one k.
_SECOND = "msd-experiment-2"
_LARGEST_STEP_SIZE = 1e6


class ExperimentSpec(Spec):
    """Data, noise, network, training and sampling of one experiment.

    Its JSON also names the random number generator of the program that wrote it (`generator_of`) and, if needed, a job
    (`job_of`) and the weights of a network (`specs.models.weights_of`); none of these is a setting.

    Training uses all parts but `sampling` and `denoise`; sampling uses `data`, `sampling` and the number of copies
    `training.k`; manual denoising also uses `denoise`.
    """

    notes: ClassVar = ("generator", "job", "weights")
    older: ClassVar = (_SECOND, _WITH_STEP_SIZE)

    format: Literal["msd-experiment-3"] = "msd-experiment-3"
    title: str = Field("", max_length=200)
    data: DataSpec = MixtureSpec()
    noise: NoiseSpec = NoiseSpec()
    network: Annotated[MlpSpec | UNetSpec, Field(discriminator="kind")] = MlpSpec()
    training: TrainingSpec = TrainingSpec()
    sampling: SamplingSpec = SamplingSpec()
    denoise: DenoiseSpec = DenoiseSpec()
    branch: BranchSpec | None = None

    @classmethod
    def present(cls, document: dict[str, Any]) -> dict[str, Any]:
        """Convert a document of an earlier format step by step, so that its chains stay the same; return others."""
        document = super().present(document)
        if document.get("format") == _WITH_STEP_SIZE:
            document = _with_step_ratio(document)
        return _with_any_k(_as_scheduled(document)) if document.get("format") == _SECOND else document

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if isinstance(self.data, ImagesSpec):
            if not isinstance(self.network, UNetSpec):
                raise ValueError("network.kind must be 'unet' where data.kind is 'images'.")
            rows: dict[str, FormRow | ObjectiveRow] = {
                "form": FORMS[self.training.form],
                "objective": OBJECTIVES[self.training.objective],
            }
            for name, row in rows.items():
                if row.only_points:
                    value = getattr(self.training, name)
                    raise ValueError(f"training.{name} {value!r} is for points, not for images: {row.only_points}.")
        elif not isinstance(self.network, MlpSpec):
            raise ValueError("network.kind must be 'mlp' where data.kind is 'mixture'.")
        return self

    @model_validator(mode="after")
    def _sampler_fits_data(self) -> Self:
        sampling, data = self.sampling, self.data
        wanted = f"sampling.sampler {sampling.sampler!r} needs"
        if isinstance(data, ImagesSpec) and not sampling.traits.draws_images:
            raise ValueError(f"{wanted} an exact density, which images do not have: choose another sampler.")
        if isinstance(data, MixtureSpec) and data.is_points and sampling.noiseless:
            raise ValueError(f"{wanted} a density without noise, which points do not have: choose another sampler.")
        return self

    @model_validator(mode="after")
    def _branch_is_on_the_way(self) -> Self:
        branch = self.branch
        if branch is None:
            return self
        if isinstance(self.data, ImagesSpec):
            raise ValueError("branch is for points, not for images: branch from a film on the images page.")
        if branch.step > branch.sampling.total_steps:
            last = branch.sampling.total_steps
            raise ValueError(f"branch.step ({branch.step}) must not exceed the last step of branch.sampling ({last}).")
        return self

    @property
    def unsaved(self) -> Collection[str]:
        """Names of the fields that documents leave out: a branch that is not there."""
        return frozenset() if self.branch is not None else frozenset({"branch"})

    @model_validator(mode="after")
    def _noise_suits_data(self) -> Self:
        kind = self.data.kind
        if not COVARIANCES[self.noise.covariance].suits(kind):
            words = " or ".join(repr(word) for word, row in COVARIANCES.items() if row.suits(kind))
            raise ValueError(f"noise.covariance must be {words} where data.kind is {kind!r}.")
        return self

    def to_json(self, *, indent: int | None = None) -> str:
        """Return JSON text with the generator of this program; `from_json` reads it back unchanged."""
        fields = self.model_dump(mode="json")
        fields = {"format": fields.pop("format"), "generator": GENERATOR} | fields
        separators = None if indent else (",", ":")
        return json.dumps(fields, indent=indent, separators=separators, ensure_ascii=False)

    @property
    def law(self) -> NoiseSpec:
        """The noise of training, with an automatic law in σ_eff where the fusion of the copies serves every k."""
        if self.noise.quantity == "auto" and self.network.fusion in _ANY_K:
            return self.noise.model_copy(update={"quantity": "sigma-eff"})
        return self.noise

    @property
    def serves_every_k(self) -> bool:
        """Whether the network of this training takes any number of copies, else `training.k` alone.

        It does where its fusion does and the training noise is given as σ_eff. A law of σ of one copy gives other σ_eff
        for another k (theory §3, fact 10).
        """
        return self.network.fusion in _ANY_K and self.law.draws_sigma_eff

    @property
    def takes_fewer_copies(self) -> bool:
        """Whether the sampler shows the denoiser fewer copies than there are, too."""
        return self.sampling.traits.in_turn and self.training.k > 1

    @property
    def copies(self) -> str:
        """Numbers of copies that the network of this training takes, such as ``k = 8``."""
        return "every k" if self.serves_every_k else f"k = {self.training.k}"

    @property
    def training_ks(self) -> tuple[int, ...]:
        """Numbers of copies that the steps of a training take in turn."""
        return KS if self.network.fusion == "set" else (self.training.k,)

    def sigma_eff(self, sigma: float) -> float:
        """Return the noise of ȳ, σ/√k, for a noise σ of each copy."""
        return sigma / math.sqrt(self.training.k)

    def sigma_of_copy(self, sigma_eff: float) -> float:
        """Return the noise σ of each copy for a noise σ_eff of ȳ: the inverse of `sigma_eff`."""
        return sigma_eff * math.sqrt(self.training.k)

    @property
    def begins_at_data(self) -> bool:
        """Whether chains of a network begin with the exact posterior mean over its training images."""
        sampling = self.sampling
        first = sampling.sigma_1 if sampling.method == "annealed" and sampling.levels > 1 else sampling.sigma_L
        of_network = sampling.source == "trained" and isinstance(self.data, ImagesSpec)
        return of_network and first > self.sigma_of_copy(sampling.exact_above)

    @property
    def begun(self) -> str:
        """``begun from training images`` where chains of a network do; else empty."""
        return BEGUN if self.begins_at_data else ""

    def with_next_seed(self) -> Self:
        """Return the experiment with the next seed of the chains."""
        return self.replace("sampling.seed", (self.sampling.seed + 1) % (LARGEST_SEED + 1))


def step_ratio_of(epsilon: Any, sigma_L: float) -> float:
    """Return the step ratio r = ε/σ_L².

    Args:
        epsilon: Step size at the last level, from a user or an older file.
        sigma_L: Last noise, positive.

    Raises:
        SpecError: ε is not a number in its range, or σ_L² rounds to 0.
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
    """Replace ε by r in a document."""
    sampling = fields.get("sampling", {})
    if isinstance(sampling, dict) and "step_ratio" not in sampling:
        sampling = dict(sampling)
        epsilon, sigma_L = sampling.pop("epsilon", 0.1), sampling.get("sigma_L", 1.0)
        # Validation refuses any other σ_L.
        if isinstance(sigma_L, int | float) and 0 < sigma_L < 1e100:
            sampling["step_ratio"] = step_ratio_of(epsilon, sigma_L)
    return fields | {"format": _SECOND, "sampling": sampling}


def _as_scheduled(fields: dict[str, Any]) -> dict[str, Any]:
    """Let the denoiser get the noise of the level."""
    sampling = fields.get("sampling", {})
    if isinstance(sampling, dict):
        sampling = {"conditioning": "scheduled"} | sampling
    return fields | {"sampling": sampling}


def _with_any_k(fields: dict[str, Any]) -> dict[str, Any]:
    """Name the networks of a document that have seen one k alone as such."""
    network, noise = fields.get("network"), fields.get("noise", {})
    if isinstance(network, dict) and network.get("fusion") == "set":
        network = network | {"fusion": "set-of-k"}
    elif isinstance(network, dict) and network.get("fusion") == "mean" and isinstance(noise, dict):
        uniform = noise.get("law") == "uniform-t" and noise.get("quantity", "auto") == "auto"
        noise = noise | {"quantity": "sigma"} if uniform else noise
    changed = {name: part for name, part in (("network", network), ("noise", noise)) if name in fields}
    return fields | changed | {"format": "msd-experiment-3"}


def generator_of(text: str | bytes) -> str:
    """Return the name of the random number generator in a spec.

    Args:
        text: JSON that `ExperimentSpec.from_json` accepts.

    Returns:
        The name; empty in handwritten files and in files from before generators were named.
    """
    return str(json.loads(text).get("generator", ""))


def for_job(spec_json: str, job: JobName) -> str:
    """Add the name of a job to a spec as JSON, for `msd run`."""
    return json.dumps({"job": job} | json.loads(spec_json), ensure_ascii=False)


def job_of(text: str | bytes) -> JobName | None:
    """Return the name of the job in a spec.

    Args:
        text: JSON that `ExperimentSpec.from_json` accepts.

    Returns:
        The name; None for an absent or unknown job.
    """
    named = json.loads(text).get("job")
    return next((job for job in JOBS if job == named), None)


# Inpainting needs several steps at each noise: the kept part gets fresh noise after each step. If the noise falls at
# every step (probability flow, consistent sampling), the new part cannot adapt to it; RePaint (arXiv:2201.09865, §4.2)
# calls the result a lack of harmony.
_STEPS = 4
# Guidance acts at every step: a weight that suits a flow, which visits each noise once, exaggerates here.
_MOST_GUIDANCE = 1.3
_RATIO = 0.6
_FRICTION = 100.0
# The kept part has exactly the noise of its level after each step.
_CONDITIONING = "scheduled"


def for_painting(spec: ExperimentSpec, keep: Collection[str] = ()) -> ExperimentSpec:
    """Replace a gliding sampler by underdamped dynamics, which settles at each noise, for inpainting.

    Args:
        spec: The experiment; returned unchanged if `denoise.painting` is ``same`` or its sampler does not glide.
        keep: Dotted paths of fields that the user has set; with ``sampling.sampler`` the spec is returned unchanged.

    Returns:
        The spec with underdamped dynamics of high friction and about as many evaluations.
    """
    sampling = spec.sampling
    if not sampling.glides or spec.denoise.painting == "same" or "sampling.sampler" in keep:
        return spec
    fields: dict[str, Any] = {
        "sampling.sampler": "underdamped",
        "sampling.friction": _FRICTION,
        "sampling.conditioning": _CONDITIONING,
        "sampling.step_ratio": _RATIO,
        "sampling.levels": max(2, sampling.evaluations // _STEPS),
        "sampling.steps_per_level": _STEPS,
        "sampling.guidance": min(sampling.guidance, _MOST_GUIDANCE),
    }
    return spec.replace_all({path: value for path, value in fields.items() if path not in keep})


Misfit = Literal["shape", "noise", "k", "data"]

NETWORK_FIELDS = (
    "data",
    "network",
    "noise.s",
    *(f"noise.{name}" for name in COLOUR_FIELDS),
    "training.k",
    "training.form",
    "training.objective",
)
"""What a network is made from: a training with another of these makes another network."""


def misfits(trained: ExperimentSpec, asked: ExperimentSpec) -> tuple[Misfit, ...]:
    """Return why a network cannot denoise what an experiment asks for; empty where it fits.

    A network takes as many copies as it was trained with, unless it serves every k. Samplers that move copies in turn
    show it fewer.

    Args:
        trained: What it was trained with.
        asked: The experiment.

    Returns:
        ``shape``: its data have another shape. ``noise``: its noise has another covariance. ``k``: it takes another
        number of copies. ``data``: it has learned other data; it computes, but not what is asked for.
    """
    found: dict[Misfit, bool] = {
        "shape": trained.data.shape != asked.data.shape,
        "noise": trained.noise.colour != asked.noise.colour,
        "k": not trained.serves_every_k and (trained.training.k != asked.training.k or asked.takes_fewer_copies),
        "data": not same_data(trained, asked),
    }
    return tuple(why for why, holds in found.items() if holds)


def same_data(trained: ExperimentSpec, wanted: ExperimentSpec) -> bool:
    """Return whether two experiments are about the same data: the same set of images, or an equal mixture."""
    ours, theirs = trained.data, wanted.data
    if isinstance(ours, ImagesSpec) and isinstance(theirs, ImagesSpec):
        return ours.identity == theirs.identity
    return ours == theirs


def same_network(trained: ExperimentSpec, wanted: ExperimentSpec) -> bool:
    """Return whether a training of each of two experiments is about the same network, so that one can go on."""
    any_k = trained.serves_every_k and wanted.serves_every_k
    return all(
        _without_digest(trained.get(path)) == _without_digest(wanted.get(path))
        for path in NETWORK_FIELDS
        if path != "training.k" or not any_k
    )


def training_hash(spec: ExperimentSpec) -> str:
    """Return 16 hexadecimal digits that name a training: equal on every machine for equal settings of it.

    The title, `sampling` and `denoise` do not count, nor does the digest of own pictures, which only a run knows. A
    field that a later version adds with a default leaves the hash of older settings as it is.
    """
    parts = {"data", "noise", "network", "training"}
    fields = spec.model_dump(mode="json", include=parts, exclude_defaults=True)
    fields |= {"kinds": [spec.data.kind, spec.network.kind]}
    fields.get("data", {}).pop("digest", None)
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]


def same_training(one: ExperimentSpec, other: ExperimentSpec) -> bool:
    """Return whether two experiments train alike up to their budgets, so that a run of one can go on as the other."""
    training = one.training
    budget = {"training.steps": training.steps, "training.seconds": training.seconds}
    return training_hash(one) == training_hash(other.replace_all(budget))


def _without_digest(value: Any) -> Any:
    """Return data without the hash of own pictures, which only a training adds."""
    return value.model_copy(update={"digest": ""}) if isinstance(value, ImagesSpec) else value
