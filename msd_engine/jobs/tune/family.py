"""The candidates of a search: chains with a step that keep within a number of evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from msd_engine.jobs.factory.parts import descent, evaluations, uses_guidance
from msd_engine.specs import ExperimentSpec, SamplingSpec
from msd_engine.specs.search.tune import FAMILY, TuneSpec
from msd_engine.specs.tables.samplers import TRAITS, Sampler

Origin = Literal["preset", "known", "drawn"]
Settings = Mapping[str, Any]

PRESET = -1
"""Number of the preset's own chain, which is reported but may lie outside the family."""

SEARCHED = (
    "sampler",
    "ladder",
    "rho",
    "sigma_L",
    "levels",
    "steps_per_level",
    "step_ratio",
    "friction",
    "guidance",
    "jump",
)
"""Fields of the sampling that the search chooses."""

_ALONE: dict[str, Any] = {"method": "annealed", "exact_above": SamplingSpec.model_fields["exact_above"].default}
"""Fields that are the same for all candidates: the network answers alone."""
_TOLD = {"conditioning": "actual"}
"""The same for those that have the field: the denoiser gets the noise that is there."""

_FEWEST_LEVELS, _MOST_LEVELS = 2, 10_000
_SIGMA_L = "sigma_L_factor"  # last noise over that of the preset

_LADDERS = ("as-trained", "geometric", "karras")
_STEPS = (1, 2, 3, 4, 6, 10)
# Ranges of the step ratio r.
_RATIOS = {
    "predictor-corrector": (0.02, 1.0),
    "langevin": (0.02, 1.0),
    "underdamped": (0.05, 1.5),
    "consistent": (0.02, 0.6),
}
_FRICTIONS, _RHOS, _SIGMA_L_FACTORS = (0.5, 100.0), (1.5, 12.0), (0.3, 2.0)
_UNGUIDED, _MOST_GUIDANCE = 0.2, 3.0
_JUMPING = 0.8
_DRAWS = 9


@dataclass(frozen=True)
class Candidate:
    """A chain that may be the best.

    Attributes:
        number: Its number in the search; `PRESET` for the preset's own chain.
        origin: Where it is from.
        spec: The experiment.
        evaluations: Evaluations of the network for one chain.
    """

    number: int
    origin: Origin
    spec: ExperimentSpec
    evaluations: int

    @property
    def values(self) -> dict[str, float | int | str | bool]:
        """Its settings by dotted path."""
        return chosen_values(self.spec.sampling)

    @property
    def words(self) -> str:
        """The settings in a few words."""
        return in_words(self.spec.sampling)


def chosen_values(sampling: SamplingSpec) -> dict[str, float | int | str | bool]:
    """Return the settings of a chain by dotted path; only those that its sampler and its ladder have."""
    without = set(sampling.absent) | (set() if sampling.ladder == "karras" else {"rho"})
    names = [name for name in (*SEARCHED, *_ALONE, *_TOLD) if name not in without]
    return {f"sampling.{name}": getattr(sampling, name) for name in names}


def in_words(sampling: SamplingSpec) -> str:
    """Return the settings of a chain in a few words, such as ``Predictor–corrector 80 × 2, r 0.1, w 2, as-trained``."""
    parts = [f"{sampling.traits.title} {sampling.levels} × {sampling.steps_per_level}"]
    if sampling.has_step:
        parts.append(f"r {sampling.step_ratio:.3g}")
    if "friction" in sampling.traits.own:
        parts.append(f"Γ {sampling.friction:.3g}")
    if sampling.guidance != 1.0:
        parts.append(f"w {sampling.guidance:.3g}")
    parts.append(f"karras ρ {sampling.rho:.3g}" if sampling.ladder == "karras" else sampling.ladder)
    parts.append(f"σ_L {sampling.sigma_L:.3g}")
    if "conditioning" not in sampling.absent and sampling.conditioning == "scheduled":
        parts.append("scheduled noise")
    if not sampling.jump:
        parts.append("no jump")
    return ", ".join(parts)


