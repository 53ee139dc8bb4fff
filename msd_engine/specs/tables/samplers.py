"""Samplers: one row for each, with its properties and its own fields, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from pydantic import model_validator

from msd_engine.specs.base import Spec, param

Sampler = Literal[
    "langevin",
    "consistent",
    "underdamped",
    "predictor-corrector",
    "ode",
    "gibbs",
    "metropolis",
    "plain",
    "ddim",
    "sde",
    "accumulated",
]

NewNoise = Literal["beta-tilde", "beta"]

Conditioning = Literal["actual", "scheduled"]

Need = Literal["", "draws", "density", "clean score", "fewer copies"]
"""What a sampler needs beyond x̂: draws from the posterior, the density of the copies, ∇ log p itself, or x̂ of fewer
copies, which networks that serve every k give, too."""

BEYOND_NETWORKS: Final[dict[Need, str]] = {
    "draws": "a network gives x̂, but no draws from the posterior",
    "density": "a network gives x̂, but no density of the copies",
    "clean score": "a network gives x̂ of noisy copies, but no score without noise",
}
"""Why a network does not serve a sampler with such a need."""

WALL: Final = 2.0
"""Step ratio r from which chains with a wall diverge, for any data and denoiser (theory §3, fact 4)."""

ACCEPTANCE: Final = 0.574
"""Best acceptance of Langevin proposals in many dimensions (Roberts and Rosenthal 1998, JRSS B 60)."""


@dataclass(frozen=True)
class Traits:
    """Properties of a sampler that settings, advice and costs depend on.

    Attributes:
        title: Display title.
        help: Sentence for the tooltip, in lower case, without a full stop.
        module: Module of `msd_engine.samplers` with the steps and the law of their variance.
        glides: Whether the noise falls at every step instead of staying fixed within a level.
        needs_ladder: Whether it works only down a ladder, as do all that glide.
        own: Its fields of `ChosenSampler`, which some other samplers lack.
        has_wall: Whether chains diverge from r = `WALL` on.
        needs: What it needs beyond x̂, which only exact denoisers give.
        evaluations: Evaluations of x̂ per step: the first at the noise before the step, the next at the noise after it.
        absolute: Whether a step depends on σ of one copy itself, not on ratios of noises alone: even for an exact
            denoiser, k copies then differ from one copy with σ/√k.
        has_drift: Whether a step moves the copies by a drift and by noise, rather than draw them anew.
        update: Its update, with {step}, {noise}, {sigma}, {ratio} and {time} where numbers belong (`updates`).
    """

    title: str
    help: str
    module: str
    glides: bool = False
    needs_ladder: bool = False
    own: tuple[str, ...] = ("step_ratio",)
    has_wall: bool = False
    needs: Need = ""
    evaluations: int = 1
    absolute: bool = False
    has_drift: bool = True
    update: str = ""

    @property
    def needs_exact(self) -> bool:
        """Whether no network serves it."""
        return self.needs in BEYOND_NETWORKS

    @property
    def in_turn(self) -> bool:
        """Whether it moves the copies one after the other, and x̂ sees those up to the one that moves."""
        return self.needs == "fewer copies"

    @property
    def has_step(self) -> bool:
        """Whether it has a step size."""
        return "step_ratio" in self.own

    @property
    def draws_images(self) -> bool:
        """Whether it can draw images, whose exact denoiser gives x̂ and draws alone."""
        return self.needs in ("", "draws", "fewer copies")

    @property
    def noiseless(self) -> bool:
        """Whether chains move the datum itself, without noise, ladder and copies."""
        return self.needs == "clean score"


_LANGEVIN = "y_i ← y_i + {step} (x̂ − y_i)/{sigma}² + {noise} z_i"

TRAITS: Final[dict[Sampler, Traits]] = {
    "langevin": Traits(
        "Langevin",
        "chained annealed Langevin dynamics",
        "langevin",
        own=("step_ratio", "conditioning"),
        has_wall=True,
        update=_LANGEVIN,
    ),
    "consistent": Traits(
        "Consistent",
        "annealed sampling whose noise follows the ladder exactly",
        "consistent",
        glides=True,
        update="y_i ← y_i + {ratio} (x̂ − y_i) + √(σ₊² − (1 − {ratio})² {sigma}²) z_i",
    ),
    "underdamped": Traits(
        "Underdamped",
        "Langevin with momentum (BAOAB)",
        "underdamped",
        own=("step_ratio", "friction", "conditioning"),
        has_wall=True,
        update="v_i ← v_i + {time} (x̂ − y_i)/{sigma}²,  y_i ← y_i + {time}/2 v_i,  v_i ← c v_i + √(1 − c²) z_i,  "
        "y_i ← y_i + {time}/2 v_i",
    ),
    "predictor-corrector": Traits(
        "Predictor–corrector",
        "an ancestral step down between Langevin steps",
        "corrected",
        needs_ladder=True,
        own=("step_ratio", "conditioning"),
        has_wall=True,
        update=f"{_LANGEVIN};  to the next level y_i ← x̂ + q (y_i − x̂) + σ₊ √(1 − q) z_i,  q = σ₊²/σ²",
    ),
    "ode": Traits(
        "Probability flow",
        "the ODE, without noise, by Heun's rule",
        "flow",
        glides=True,
        own=(),
        evaluations=2,
        update="d y_i/dσ = (y_i − x̂)/{sigma}",
    ),
    "gibbs": Traits(
        "Gibbs (exact)",
        "draw x from its exact posterior, then draw new copies",
        "gibbs",
        own=(),
        needs="draws",
        has_drift=False,
        update="x ~ P(x | y₁…y_k; {sigma}),  y_i ← x + {sigma} z_i",
    ),
    "metropolis": Traits(
        "Metropolis-adjusted",
        "Langevin proposals that a Metropolis test accepts or rejects, without bias at any step (MALA)",
        "exact.metropolis",
        own=("step_ratio", "warm_up"),
        needs="density",
        evaluations=2,
        update=f"{_LANGEVIN.replace('←', '→')}, accepted with min(1, P(y′) q(y | y′) / P(y) q(y′ | y))",
    ),
    "plain": Traits(
        "Plain, no noise",
        "Langevin dynamics of x itself by the score of the data, which keeps wrong weights of separate modes",
        "exact.plain",
        own=("step_size",),
        needs="clean score",
        update="x ← x + {step} ∇ log p(x) + {noise} z",
    ),
    "ddim": Traits(
        "DDPM, DDIM",
        "reverse steps of DDPM (η = 1) and DDIM (η = 0), down a ladder of the noise σ/α",
        "reverse.ddim",
        glides=True,
        own=("eta", "new_noise"),
        update="y_i ← x̂ + √(σ₊² − s²) (y_i − x̂)/{sigma} + s z_i,  s = η σ₊ √(1 − σ₊²/{sigma}²)",
    ),
    "sde": Traits(
        "Reverse SDE",
        "the reverse SDE of the variance-preserving process by Euler–Maruyama, down a ladder of the noise σ/α",
        "reverse.sde",
        glides=True,
        absolute=True,
        own=(),
        update="y_i ← e^(−b/2) ((1 + b/2) y_i + b (1 + 1/{sigma}²) (x̂ − y_i)) + √(b (1 + σ₊²)) z_i,  "
        "b = ln((1 + {sigma}²)/(1 + σ₊²))",
    ),
    "accumulated": Traits(
        "Copy by copy",
        "measure the copies one after the other, each given those before it, so that noise falls without a ladder",
        "exact.accumulated",
        has_wall=True,
        needs="fewer copies",
        absolute=True,
        update="y_m ← y_m + {step} (x̂(y₁…y_m) − y_m)/{sigma}² + {noise} z_m,  m = 1…k in turn",
    ),
}
"""Rows in the order of the list on the screen."""

if set(TRAITS) != set(get_args(Sampler)):
    raise TypeError(f"Every sampler has one row of traits: {sorted(set(TRAITS) ^ set(get_args(Sampler)))} differ.")


def sampler_help() -> str:
    """Return one sentence on each sampler, in table order."""
    return " ".join(f"{row.title}: {row.help}." for row in TRAITS.values())


class ChosenSampler(Spec):
    """A sampler with its own fields; those of other samplers are neither kept nor shown."""

    sampler: Sampler = param(
        "langevin",
        title="Sampler",
        help=f"How all copies move. {sampler_help()}",
        choices={name: row.title for name, row in TRAITS.items()},
        formula="Langevin: y_i ← y_i + ε (x̂ − y_i)/σ² + √(2ε) z_i",
    )
    step_ratio: float = param(
        0.1,
        title="Step ratio",
        symbol="r",
        gt=0.0,
        le=1e12,
        slider=(1e-3, 4.0),
        scale="log",
        help="Langevin step over the variance of the noise, the same at every level; the step at σ_i is ε_i = r σ_i². "
        f"Langevin chains blow up from r = {WALL:g} on. In consistent sampling η = r; in underdamped dynamics the time "
        "step is σ√(2r).",
        formula="r = ε_i/σ_i²,  ε = r σ_L²",
    )
    friction: float = param(
        1.0,
        title="Friction",
        symbol="Γ",
        unit="1/σ",
        gt=0.0,
        le=1e4,
        slider=(0.05, 20.0),
        scale="log",
        help="Friction of underdamped dynamics with unit mass, in units of 1/σ at each level. 2 damps y − ȳ "
        "critically; much larger values approach Langevin dynamics.",
        formula="dv = score dt − (Γ/σ) v dt + √(2Γ/σ) dw",
    )
    conditioning: Conditioning = param(
        "actual",
        title="Noise given to x̂",
        help="Chains that swell hold more noise than their level says. Actual: the denoiser gets the noise of the "
        "state, which is known exactly at each step. Scheduled: it gets the noise of the level.",
        formula="v ← (1 − r)² v + 2 r σ²,  x̂(y₁…y_k; √v)",
    )
    warm_up: float = param(
        0.2,
        title="Warm-up",
        ge=0.0,
        le=0.5,
        slider=(0.0, 0.5),
        help="Share of the steps of each level in which every chain settles, then adapts its step, from r on, to an "
        f"acceptance of {ACCEPTANCE:g}. Figures leave these steps out. 0 keeps r.",
        formula="ln r ← ln r + n^(−0.6) (a − 0.574)",
    )
    step_size: float = param(
        0.05,
        title="Step",
        symbol="ε",
        gt=0.0,
        le=1e6,
        slider=(1e-3, 1.0),
        scale="log",
        help="Step of plain Langevin dynamics, in squared units of the data. Chains blow up from twice the least "
        "variance of a mode on.",
        formula="x ← x + ε ∇ log p(x) + √(2ε) z",
    )

    eta: float = param(
        1.0,
        title="Share of new noise",
        symbol="η",
        ge=0.0,
        le=1.0,
        slider=(0.0, 1.0),
        help="0: DDIM, without new noise, Euler's rule for the probability flow. 1: DDPM.",
        formula="y_i ← x̂ + √(σ₊² − s²) (y_i − x̂)/σ + s z_i,  s = η σ₊ √(1 − σ₊²/σ²)",
    )
    new_noise: NewNoise = param(
        "beta-tilde",
        title="Variance of new noise",
        help="β̃: that of the exact posterior given x̂, which keeps the noise of the ladder. β: that of the forward "
        "process, which is larger.",
        choices={"beta-tilde": "β̃", "beta": "β"},
        formula="β̃ = β (1 − ᾱ₊)/(1 − ᾱ),  β = 1 − ᾱ/ᾱ₊",
    )

    @model_validator(mode="before")
    @classmethod
    def _own_fields_alone(cls, fields: Any) -> Any:
        """Drop the fields of other samplers, which older files contain."""
        if not isinstance(fields, dict):
            return fields
        others = _others(fields.get("sampler", cls.model_fields["sampler"].default))
        return {name: value for name, value in fields.items() if name not in others}

    @property
    def absent(self) -> Mapping[str, str]:
        """The own fields of other samplers, which keep their defaults, with the samplers that have them."""
        return _absences(self.sampler)

    @property
    def traits(self) -> Traits:
        """Properties of the chosen sampler."""
        return TRAITS[self.sampler]

    def chosen(self) -> ChosenSampler:
        """Return the sampler with its own fields alone."""
        # They are valid already.
        return ChosenSampler.model_construct(**{name: getattr(self, name) for name in ChosenSampler.model_fields})


OWN_FIELDS: Final = tuple(name for name in ChosenSampler.model_fields if name != "sampler")
"""Fields that only some samplers have, in the order of the form."""

if set(OWN_FIELDS) != {name for row in TRAITS.values() for name in row.own}:
    raise TypeError(f"Every field of ChosenSampler belongs to the row of a sampler, and the reverse: {OWN_FIELDS}.")


def _others(sampler: Any) -> frozenset[str]:
    """Return the own fields of other samplers; none for an unknown sampler."""
    row = TRAITS.get(sampler) if isinstance(sampler, str) else None  # type: ignore[call-overload]
    return frozenset() if row is None else frozenset(OWN_FIELDS).difference(row.own)


@cache
def _absences(sampler: Sampler) -> Mapping[str, str]:
    """Return the own fields of other samplers, with the samplers that have them."""
    return MappingProxyType({name: f"{_owners(name)} it, but {sampler!r} is chosen" for name in _others(sampler)})


def _owners(name: str) -> str:
    samplers = [repr(sampler) for sampler, row in TRAITS.items() if name in row.own]
    return f"{', '.join(samplers)} {'has' if len(samplers) == 1 else 'have'}"
