"""A shoot-out: samplers on one target with the same number of evaluations of the denoiser."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from msd_engine.specs.base import LARGEST_SEED, Declaration, Spec, SpecError, declarations
from msd_engine.specs.experiment import ExperimentSpec
from msd_engine.specs.tables.samplers import TRAITS, ChosenSampler, Sampler

LEAST_EVALUATIONS = 3
"""Fewest evaluations of a chain: one step of any sampler, and the last jump."""

Evaluations = Annotated[int, Field(ge=LEAST_EVALUATIONS, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]

USUAL: tuple[Sampler, ...] = ("langevin", "consistent", "underdamped", "predictor-corrector", "ode", "gibbs")
"""Samplers that are compared unless others are chosen."""

_COMPARED_CHAINS = 500


class ShootOutSpec(Spec):
    """A comparison of samplers.

    Data, copies, ladder, start and number of chains come from `base`. A budget buys steps: as many at each level of
    the ladder as it holds, and with what is left more levels; a budget of fewer steps than levels has fewer levels.
    """

    format: Literal["msd-shoot-out-1"] = "msd-shoot-out-1"
    base: ExperimentSpec
    contenders: tuple[ChosenSampler, ...] = Field(
        tuple(ChosenSampler(sampler=name) for name in USUAL), min_length=1, max_length=16
    )
    evaluations: tuple[Evaluations, ...] = Field((30, 100, 300), min_length=1, max_length=12)
    seeds: tuple[Seed, ...] = Field((0, 1, 2, 3, 4), min_length=1, max_length=100)

    @model_validator(mode="after")
    def _comparable(self) -> Self:
        for name in ("contenders", "evaluations", "seeds"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} must not name the same value twice.")
        if any(below > above for below, above in zip(self.evaluations, self.evaluations[1:], strict=False)):
            raise ValueError("evaluations must rise, such as 100, 300, 1000.")
        if self.base.data.shape != (2,):
            raise ValueError("base.data must be a mixture or points in the plane, where the exact score is known.")
        if self.base.noise.covariance != "isotropic":
            raise ValueError("base.noise.covariance must be 'isotropic': samples are compared in one metric.")
        if self.base.branch is not None:
            raise ValueError("base.branch must be empty: a comparison begins at the first step.")
        for contender in self.contenders:
            self.child(contender, self.evaluations[-1], self.seeds[0])
        return self

    @property
    def titles(self) -> tuple[str, ...]:
        """Title of each contender: its sampler, and what tells it from others with the same sampler."""
        return tuple(f"{one.traits.title}{self._difference(one)}" for one in self.contenders)

    def _difference(self, one: ChosenSampler) -> str:
        same = [other for other in self.contenders if other.sampler == one.sampler]
        names = [name for name in one.traits.own if len({getattr(other, name) for other in same}) > 1]
        return "".join(f", {_short(name)} = {_words(getattr(one, name))}" for name in names)

    @property
    def total_evaluations(self) -> int:
        """Evaluations of one chain of every contender, budget and seed together."""
        children = [self.child(one, budget, 0) for one in self.contenders for budget in self.evaluations]
        return len(self.seeds) * sum(child.sampling.evaluations for child in children)

    def child(self, contender: ChosenSampler, evaluations: int, seed: int) -> ExperimentSpec:
        """Return the experiment of one contender with one budget and seed."""
        wanted, traits = self.base.sampling, contender.traits
        steps = (evaluations - 1) // traits.evaluations
        fields: dict[str, Any] = {f"sampling.{name}": getattr(contender, name) for name in ("sampler", *traits.own)}
        ladder = traits.glides or traits.needs_ladder or (wanted.method == "annealed" and not traits.noiseless)
        if ladder:
            per_level = max(1, steps // max(1, wanted.levels - traits.glides))
            fields |= {"sampling.method": "annealed", "sampling.levels": steps // per_level + traits.glides}
        else:
            per_level = steps
        fields |= {"sampling.steps_per_level": per_level, "sampling.seed": seed}
        return self.base.replace_all(fields)


def contender_of(words: str, base: ExperimentSpec) -> ChosenSampler:
    """Read a contender such as ``langevin``, or ``langevin:r=0.3:conditioning=scheduled``.

    Args:
        words: The sampler, then its own fields; those that are not given are those of `base` where it has them.
        base: The experiment.

    Raises:
        SpecError: There is no such sampler or field, or a value is out of range.
    """
    name, *parts = words.split(":")
    known = next((sampler for sampler in TRAITS if sampler == name), None)
    if known is None:
        raise SpecError("contenders", f"There is no sampler {name!r}: choose from {', '.join(TRAITS)}.")
    own = {one.path: one for one in declarations(ChosenSampler(sampler=known)) if one.path in TRAITS[known].own}
    fields: dict[str, Any] = {}
    for part in parts:
        field, _, value = part.partition("=")
        field = "step_ratio" if field == "r" else field
        if field not in own or not value:
            among = f"one of {', '.join(own)}" if own else "but it has none"
            raise SpecError("contenders", f"{part!r} is no field of {name}: write FIELD=VALUE, {among}.")
        fields[field] = _read(value, own[field])
    return chosen(known, base, fields)


def _read(text: str, declared: Declaration) -> Any:
    """Read the text of a value; the spec checks its range."""
    if declared.type is not float:
        return text
    try:
        return float(text)
    except ValueError:
        raise SpecError("contenders", f"{declared.path} must be a number, but is {text!r}.") from None


def chosen(sampler: Sampler, base: ExperimentSpec, given: dict[str, Any] | None = None) -> ChosenSampler:
    """Return a sampler with the own fields that the sampler of an experiment shares with it."""
    shared = [name for name in TRAITS[sampler].own if name in base.sampling.traits.own]
    fields = {name: getattr(base.sampling, name) for name in shared}
    return ChosenSampler.from_fields({"sampler": sampler} | fields | (given or {}))


def usual_base(preset: ExperimentSpec) -> ExperimentSpec:
    """Return an experiment in the plane with enough chains for a comparison.

    Raises:
        SpecError: Its data are images.
    """
    if preset.data.kind == "images":
        raise SpecError("data.kind", "Samplers are compared in the plane: choose points or a mixture.")
    return preset.replace_all({"sampling.chains": _COMPARED_CHAINS, "branch": None})


def _short(name: str) -> str:
    return {"step_ratio": "r", "step_size": "ε", "friction": "Γ", "eta": "η"}.get(name, name.replace("_", " "))


def _words(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