def reference(spec: TuneSpec, *, has_earlier: bool) -> Candidate:
    """Return the preset's own chain, of the network alone.

    Args:
        spec: The search.
        has_earlier: Whether the network has an earlier self to be guided by.
    """
    alone = alone_spec(spec.base, has_earlier=has_earlier)
    return Candidate(PRESET, "preset", alone, cost(alone))


def candidates(spec: TuneSpec, *, has_earlier: bool) -> tuple[Candidate, ...]:
    """Return the candidates of a search; those drawn at random do not depend on their number.

    Args:
        spec: The search.
        has_earlier: Whether the network has an earlier self to be guided by.

    Returns:
        At most `spec.candidates` different chains, none above the budget: that of the preset if its sampler is in the
        family, the well-known ones, up to half of all, and chains drawn at random.
    """
    base = alone_spec(spec.base, has_earlier=has_earlier)
    base = base.replace_all({f"sampling.{name}": value for name, value in _told(base.sampling.sampler).items()})
    found: dict[str, Candidate] = {}
    for origin, fitting in _fitting(spec, base, has_earlier):
        key = fitting.sampling.model_dump_json()
        if key not in found:
            found[key] = Candidate(len(found), origin, fitting, cost(fitting))
        if len(found) == spec.candidates:
            break
    return tuple(found.values())


def alone_spec(base: ExperimentSpec, *, has_earlier: bool) -> ExperimentSpec:
    """Return an experiment whose annealed chains ask the network alone, without guidance that it cannot have."""
    values = {"source": "trained", **_ALONE} | ({} if has_earlier else {"guidance": 1.0})
    return base.replace_all({f"sampling.{name}": value for name, value in values.items()})


def cost(spec: ExperimentSpec) -> int:
    """Return the evaluations of the network for one chain; a guided evaluation counts twice."""
    return evaluations(spec, descent(spec), guided=uses_guidance(spec))


def fitted(base: ExperimentSpec, wanted: Settings, budget: int) -> ExperimentSpec | None:
    """Return an experiment with the given settings and as many levels as the budget allows.

    Args:
        base: The other settings.
        wanted: Settings by the name of their field, without the levels; the last noise by its factor.
        budget: Most evaluations of one chain.

    Returns:
        The experiment, with fewer steps per level where two levels would be above the budget; None if even one step
        per level is.
    """
    values = {f"sampling.{name}": value for name, value in wanted.items() if name != _SIGMA_L}
    values |= {f"sampling.{name}": value for name, value in _told(wanted["sampler"]).items()}
    values["sampling.sigma_L"] = _rounded(min(base.sampling.sigma_1, base.sampling.sigma_L * wanted.get(_SIGMA_L, 1.0)))

    def chain(levels: int, steps: int) -> ExperimentSpec:
        return base.replace_all(values | {"sampling.levels": levels, "sampling.steps_per_level": steps})

    most = min(int(wanted["steps_per_level"]), budget)
    steps = next((steps for steps in range(most, 0, -1) if cost(chain(_FEWEST_LEVELS, steps)) <= budget), 0)
    if not steps:
        return None
    # Above the budget for every sampler, or above the most levels of a spec.
    low, high = _FEWEST_LEVELS, min(_MOST_LEVELS, budget // steps + 1) + 1
    # Every step keeps the lower end within the budget, even where the number of guided levels falls.
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(chain(middle, steps)) <= budget else (low, middle)
    return chain(low, steps)


def _told(sampler: Sampler) -> dict[str, Any]:
    return {name: value for name, value in _TOLD.items() if name in TRAITS[sampler].own}


def _fitting(spec: TuneSpec, base: ExperimentSpec, has_earlier: bool) -> Iterator[tuple[Origin, ExperimentSpec]]:
    """Yield experiments within the budget, some of them perhaps more than once."""
    if base.sampling.sampler in FAMILY and cost(base) <= spec.evaluations:
        yield "preset", base
    for origin, wanted in _wishes(spec, base, has_earlier):
        fitting = fitted(base, wanted, spec.evaluations)
        if fitting is not None:
            yield origin, fitting


def _wishes(spec: TuneSpec, base: ExperimentSpec, has_earlier: bool) -> Iterator[tuple[Origin, Settings]]:
    sampling = base.sampling
    if sampling.sampler in FAMILY:
        names = {name for name in SEARCHED if name not in sampling.absent} - {"levels", "sigma_L"}
        yield "preset", {name: getattr(sampling, name) for name in names}
    for count, settings in enumerate(_known(), start=1):
        if count > spec.candidates // 2:
            break
        yield "known", settings if has_earlier else {**settings, "guidance": 1.0}
    # A seed and a number make each draw, so that more candidates keep the first ones. Few draws repeat or do not fit.
    for number in range(10 * spec.candidates):
        yield "drawn", _drawn(np.random.default_rng((spec.seed, number)).random(_DRAWS), has_earlier)


def _known() -> Iterator[dict[str, Any]]:
    """Yield chains that did well by hand, the best first."""
    common = {"ladder": "as-trained", "rho": 7.0, "jump": True, _SIGMA_L: 1.0}

    def chain(sampler: str, steps: int, ratio: float, w: float, **more: Any) -> dict[str, Any]:
        return common | {"sampler": sampler, "steps_per_level": steps, "step_ratio": ratio, "guidance": w} | more

    yield chain("predictor-corrector", 2, 0.1, 2.0)
    yield chain("predictor-corrector", 2, 0.1, 1.5)
    yield chain("consistent", 1, 0.05, 2.4)
    yield chain("langevin", 4, 0.2, 1.5, **{_SIGMA_L: 0.5})
    yield chain("underdamped", 4, 0.6, 1.3, friction=100.0)
    yield chain("predictor-corrector", 1, 0.1, 2.0)
    yield chain("consistent", 1, 0.3, 2.0)
    yield chain("predictor-corrector", 4, 0.1, 1.5)
    yield chain("predictor-corrector", 2, 0.05, 2.0, **{_SIGMA_L: 0.5})
    yield chain("langevin", 4, 0.3, 1.0)
    yield chain("underdamped", 2, 0.3, 2.0, friction=2.0)
    yield chain("predictor-corrector", 2, 0.2, 1.0)


def _drawn(u: np.ndarray[Any, np.dtype[np.float64]], has_earlier: bool) -> dict[str, Any]:
    """Return settings for independent numbers u, uniform in [0, 1)."""
    sampler = _pick(FAMILY, u[0])
    w = 1.0 if u[1] < _UNGUIDED else 1.0 + (u[1] - _UNGUIDED) / (1 - _UNGUIDED) * (_MOST_GUIDANCE - 1.0)
    settings: dict[str, Any] = {
        "sampler": sampler,
        "ladder": _pick(_LADDERS, u[2]),
        "rho": _between(_RHOS, u[3]),
        "steps_per_level": _pick(_STEPS, u[4]),
        "step_ratio": _between(_RATIOS[sampler], u[5]),
        _SIGMA_L: _between(_SIGMA_L_FACTORS, u[6]),
        "jump": bool(u[7] < _JUMPING),
        "guidance": _rounded(w) if has_earlier else 1.0,
    }
    return settings | ({"friction": _between(_FRICTIONS, u[8])} if sampler == "underdamped" else {})


def _pick(words: tuple[Any, ...], u: float) -> Any:
    return words[int(u * len(words))]


def _between(span: tuple[float, float], u: float) -> float:
    """Return a number between two, log-uniform for uniform u."""
    low, high = span
    return _rounded(low * (high / low) ** u)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
